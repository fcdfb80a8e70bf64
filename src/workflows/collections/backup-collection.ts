// Backs up one collection: plan, digest of the source, every shard once, some searches, digest again, manifest, check of
// what lies in the store, proof. Its id is the lock against a second capture. Promises that a manifest stands only behind whole
// snapshots, and that a collection whose objects are not as written ends as failed.

import { ActivityFailure, continueAsNew, isCancellation, sleep } from '@temporalio/workflow';
import type { CollectionBackupRef } from '../../model/contracts/backup-activities.js';
import { backupCollectionSchema, type BackupCollectionInput } from '../../model/contracts/backup-inputs.js';
import {
  captureOutcome,
  isQuiesced,
  newCapture,
  quiescedDigest,
  whyNotQuiesced,
  type CaptureMoment,
  type CaptureProgress,
} from '../../model/state/capture-progress.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { newProgress, type CollectionProgress } from '../../model/state/progress-state.js';
import type { BackupReport } from '../../model/contracts/results.js';
import { captureShards } from '../steps/capture-shards.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { digestSource } from '../steps/digest-source.js';
import { failure, ifItIsThere, isReplaced, surfacing, troubleOf } from '../runtime/failures.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { runActivity } from '../runtime/run-activity.js';

/** After a collection was deleted in the middle of its capture. */
const TIMES_TO_ASK = 10;
const ASK_AGAIN_MS = 3_000;

type Parsed = ReturnType<typeof read>;

export async function backupCollection(input: BackupCollectionInput): Promise<BackupReport> {
  return surfacing(async () => {
    const parsed = read(input);
    const job = openJob(parsed);
    return job.run(() => backup(job, parsed));
  });
}

async function backup(job: CollectionJob, parsed: Parsed): Promise<BackupReport> {
  const capture = await captureAgainIfReplaced(job, parsed);
  await check(job, capture, parsed);
  await complete(job, capture, parsed);
  await prove(job, capture, parsed);
  job.enter('done');
  return reportOf(job, capture, parsed);
}

/** A collection that was deleted and created again is captured anew, once: what it holds now is another thing. */
async function captureAgainIfReplaced(job: CollectionJob, parsed: Parsed): Promise<CaptureProgress> {
  try {
    return await captureAll(job, parsed);
  } catch (error) {
    const { progress } = job;
    if (!isReplaced(error) || progress.capture?.manifest || progress.capture?.isSecond) throw error;
    delete progress.page;
    delete progress.fromKey;
    const again = `"${parsed.source.collection}" was deleted and created again while it was captured, so it was captured again`;
    progress.warnings = [again];
    progress.capture = { ...(await planReplaced(job, parsed, error)), isSecond: true };
    return captureAll(job, parsed);
  }
}

/** Whoever deleted it may be about to create and fill it. */
async function planReplaced(job: CollectionJob, parsed: Parsed, replaced: unknown): Promise<CaptureProgress> {
  for (let asked = 0; asked < TIMES_TO_ASK; asked += 1) {
    await sleep(ASK_AGAIN_MS);
    try {
      return await plan(job, parsed);
    } catch (error) {
      if (troubleOf(error).code !== 'SourceVanished') throw error;
    }
  }
  throw replaced;
}

async function captureAll(job: CollectionJob, parsed: Parsed): Promise<CaptureProgress> {
  const { digest, recall, settleMs } = parsed.options;
  const capture = (job.progress.capture ??= await plan(job, parsed));
  capture.start ??= await momentOf(job, capture, parsed, settleMs);
  if (digest && capture.captured.length === 0) await digestSource(job, capture, capture.before);
  await captureShards(job, capture, { ...parsed.options, ref: refOf(parsed), startedAt: parsed.startedAt });
  // Before the second digest: where the source stood still, it did so for searches and ids too.
  if (recall) await keepRecall(job, capture, parsed);
  await writeIdSet(job, capture, parsed);
  if (digest && capture.before.done) await digestSource(job, capture, capture.after);
  capture.end ??= await momentOf(job, capture, parsed, digest ? settleMs : 0);
  if (!capture.start.isIdle || !capture.end.isIdle)
    warnOnce(
      job,
      `"${parsed.source.collection}" was being optimized while it was captured: the archives may hold points that were deleted, which a recovery removes by the id set; payload indexes that were created or deleted meanwhile may be missing or come back`,
    );
  if (digest && capture.before.done) tellWhyUnproven(job, capture);
  await writeManifest(job, capture, parsed);
  return capture;
}

function tellWhyUnproven(job: CollectionJob, capture: CaptureProgress): void {
  const why = whyNotQuiesced(capture);
  if (why !== undefined) warnOnce(job, `The content is not proved: ${why}`);
}

function warnOnce({ progress }: CollectionJob, warning: string): void {
  if (!progress.warnings.includes(warning)) progress.warnings.push(warning);
}

/** How the source stands now, once its optimizers are idle or the wait is over. */
async function momentOf(
  job: CollectionJob,
  capture: CaptureProgress,
  parsed: Parsed,
  waitMs: number,
): Promise<CaptureMoment> {
  const { source, options } = parsed;
  const { collection } = source;
  const { isIdle, layout } = await job.retryOrPark(() =>
    runActivity(
      'awaitOptimizers',
      { collection: source, waitMs },
      `wait for the optimizers of ${collection}`,
    ),
  );
  if (!options.digest || !isIdle) return { isIdle, layout };
  const input = { ...refOf(parsed), pin: capture.pin, shards: capture.shards };
  const where = whereOf(job, `look at the shards of ${collection}`);
  return { isIdle, layout, ...(await job.retryOrPark(() => runActivity('readOperations', input, where))) };
}

async function writeIdSet(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  if (capture.ids) return;
  await job.gate();
  const { pin, lanes, read } = capture;
  const { stallAfterAttempts } = parsed.options;
  const input = {
    ...refOf(parsed),
    pin,
    stallAfterAttempts,
    ...(lanes === undefined ? {} : { lanes }),
    ...(read.maxPoints === undefined ? {} : { maxPoints: read.maxPoints }),
  };
  const where = whereOf(job, `write the ids of ${parsed.source.collection}`);
  capture.ids = (await job.retryOrPark(() => runActivity('writeIdSet', input, where))).ids;
}

async function plan(job: CollectionJob, { source, options }: Parsed): Promise<CaptureProgress> {
  const { collection } = source;
  const { allowUnfinished, allowReplicaDifference: allow } = options;
  const compared = await job.retryOrPark(() =>
    ifItIsThere(source, () =>
      runActivity('compareReplicas', { collection: source, allow }, `compare the replicas of ${collection}`),
    ),
  );
  const ask = (fromShard: number | undefined) =>
    runActivity(
      'planCapture',
      {
        source,
        capture: options.capture,
        allowUnfinished,
        ...(fromShard === undefined ? {} : { fromShard }),
      },
      `plan ${collection}`,
    );
  const first = await job.retryOrPark(() => ifItIsThere(source, () => ask(undefined)));
  const shards = [...first.shards];
  for (let { next } = first; next !== undefined;) {
    const more = await ask(next);
    shards.push(...more.shards);
    next = more.next;
  }
  job.progress.total = first.points;
  job.progress.warnings.push(...compared.notes, ...first.notes);
  const { pin, mode, read, points, countedAt, layout, lanes, partial } = first;
  const found = { ...(lanes === undefined ? {} : { lanes }), ...(partial === undefined ? {} : { partial }) };
  return newCapture({ pin, mode, read, points, countedAt, shards, layout, ...found });
}

/** What could not be searched is a warning: a backup without a baseline is a backup all the same. */
async function keepRecall(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  if (capture.baseline) return;
  await job.gate();
  const input = { ...refOf(parsed), pin: capture.pin, queries: parsed.options.recallQueries };
  const where = whereOf(job, `search ${parsed.source.collection}`);
  try {
    const { recall, notes } = await runActivity('writeRecall', input, where);
    capture.baseline = recall === undefined ? {} : { recall };
    job.progress.warnings.push(...notes);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error) || isReplaced(error)) throw error;
    const { code, message } = troubleOf(error);
    capture.baseline = {};
    job.progress.warnings.push(`No searches were written down (${code}: ${message.slice(0, 200)})`);
  }
}

async function writeManifest(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  if (capture.manifest) return;
  job.enter('finishing');
  const { pin, mode, points, countedAt, captured, ids, partial } = capture;
  const { startedAt } = parsed;
  const notes = job.progress.warnings.slice(0, 10);
  const known = {
    ...{ pin, mode, points, countedAt, startedAt, notes, captured },
    ...(ids === undefined ? {} : { ids }),
    ...(partial === undefined ? {} : { partial }),
  };
  const input = { ...refOf(parsed), ...known, ...capture.baseline };
  const where = whereOf(job, `write the manifest of ${parsed.source.collection}`);
  capture.manifest = await job.retryOrPark(() => runActivity('writeManifest', input, where));
}

async function check(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  const { verify, budgetMs } = parsed.options;
  const what = `check the objects of ${parsed.source.collection}`;
  job.enter('checking');
  await job.retryOrPark(async () => {
    while (!capture.check.done) {
      await job.gate();
      const input = { ...refOf(parsed), what, verify, cursor: capture.check.cursor, budgetMs };
      const { cursor, done, damage } = await runActivity('checkObjects', input, whereOf(job, what));
      if (damage.length > 0) throw failure('ObjectDamaged', damage.join('; '));
      capture.check = { cursor, done };
      job.show();
    }
  });
}

/** From here on the backup of this collection counts. */
async function complete(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  await job.waitIfPaused();
  const { manifestSha256 = '' } = capture.manifest ?? {};
  const input = { ...refOf(parsed), manifestSha256, verify: parsed.options.verify };
  const where = whereOf(job, `write complete.json of ${parsed.source.collection}`);
  await job.retryOrPark(() => runActivity('writeComplete', input, where));
}

async function prove(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  const digest = quiescedDigest(capture);
  if (digest === undefined) return;
  const input = { ...refOf(parsed), kind: 'quiesced' as const, digest };
  const where = whereOf(job, `write the proof of ${parsed.source.collection}`);
  await job.retryOrPark(() => runActivity('writeProof', input, where));
}

function reportOf(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): BackupReport {
  const { source, target, backup } = parsed;
  return {
    source,
    store: target.cluster,
    backup,
    outcome: captureOutcome(capture),
    points: capture.points,
    bytes: capture.bytes,
    shards: capture.shards.length,
    capture: capture.mode,
    proven: isQuiesced(capture) ? 'quiesced' : 'none',
    manifestSha256: capture.manifest?.manifestSha256 ?? '',
    seconds: Math.round((Date.now() - Date.parse(job.progress.startedAt)) / 1000),
    leftOnNode: capture.leftOnNode,
    warnings: job.progress.warnings.slice(0, 10),
  };
}

function refOf({ source, target, backup }: Parsed): CollectionBackupRef {
  return { store: target.cluster, cluster: source.cluster, backup, collection: source.collection };
}

function whereOf({ settings }: CollectionJob, summary: string) {
  return { taskQueue: settings.dataQueue, heartbeatSeconds: settings.heartbeatSeconds, summary };
}

function read(input: BackupCollectionInput) {
  const { carried, written } = splitCarried<CollectionProgress>(input);
  return { ...parseInput(backupCollectionSchema, written), carried };
}

function openJob(parsed: Parsed): CollectionJob {
  const { carried, ...input } = parsed;
  const { options, source, target, dataQueue, searchAttributes } = input;
  const settings = {
    ...options,
    operation: 'fullBackup' as const,
    source,
    target,
    dataQueue,
    searchAttributes,
    recheckAfterMs: 0,
  };
  const state = carried ?? newProgress(new Date().toISOString(), paceOf(options), input.paused);
  return new CollectionJob(settings, state, (progress) =>
    continueAsNew<typeof backupCollection>({ ...input, carried: progress } as BackupCollectionInput),
  );
}
