// What a backup writes to its store beside the shards, in this order: searches, ids, manifest; then, once every object was
// checked against it, complete.json and the proof. What is written is not written again after a continue-as-new. A failure
// parks or throws, as the input says; only the searches are done without.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import { indexNames, quiescedDigest } from '../../model/state/capture-progress.js';
import type { Backup } from '../collections/backup-state.js';
import { failure, isReplaced, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

export async function writeIdSet(backup: Backup): Promise<void> {
  const { job, capture, options } = backup;
  if (capture.ids) return;
  await job.gate();
  const { pin, lanes, read } = capture;
  const { stallAfterAttempts } = options;
  const input = {
    ...backup.ref,
    pin,
    stallAfterAttempts,
    ...(lanes === undefined ? {} : { lanes }),
    ...(read.maxPoints === undefined ? {} : { maxPoints: read.maxPoints }),
  };
  const where = backup.where(`write the ids of ${backup.source.collection}`);
  capture.ids = (await job.retryOrPark(() => runActivity('writeIdSet', input, where))).ids;
}

/** A search that fails is a warning: a backup without a baseline is still a backup. */
export async function writeRecall(backup: Backup): Promise<void> {
  const { job, capture, options } = backup;
  if (capture.baseline) return;
  await job.gate();
  const input = { ...backup.ref, pin: capture.pin, queries: options.recallQueries };
  const where = backup.where(`search ${backup.source.collection}`);
  try {
    const { recall, notes } = await runActivity('writeRecall', input, where);
    capture.baseline = recall === undefined ? {} : { recall };
    job.progress.warnings.push(...notes);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error) || isReplaced(error)) throw error;
    const { code, message } = troubleOf(error);
    capture.baseline = {};
    job.progress.warnings.push(`No searches were recorded (${code}: ${message.slice(0, 200)})`);
  }
}

export async function writeManifest(backup: Backup): Promise<void> {
  const { job, capture, settings } = backup;
  if (capture.manifest) return;
  job.enter('finishing');
  const { pin, mode, points, countedAt, captured, ids, partial } = capture;
  const { startedAt } = settings;
  const notes = job.progress.warnings.slice(0, 10);
  const known = {
    ...{ pin, mode, points, countedAt, startedAt, notes, captured },
    ...(ids === undefined ? {} : { ids }),
    ...(partial === undefined ? {} : { partial }),
  };
  const index = indexNames(capture);
  const input = { ...backup.ref, ...known, ...capture.baseline, ...(index === undefined ? {} : { index }) };
  const where = backup.where(`write the manifest of ${backup.source.collection}`);
  capture.manifest = await job.retryOrPark(() => runActivity('writeManifest', input, where));
}

export async function checkObjects(backup: Backup): Promise<void> {
  const { job, capture, options } = backup;
  const { verify, budgetMs } = options;
  const what = `check the objects of ${backup.source.collection}`;
  job.enter('checking');
  await job.retryOrPark(async () => {
    while (!capture.check.done) {
      await job.gate();
      const input = { ...backup.ref, what, verify, cursor: capture.check.cursor, budgetMs };
      const { cursor, done, damage } = await runActivity('checkObjects', input, backup.where(what));
      if (damage.length > 0) throw failure('ObjectDamaged', damage.join('; '));
      capture.check = { cursor, done };
      job.show();
    }
  });
}

/** From here on the backup of this collection counts. */
export async function writeComplete(backup: Backup): Promise<void> {
  const { job, capture, options } = backup;
  await job.waitIfPaused();
  const { manifestSha256 = '' } = capture.manifest ?? {};
  const input = { ...backup.ref, manifestSha256, verify: options.verify };
  const where = backup.where(`write complete.json of ${backup.source.collection}`);
  await job.retryOrPark(() => runActivity('writeComplete', input, where));
}

export async function writeProof(backup: Backup): Promise<void> {
  const { job, capture } = backup;
  const digest = quiescedDigest(capture);
  if (digest === undefined) return;
  const input = { ...backup.ref, kind: 'quiesced' as const, digest };
  const where = backup.where(`write the proof of ${backup.source.collection}`);
  await job.retryOrPark(() => runActivity('writeProof', input, where));
}
