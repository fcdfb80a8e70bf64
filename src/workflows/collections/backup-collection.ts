// Backs up one collection: plan, digest of the source, every shard once, some searches, digest again, manifest, check of what is
// in the store, proof. The workflow id is the lock against a second capture. Promises that a manifest is written only after
// whole snapshots, and that a collection whose objects are not as they were written ends as failed. After a failure nothing
// is removed: without its complete.json the backup does not count.

import { continueAsNew } from '@temporalio/workflow';
import { backupCollectionSchema, type BackupCollectionInput } from '../../model/contracts/backup-inputs.js';
import { parseInput } from '../../model/contracts/inputs.js';
import type { BackupReport } from '../../model/contracts/results.js';
import { whyNotQuiesced } from '../../model/state/capture-progress.js';
import { newProgress, warnOnce, type BackupProgress } from '../../model/state/progress-state.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { isReplaced, surfacing } from '../runtime/failures.js';
import { capturePoints } from '../steps/capture-points.js';
import { captureShards } from '../steps/capture-shards.js';
import { leavePage } from '../steps/digest-collection.js';
import { digestSource } from '../steps/digest-collection.js';
import { planCapture, planReplaced, sourceMoment } from '../steps/plan-capture.js';
import {
  checkObjects,
  writeComplete,
  writeIdSet,
  writeManifest,
  writeProof,
  writeRecall,
} from '../steps/write-documents.js';
import { Backup } from './backup-state.js';

export async function backupCollection(input: BackupCollectionInput): Promise<BackupReport> {
  return surfacing(async () => {
    const backup = open(input);
    return backup.job.run(() => backUp(backup));
  });
}

async function backUp(backup: Backup): Promise<BackupReport> {
  await captureAgainIfReplaced(backup);
  await checkObjects(backup);
  await writeComplete(backup);
  await writeProof(backup);
  backup.job.enter('done');
  return backup.report();
}

/** A collection that was deleted and created again is captured anew, once: it is another collection now. */
async function captureAgainIfReplaced(backup: Backup): Promise<void> {
  try {
    await capture(backup);
  } catch (error) {
    const { progress } = backup.job;
    if (!isReplaced(error) || progress.capture?.manifest || progress.capture?.isSecond) throw error;
    leavePage(backup.job);
    const name = backup.source.collection;
    progress.warnings = [
      `"${name}" was deleted and created again while it was captured, so it was captured again`,
    ];
    progress.capture = { ...(await planReplaced(backup, error)), isSecond: true };
    await capture(backup);
  }
}

async function capture(backup: Backup): Promise<void> {
  if (backup.options.format === 'points') return capturePoints(backup);
  const { job, options, ref } = backup;
  const { digest, recall, settleMs } = options;
  const found = (job.progress.capture ??= await planCapture(backup));
  found.start ??= await sourceMoment(backup, settleMs);
  if (digest && found.captured.length === 0) await digestSource(backup, 'before');
  await captureShards(job, found, { ...options, ref, startedAt: backup.settings.startedAt });
  // Before the second digest: where the source was not written, it was not for searches and ids either.
  if (recall) await writeRecall(backup);
  await writeIdSet(backup);
  if (digest && found.before.done) await digestSource(backup, 'after');
  found.end ??= await sourceMoment(backup, digest ? settleMs : 0);
  warnOfWrites(backup);
  await writeManifest(backup);
}

function warnOfWrites({ job, source, options, capture: found }: Backup): void {
  const wasIdle = found.start?.isIdle && found.end?.isIdle;
  const optimized = `"${source.collection}" was being optimized while it was captured: the snapshots may hold points that were deleted, which a recovery removes by the id set; payload indexes that were created or deleted meanwhile may be missing or come back`;
  const why = options.digest && found.before.done ? whyNotQuiesced(found) : undefined;
  warnOnce(job.progress, [
    ...(wasIdle ? [] : [optimized]),
    ...(why === undefined ? [] : [`The content is not proved: ${why}`]),
  ]);
}

function open(input: BackupCollectionInput): Backup {
  const { carried, written } = splitCarried<BackupProgress>(input);
  const parsed = parseInput(backupCollectionSchema, written);
  const { options, source, target, dataQueue, searchAttributes, paused } = parsed;
  const progress =
    carried ??
    newProgress(
      { operation: options.increment ? 'incrementalBackup' : 'fullBackup' },
      new Date().toISOString(),
      paceOf(options),
      paused,
    );
  const job = new CollectionJob<BackupProgress>(
    {
      ...options,
      ...{ source, target, dataQueue, searchAttributes },
      recheckAfterMs: 0,
    },
    progress,
    (state) => continueAsNew<typeof backupCollection>({ ...parsed, carried: state } as BackupCollectionInput),
  );
  return new Backup(job, parsed);
}
