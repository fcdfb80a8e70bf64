// The backups that recoveries start from: made once a store, while nothing goes wrong.

import { ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { COLLECTION, type ChaosStack } from './chaos-stack.js';
import type { ChaosJob, StoreName } from './jobs.js';

const made = new WeakMap<ChaosStack, Map<StoreName | undefined, string>>();

/** Id of it. */
export async function cleanBackup(stack: ChaosStack, { cluster, store }: ChaosJob): Promise<string> {
  const known = made.get(stack) ?? new Map<StoreName | undefined, string>();
  made.set(stack, known);
  const backup = known.get(store) ?? (await backUp(stack, cluster, store));
  known.set(store, backup);
  return backup;
}

async function backUp(stack: ChaosStack, cluster: string, store = ''): Promise<string> {
  const near = await stack.startWorker('near');
  try {
    const run = await ferry(stack, 'backup', cluster, COLLECTION, '--store', store, '--no-recall', '--json');
    return idOf(run);
  } finally {
    await near.kill();
  }
}

function idOf(run: FerryRun): string {
  const { backup } = reportOf(run);
  if (run.code !== 0 || backup === undefined) throw new Error(`the clean backup failed: ${run.stdout}`);
  return backup;
}
