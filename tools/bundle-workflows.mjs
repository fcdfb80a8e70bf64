// Bundles the compiled workflows into dist/workflow-bundle.js, so that a control worker need not do it at each start.

import { rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const dist = new URL('../dist/', import.meta.url);
const { code } = await bundleWorkflowCode({
  workflowsPath: fileURLToPath(new URL('workflows/index.js', dist)),
  workflowInterceptorModules: [fileURLToPath(new URL('workflows/runtime/count-jobs.js', dist))],
  logger: new DefaultLogger('WARN'),
});
const aside = new URL(`workflow-bundle.js.${process.pid}`, dist);
await writeFile(aside, code);
await rename(aside, new URL('workflow-bundle.js', dist));
