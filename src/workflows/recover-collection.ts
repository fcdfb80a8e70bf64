// One collection from a backup into a cluster: plan (every check before the target is touched), make it, shard by shard,
// wait for all replicas, prove, finish; aliases last. Whatever fails before the end, the collection it made is removed
// again, or named. Its workflow id is the lock on the name that is written. As a rehearsal it ends by asking the backup's
// searches again, writing the proof, and removing the collection.

import {
  CancellationScope,
  ContinueAsNew,
  ParentClosePolicy,
  continueAsNew,
  executeChild,
  isCancellation,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobReport } from '../model/results.js';
import { EMPTY_DIGEST } from '../model/digest.js';
import { parseInput } from '../model/inputs.js';
import { newProgress, type CollectionProgress } from '../model/progress-state.js';
import { recoverCollectionSchema, type RecoverCollectionInput } from '../model/recovery-inputs.js';
import type { RecoveryReport } from '../model/recovery-progress.js';
import { whole } from '../model/steering.js';
import { awaitIndexing } from './await-indexing.js';
import { CollectionJob } from './collection-job.js';
import { digestRecovered } from './digest-recovered.js';
import { failure, surfacing, troubleOf } from './failures.js';
import { paceOf, splitCarried } from './job-input.js';
import { runControl } from './proxies.js';
import { recoverShards } from './recover-shards.js';
import { Recovery, type RecoverySettings } from './recovery-state.js';
import { runRecovery } from './recovery-proxies.js';
import { replaySearches } from './replay-searches.js';

const REPLICAS_WAIT_MS = 30 * 60_000;

export async function recoverCollection(input: RecoverCollectionInput): Promise<RecoveryReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<CollectionProgress>(input);
    const parsed = parseInput(recoverCollectionSchema, written);
    const recovery = open(parsed, carried);
    const { job } = recovery;
    try {
      job.enter(job.progress.phase);
      return await recover(recovery);
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      throw await ending(recovery, error);
    }
  });
}

async function recover(recovery: Recovery): Promise<RecoveryReport> {
  const { job, state, settings } = recovery;
  await plan(recovery);
  await prepare(recovery);
  await recoverShards(recovery);
  await awaitReplicas(recovery);
  state.readyAt ??= new Date().toISOString();
  await prove(recovery);
  job.enter('finishing');
  if (settings.rehearse) return closeRehearsal(recovery);
  await awaitIndexing(recovery);
  const { from, target, options } = settings;
  const { writes, manifestSha256, aliases: replacedAliases = [] } = recovery.plan;
  const finished = await job.persist(() =>
    runRecovery(
      'finishRecovery',
      { from, target, writes, manifestSha256, onExisting: options.onExisting, replacedAliases },
      `finish ${writes}`,
      recovery.queue,
    ),
  );
  state.isMade = false;
  job.progress.warnings.push(...finished.notes);
  job.enter('done');
  return recovery.report(finished.aliases, finished.left);
}

async function plan(recovery: Recovery): Promise<void> {
  const { job, state, settings } = recovery;
  if (!state.plan) {
    const { from, target, options } = settings;
    const { onExisting, via, precheck } = options;
    const what = { from, target, onExisting, via, precheck };
    state.plan = await job.persist(() =>
      runRecovery('planRecovery', what, `check the backup of ${from.collection}`, recovery.queue),
    );
    job.progress.total = state.plan.points;
    job.progress.warnings.push(...state.plan.notes);
  }
  job.settings.target = recovery.written;
}

/** What `replace` deletes is in the store first, as a backup of its own. */
async function saveReplaced({ state, settings, plan }: Recovery): Promise<void> {
  const { cluster, collection } = settings.target;
  if (!plan.exists || !settings.options.safetyBackup || state.safetyBackup !== undefined) return;
  const { store } = settings.from;
  const named = store === '' ? {} : { store };
  const report = await executeChild('fullBackup', {
    workflowId: `${workflowInfo().workflowId}/safety-backup`,
    args: [{ cluster, collections: [collection], ...named, digest: false, recall: false }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${collection} on ${cluster}, before it is replaced`,
  });
  state.safetyBackup = (report as JobReport).backup ?? 'unknown';
}

async function prepare(recovery: Recovery): Promise<void> {
  const { job, state, settings } = recovery;
  if (state.prepared) return;
  await job.obey();
  await saveReplaced(recovery);
  const { from, options } = settings;
  const { manifestSha256, exists } = recovery.plan;
  state.isMade = true;
  const target = recovery.written;
  const input = { from, target, manifestSha256, exists, onExisting: options.onExisting };
  state.prepared = await job.persist(() =>
    runRecovery('prepareRecovery', input, `make ${target.collection} on ${target.cluster}`, recovery.queue),
  );
}

async function awaitReplicas({ job, written }: Recovery): Promise<void> {
  const input = { target: written, waitMs: REPLICAS_WAIT_MS, replicasOnly: true };
  const answer = await job.persist(() =>
    runControl('awaitReady', input, `replicas of ${written.collection} Active`),
  );
  if (answer.ready) return;
  const why = `The replicas of ${written.collection} on ${written.cluster} are not all Active: ${answer.reason ?? 'unknown'}.`;
  throw failure('ReplicaNotActive', why);
}

/** Count, and digest where there is something to compare it with, or where it is what the rehearsal is for. */
async function prove(recovery: Recovery): Promise<void> {
  const { job, state, written, settings } = recovery;
  const { proof, points, isUncounted } = recovery.plan;
  const { count } = await job.persist(() =>
    runControl('countPoints', { collection: written }, `count ${written.collection}`),
  );
  const expected = isUncounted ? count : points;
  job.progress.counts = { source: proof?.digest.count ?? expected, target: count };
  if (proof && proof.digest.count !== count)
    throw recovery.differs(`${whole(count)} points, and the proof says ${whole(proof.digest.count)}`);
  if (count === 0 && points > 0) throw recovery.differs(`no point, and the backup counted ${whole(points)}`);
  if (!proof && count !== expected) {
    job.progress.warnings.push(
      `${whole(count)} points were recovered and ${whole(points)} were counted when the backup began: it was being written.`,
    );
  }
  if (!proof && !settings.rehearse) return;
  await digestRecovered(recovery);
  const isOther =
    proof && (proof.digest.sum !== state.digest.sum || proof.digest.count !== state.digest.count);
  if (isOther)
    throw recovery.differs(`the digest ${state.digest.sum}, and the proof says ${proof.digest.sum}`);
}

async function closeRehearsal(recovery: Recovery): Promise<RecoveryReport> {
  const { job, state, settings } = recovery;
  const { from } = settings;
  await replaySearches(recovery);
  const found = state.recall === undefined ? {} : { recall: state.recall };
  const recoverySeconds = recovery.seconds;
  const proof = { ...from, kind: 'rehearsed' as const, digest: state.digest, recoverySeconds, ...found };
  await job.persist(() => runRecovery('writeProof', proof, `proof of ${from.collection}`, recovery.queue));
  const removed = await undo(recovery);
  if (!removed) job.progress.warnings.push(`${recovery.written.collection} could not be removed again.`);
  state.isMade = false;
  job.enter('done');
  return recovery.report([], undefined);
}

/** True when nothing of it is left. */
async function undo({ state, settings, written, queue }: Recovery): Promise<boolean> {
  const mayBeOld = state.plan?.exists === true && state.prepared === undefined;
  const input = { from: settings.from, target: written, ...(mayBeOld ? { mayBeOld } : {}) };
  const { removed } = await runRecovery('undoRecovery', input, `remove ${written.collection}`, queue);
  return removed;
}

async function ending(recovery: Recovery, error: unknown): Promise<unknown> {
  const { job, state, written } = recovery;
  const left = await cleanUp(recovery);
  const { code, message } = troubleOf(error);
  const touched = left === undefined ? message : `${message.replace(/[.\s]*$/, '')}. ${left.text}`;
  job.progress.lastError = touched;
  job.show();
  if (isCancellation(error)) return error;
  return state.plan?.exists && (state.prepared || left?.removed)
    ? failure(code, `${touched} What ${written.collection} held before ${whereabouts(recovery)}`)
    : failure(code, touched);
}

function whereabouts({ state, settings }: Recovery): string {
  const { aliases = [] } = state.plan ?? {};
  const named = aliases.length === 0 ? '' : ` Its aliases were ${aliases.slice(0, 10).join(', ')}.`;
  if (state.safetyBackup === undefined) return `is gone.${named}`;
  const { cluster } = settings.target;
  return `is in the backup ${state.safetyBackup} of ${cluster} in ${settings.from.store}.${named}`;
}

/** What the target holds after a failure; undefined when it was not touched. */
async function cleanUp(recovery: Recovery): Promise<{ text: string; removed: boolean } | undefined> {
  const { state, written } = recovery;
  if (!state.isMade) return undefined;
  const name = `${written.collection} on ${written.cluster}`;
  try {
    const removed = await CancellationScope.nonCancellable(() => undo(recovery));
    const untouched = `${name} was left as it is: it is not this recovery's own.`;
    return { removed, text: removed ? `${name} was removed again.` : untouched };
  } catch (trouble) {
    const text = `${name} is incomplete and could not be removed (${troubleOf(trouble).message}): delete it.`;
    return { removed: false, text };
  }
}

function open(
  parsed: RecoverySettings & { dataQueue: string; paused: boolean; searchAttributes: boolean },
  carried: CollectionProgress | undefined,
): Recovery {
  const { options, from, target, dataQueue, searchAttributes, paused } = parsed;
  const progress = carried ?? newProgress(new Date().toISOString(), paceOf(options), paused);
  progress.total ||= parsed.points;
  progress.recovery ??= {
    done: [],
    bytes: 0,
    pushed: 0,
    digest: EMPTY_DIGEST,
    digested: false,
    isMade: false,
  };
  const job = new CollectionJob(
    {
      ...options,
      operation: parsed.rehearse ? 'rehearseRecovery' : 'disasterRecovery',
      source: { cluster: from.cluster, collection: from.collection },
      target,
      dataQueue,
      searchAttributes,
      recheckAfterMs: 0,
    },
    progress,
    (state) =>
      continueAsNew<typeof recoverCollection>({ ...parsed, carried: state } as RecoverCollectionInput),
  );
  return new Recovery(job, progress.recovery, parsed);
}
