// Backs up one collection: plan, digest of the source, every shard once, some searches, digest again, manifest, check of
// what lies in the store, proof. Its id is the lock against a second capture. Promises that a manifest stands only behind whole
// snapshots, and that a collection whose objects are not as written ends as failed.

import { ActivityFailure, continueAsNew, isCancellation } from '@temporalio/workflow';
import type { CollectionBackupRef } from '../model/backup-activities.js';
import { backupCollectionSchema, type BackupCollectionInput } from '../model/backup-inputs.js';
import { isQuiesced, newCapture, type CaptureProgress } from '../model/capture-progress.js';
import { parseInput } from '../model/inputs.js';
import { newProgress, type CollectionProgress } from '../model/progress-state.js';
import type { BackupReport } from '../model/results.js';
import { captureShards } from './capture-shards.js';
import { CollectionJob } from './collection-job.js';
import { digestSource } from './digest-source.js';
import { failure, surfacing, troubleOf } from './failures.js';
import { paceOf, splitCarried } from './job-input.js';
import { runControl, runStore } from './proxies.js';

type Parsed = ReturnType<typeof read>;

export async function backupCollection(input: BackupCollectionInput): Promise<BackupReport> {
  return surfacing(async () => {
    const parsed = read(input);
    const job = openJob(parsed);
    return job.run(() => backup(job, parsed));
  });
}

async function backup(job: CollectionJob, parsed: Parsed): Promise<BackupReport> {
  const { digest } = parsed.options;
  const capture = (job.progress.capture ??= await plan(job, parsed));
  if (digest && capture.captured.length === 0) await digestSource(job, capture, capture.before);
  await captureShards(job, capture, { ...parsed.options, ref: refOf(parsed), startedAt: parsed.startedAt });
  // Before the second digest: where the source stood still, it did so for the searches too.
  if (parsed.options.recall) await keepRecall(job, capture, parsed);
  if (digest && capture.before.done) await digestSource(job, capture, capture.after);
  await writeManifest(job, capture, parsed);
  await check(job, capture, parsed);
  await complete(job, capture, parsed);
  if (isQuiesced(capture)) await prove(job, capture, parsed);
  job.enter('done');
  return reportOf(job, capture, parsed);
}

async function plan(job: CollectionJob, { source, options }: Parsed): Promise<CaptureProgress> {
  const { collection } = source;
  const ask = (fromShard: number | undefined) =>
    runControl(
      'planCapture',
      { source, capture: options.capture, ...(fromShard === undefined ? {} : { fromShard }) },
      `plan ${collection}`,
    );
  const first = await job.persist(() => ask(undefined));
  const shards = [...first.shards];
  for (let { next } = first; next !== undefined;) {
    const more = await ask(next);
    shards.push(...more.shards);
    next = more.next;
  }
  job.progress.total = first.points;
  job.progress.warnings.push(...first.notes);
  const { pin, mode, read, points } = first;
  return newCapture({ pin, mode, read, points, shards });
}

/** What could not be searched is a warning: a backup without a baseline is a backup all the same. */
async function keepRecall(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  if (capture.baseline) return;
  await job.gate();
  const input = { ...refOf(parsed), pin: capture.pin, queries: parsed.options.recallQueries };
  const where = whereOf(job, `search ${parsed.source.collection}`);
  try {
    const { recall, notes } = await runStore('writeRecall', input, where);
    capture.baseline = recall === undefined ? {} : { recall };
    job.progress.warnings.push(...notes);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const { code, message } = troubleOf(error);
    capture.baseline = {};
    job.progress.warnings.push(`No searches were written down (${code}: ${message.slice(0, 200)})`);
  }
}

async function writeManifest(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  if (capture.manifest) return;
  job.enter('finishing');
  const { pin, mode, points, captured } = capture;
  const { startedAt } = parsed;
  const notes = job.progress.warnings.slice(0, 10);
  const known = { pin, mode, points, countedAt: startedAt, startedAt, notes, captured };
  const input = { ...refOf(parsed), ...known, ...capture.baseline };
  const where = whereOf(job, `write the manifest of ${parsed.source.collection}`);
  capture.manifest = await job.persist(() => runStore('writeManifest', input, where));
}

async function check(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  const { verify, budgetMs } = parsed.options;
  const what = `check the objects of ${parsed.source.collection}`;
  job.enter('checking');
  await job.persist(async () => {
    while (!capture.check.done) {
      await job.gate();
      const input = { ...refOf(parsed), what, verify, cursor: capture.check.cursor, budgetMs };
      const { cursor, done, damage } = await runStore('checkObjects', input, whereOf(job, what));
      if (damage.length > 0) throw failure('ObjectDamaged', damage.join('; '));
      capture.check = { cursor, done };
      job.show();
    }
  });
}

/** From here on the backup of this collection counts. */
async function complete(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  const { manifestSha256 = '' } = capture.manifest ?? {};
  const input = { ...refOf(parsed), manifestSha256, verify: parsed.options.verify };
  const where = whereOf(job, `write complete.json of ${parsed.source.collection}`);
  await job.persist(() => runStore('writeComplete', input, where));
}

async function prove(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): Promise<void> {
  const input = { ...refOf(parsed), kind: 'quiesced' as const, digest: capture.before.sum };
  const where = whereOf(job, `write the proof of ${parsed.source.collection}`);
  await job.persist(() => runStore('writeProof', input, where));
}

function reportOf(job: CollectionJob, capture: CaptureProgress, parsed: Parsed): BackupReport {
  const { source, target, backup } = parsed;
  return {
    source,
    store: target.cluster,
    backup,
    outcome: 'verified',
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
    operation: 'fullBackup',
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
