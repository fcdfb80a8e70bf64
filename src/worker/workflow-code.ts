// The workflows for the control worker: the bundle that the build made ahead, which starts in a third of the time
// and half of the memory, or the modules themselves, bundled at start.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkerOptions } from '@temporalio/worker';

const bundle = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

export function workflowCode(): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> {
  return existsSync(bundle)
    ? { workflowBundle: { codePath: bundle } }
    : { workflowsPath: moduleAt('workflows/index') };
}

/** What goes round each workflow, where it is not in the bundle already. */
export function workflowInterceptors(): { workflowModules?: string[] } {
  return existsSync(bundle) ? {} : { workflowModules: [moduleAt('workflows/runtime/count-jobs')] };
}

function moduleAt(name: string): string {
  const compiled = fileURLToPath(new URL(`../${name}.js`, import.meta.url));
  return existsSync(compiled) ? compiled : fileURLToPath(new URL(`../${name}.ts`, import.meta.url));
}
