// Backups of days ago, taken by the real jobs today: the workflow is told when it began, as after a continue-as-new, and the
// files of the store get the same time. So a prune by the store's own clock has something that is old enough to go.

import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { proofKey } from '../../src/model/format/backup-names.js';
import { proofSchema } from '../../src/model/format/manifest.js';
import { CONTROL_QUEUE } from '../../src/model/names.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { newJobProgress } from '../../src/model/state/job-report.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import type { BackupStack } from './backup-stack.js';
import { allOf, textOf } from './object-stores.js';
import { withClient } from './workflows-of.js';

export interface AgedBackup {
  collection: string;
  at: Date;
  store?: string;
  /** Default: an increment. */
  workflow?: 'fullBackup' | 'incrementalBackup';
  more?: Record<string, unknown>;
  /** Default: the cluster `source`. */
  cluster?: string;
}

/** Returns the id of the backup. */
export async function backUpAged(stack: BackupStack, aged: AgedBackup): Promise<string> {
  const { backup } = await startAged(stack, aged);
  if (backup === undefined) throw new Error('the backup has no id');
  await age(stack, backup, aged.at);
  return backup;
}

export function startAged(
  stack: Pick<BackupStack, 'temporal'>,
  { collection, at, store = 'offsite', workflow = 'incrementalBackup', more, cluster = 'source' }: AgedBackup,
): Promise<JobReport> {
  const carried = { ...newJobProgress(at.toISOString()), seen: 0, paused: false, pace: {} };
  const format = workflow === 'fullBackup' ? { format: 'points' } : {};
  const input = { cluster, collections: [collection], store, onFailure: 'fail', ...format, ...more, carried };
  const workflowId = `aged/${collection}/${at.toISOString()}`;
  return withClient(stack.temporal, (client) =>
    client.workflow.execute(workflow, { taskQueue: CONTROL_QUEUE, workflowId, args: [input] }),
  );
}

/** Every file of one backup, wherever a store of this test keeps it. */
export async function age({ folder }: Pick<BackupStack, 'folder'>, backup: string, at: Date): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && entry.parentPath.includes(backup))
      await utimes(join(entry.parentPath, entry.name), at, at);
  }
}

/** The proofs of a collection, as if they had been written then. */
export async function ageProofs(store: ObjectStore, collection: string, at: Date): Promise<void> {
  const all = await allOf(store.list('source/'));
  for (const { key } of all.filter((one) => one.key.includes(`/${collection}/proof-`))) {
    const proof = proofSchema.parse(JSON.parse(await textOf(store.read(key))));
    const aged = { ...proof, at: at.toISOString() };
    const { cluster, backup, kind } = proof;
    await store.put(proofKey(cluster, backup, collection, kind, at), Buffer.from(JSON.stringify(aged)));
    await store.delete(key);
  }
}
