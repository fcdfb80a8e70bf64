// One collection from a backup into a cluster: plan (every check before the target is touched), make it, shard by shard,
// wait for all replicas, remove what the backup's id set does not hold, prove, finish; then the aliases, and last the wait
// for indexes. Whatever fails before the proof, the collection it made is removed again, or named; after it, it is kept.
// Its workflow id is the lock on the name that is written. As a rehearsal it ends by asking the backup's searches again,
// writing the proof, and removing the collection.

import {
  type ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  ParentClosePolicy,
  continueAsNew,
  executeChild,
  isCancellation,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type {
  FinishRecoveryResult,
  PrepareRecoveryResult,
  Replaceable,
} from '../../model/contracts/recovery-activities.js';
import type { JobReport } from '../../model/contracts/results.js';
import { EMPTY_DIGEST } from '../../model/format/digest.js';
import { FerryError } from '../../model/errors.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { ownBackupId } from '../../model/names.js';
import { newProgress, warnOnce, type CollectionProgress } from '../../model/state/progress-state.js';
import {
  recoverCollectionSchema,
  type RecoverCollectionInput,
} from '../../model/contracts/recovery-inputs.js';
import type { RecoveryProgress, RecoveryReport } from '../../model/state/recovery-progress.js';
import { whole } from '../../model/state/steering.js';
import { awaitIndexing } from '../steps/await-indexing.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { digestRecovered } from '../steps/digest-recovered.js';
import { failure, surfacing, troubleOf } from '../runtime/failures.js';
import { isNoLongerOurs } from '../steps/finish-migration.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { runActivity } from '../runtime/run-activity.js';
import { recoverShards } from '../steps/recover-shards.js';
import { Recovery, type RecoverySettings } from './recovery-state.js';
import { replacing } from '../steps/replacing.js';
import { replaySearches } from '../steps/replay-searches.js';

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
  await recoverShards(recovery, () => startOver(recovery));
  await awaitReplicas(recovery);
  state.readyAt ??= new Date().toISOString();
  await removeReturned(recovery);
  await prove(recovery);
  await job.waitIfPaused();
  job.enter('finishing');
  if (settings.rehearse) return closeRehearsal(recovery);
  state.isProved = true;
  const { differences = [], notes } = await finish(recovery, false);
  state.isMade = false;
  warnOnce(job.progress, notes);
  if (differences.length > 0) throw otherSettings(recovery, differences);
  const finished = await finish(recovery, true);
  job.progress.warnings.push(...finished.notes);
  const { awaitIndexingMinutes } = settings.options;
  if (awaitIndexingMinutes > 0) await awaitIndexing(job, recovery.written, awaitIndexingMinutes);
  job.enter('done');
  return recovery.report(finished.aliases, finished.left);
}

/** Twice: aliases are given only once the settings are back and the stamp is closed. Neither waits for the indexes. */
function finish(recovery: Recovery, withAliases: boolean): Promise<FinishRecoveryResult> {
  const { job, state, settings } = recovery;
  const { from, target, options } = settings;
  const { writes, manifestSha256, swappedFrom, aliases: replacedAliases = [] } = recovery.plan;
  const verified = state.digested ? { verified: state.digest } : {};
  const { onExisting } = options;
  if (!state.prepared) throw failure('Internal', 'A collection was finished before it was made.');
  const { targetPin } = state.prepared;
  const input = {
    ...{ from, target, writes, targetPin, manifestSha256, onExisting, replacedAliases },
    ...{ withAliases, ...verified, ...(swappedFrom === undefined ? {} : { swappedFrom }) },
  };
  const summary = withAliases ? `aliases of ${writes}` : `settings of ${writes}`;
  return job.retryOrPark(() => runActivity('finishRecovery', input, { ...recovery.queue, summary }));
}

/** Its points are proved and its stamp is closed; readers are not sent to it by an alias. */
function otherSettings({ written, job }: Recovery, differences: readonly string[]): ApplicationFailure {
  const name = `${written.collection} on ${written.cluster}`;
  const points = `All ${whole(job.progress.counts.target)} points of ${name} were recovered`;
  const happened = `${points}, and its settings are others than the backup's: ${differences.join('; ')}`;
  return failure('SettingsDiffer', new FerryError('SettingsDiffer', happened).message);
}

async function plan(recovery: Recovery): Promise<void> {
  const { job, state, settings } = recovery;
  if (!state.plan) {
    const { from, target, options } = settings;
    const { onExisting, via, precheck } = options;
    const { rehearse } = settings;
    const what = { from, target, onExisting, via, precheck, rehearse, ignoreProof: options.ignoreProof };
    state.plan = await job.retryOrPark(() =>
      runActivity('planRecovery', what, {
        ...recovery.queue,
        summary: `check the backup of ${from.collection}`,
      }),
    );
    job.progress.total = state.plan.points;
    job.progress.warnings.push(...state.plan.notes);
  }
  job.settings.target = recovery.written;
}

/** It goes, be it half of something. */
const WHATEVER_IT_IS = {
  digest: false,
  recall: false,
  allowUnfinished: true,
  allowReplicaDifference: true,
};

async function backUpReplaced({ state, settings }: Recovery): Promise<void> {
  const { cluster, collection } = settings.target;
  const { store } = settings.from;
  const named = store === '' ? {} : { store };
  const report = await executeChild('fullBackup', {
    workflowId: ownBackupId(workflowInfo().workflowId, 'safety'),
    args: [{ cluster, collections: [collection], ...named, ...WHATEVER_IT_IS }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${collection} on ${cluster}, before it is replaced`,
  });
  state.safetyBackup = (report as JobReport).backup ?? 'unknown';
}

async function prepare(recovery: Recovery): Promise<void> {
  const { job, state } = recovery;
  if (state.prepared) return;
  await job.waitIfPaused();
  state.prepared = await job.retryOrPark(() => saveAndMake(recovery));
}

async function saveAndMake(recovery: Recovery): Promise<PrepareRecoveryResult> {
  const { job, state, settings, plan, queue } = recovery;
  const { from, target, options } = settings;
  if (!plan.exists || state.startedOver > 0) return make(recovery, undefined);
  const what = {
    ...{ target, creation: plan.creation, warnings: job.progress.warnings },
    look: () =>
      runActivity('lookAtReplaced', { from, target }, { ...queue, summary: `look at ${target.collection}` }),
    backUp: options.safetyBackup ? () => backUpReplaced(recovery) : undefined,
  };
  return replacing(what, (replaced) => make(recovery, replaced));
}

function make(recovery: Recovery, replaced: Replaceable | undefined): Promise<PrepareRecoveryResult> {
  const { job, state, settings, plan, written: target, queue } = recovery;
  const { from, options } = settings;
  state.isMade = true;
  const input = {
    ...{ from, target, manifestSha256: plan.manifestSha256, job: job.id, creation: state.creation },
    ...{ exists: plan.exists && state.startedOver === 0, onExisting: options.onExisting },
    ...(replaced === undefined ? {} : { replaced }),
  };
  const summary = `make ${target.collection} on ${target.cluster}`;
  return runActivity('prepareRecovery', input, { ...queue, summary });
}

/** Removing it waits for what a node still recovers into it. Then everything begins again, in a collection of its own. */
async function startOver(recovery: Recovery): Promise<void> {
  const { state, written } = recovery;
  if (!(await undo(recovery))) {
    const why = 'is not what this recovery made, and a node may still replace a shard of it';
    throw failure('RecoveryUnheard', `${written.collection} on ${written.cluster} ${why}.`);
  }
  delete state.prepared;
  Object.assign(state, { done: [], bytes: 0, pushed: 0, isUnheard: false, creation: uuid4() });
  state.startedOver += 1;
  await prepare(recovery);
}

async function awaitReplicas({ job, written }: Recovery): Promise<void> {
  const input = { target: written, waitMs: REPLICAS_WAIT_MS, replicasOnly: true };
  const answer = await job.retryOrPark(() =>
    runActivity('awaitReady', input, `replicas of ${written.collection} Active`),
  );
  if (answer.ready) return;
  const why = `The replicas of ${written.collection} on ${written.cluster} are not all Active: ${answer.reason ?? 'unknown'}.`;
  throw failure('ReplicaNotActive', why);
}

/** How many, the workflow counts itself: nobody else writes, and an attempt that died cannot say what it removed. */
async function removeReturned(recovery: Recovery): Promise<void> {
  const { job, state, written, settings, plan } = recovery;
  if (plan.ids === undefined || state.returned !== undefined || !state.prepared) return;
  const { targetPin } = state.prepared;
  const { manifestSha256 } = plan;
  state.brought ??= await countWritten(recovery);
  const input = { from: settings.from, target: written, targetPin, manifestSha256 };
  const summary = `remove deleted points from ${written.collection}`;
  const found = await job.retryOrPark(() =>
    runActivity('removeReturned', input, { ...recovery.queue, summary }),
  );
  state.missing = { count: found.missing, ids: found.missingIds };
  state.returned = Math.max(0, state.brought - found.points);
  if (state.returned > 0) job.progress.warnings.push(returnedText(state.returned));
}

function returnedText(count: number): string {
  const what = 'that the snapshots brought back';
  return count === 1
    ? `1 point ${what} was removed: it had been deleted before the backup ended.`
    : `${whole(count)} points ${what} were removed: they had been deleted before the backup ended.`;
}

async function countWritten({ job, written }: Recovery): Promise<number> {
  const { count } = await job.retryOrPark(() =>
    runActivity('countPoints', { collection: written }, `count ${written.collection}`),
  );
  return count;
}

/** Count, and digest where there is something to compare it with, or where it is what the rehearsal is for. */
async function prove(recovery: Recovery): Promise<void> {
  const { settings, state } = recovery;
  const { proof } = recovery;
  judgeCount(recovery, await countWritten(recovery));
  if (!proof && !settings.rehearse) return;
  await digestRecovered(recovery);
  const isOther =
    proof && (proof.digest.sum !== state.digest.sum || proof.digest.count !== state.digest.count);
  if (isOther)
    throw recovery.differs(`the digest ${state.digest.sum}, and the proof says ${proof.digest.sum}`);
}

function judgeCount(recovery: Recovery, count: number): void {
  const { job, proof, state } = recovery;
  const { points, isUncounted, ids } = recovery.plan;
  const expected = ids ?? (isUncounted ? count : points);
  const missing = state.missing?.count ?? 0;
  job.progress.counts = { source: proof?.digest.count ?? expected, target: count };
  // Of a rehearsed backup that was being written, the same points were missing when it was rehearsed.
  if (proof && proof.digest.count !== count) {
    const what = `${whole(count)} points, and the proof says ${whole(proof.digest.count)}`;
    throw recovery.differs(`${what}${missingText(state.missing)}`);
  }
  if (count === 0 && expected > missing)
    throw recovery.differs(`no point, and the backup counted ${whole(expected)}`);
  if (ids !== undefined && count !== ids - missing) {
    const what = `${whole(count)} points, and the backup's id set leaves ${whole(ids - missing)}`;
    throw recovery.differs(what);
  }
  if (missing > 0) job.progress.warnings.push(writtenLater(missing));
  else if (!proof && count !== expected) {
    job.progress.warnings.push(
      `${whole(count)} points were recovered and ${whole(points)} were counted when the backup began: it was being written.`,
    );
  }
}

function missingText(missing: RecoveryProgress['missing']): string {
  if (missing === undefined || missing.count === 0) return '';
  const { count, ids } = missing;
  const more = count > ids.length ? `, and ${whole(count - ids.length)} more` : '';
  return `; missing are the points ${ids.join(', ')}${more}`;
}

function writtenLater(count: number): string {
  return count === 1
    ? '1 point is not in the backup: it was written after its shard was captured.'
    : `${whole(count)} points are not in the backup: they were written after their shard was captured.`;
}

async function closeRehearsal(recovery: Recovery): Promise<RecoveryReport> {
  const { job, state, settings } = recovery;
  const { from } = settings;
  await replaySearches(recovery);
  await job.waitIfPaused();
  const found = state.recall === undefined ? {} : { recall: state.recall };
  const recoverySeconds = recovery.seconds;
  const proof = { ...from, kind: 'rehearsed' as const, digest: state.digest, recoverySeconds, ...found };
  await job.retryOrPark(() =>
    runActivity('writeProof', proof, { ...recovery.queue, summary: `proof of ${from.collection}` }),
  );
  const removed = await undo(recovery);
  if (!removed) job.progress.warnings.push(`${recovery.written.collection} could not be removed again.`);
  state.isMade = false;
  job.enter('done');
  return recovery.report([], undefined);
}

/** True when nothing of it is left. */
async function undo({ state, settings, written, queue }: Recovery): Promise<boolean> {
  const mayBeOld = state.plan?.exists === true && state.prepared === undefined;
  const { from } = settings;
  const input = { from, target: written, creation: state.creation, ...(mayBeOld ? { mayBeOld } : {}) };
  const { removed } = await runActivity('undoRecovery', input, {
    ...queue,
    summary: `remove ${written.collection}`,
  });
  return removed;
}

async function ending(recovery: Recovery, error: unknown): Promise<unknown> {
  const { job, state, written } = recovery;
  const { code, message } = troubleOf(error);
  const left = isKept(recovery, code)
    ? await keep(recovery)
    : state.isProved
      ? keepProved(recovery, error)
      : await cleanUp(recovery);
  const touched = left === undefined ? message : `${message.replace(/[.\s]*$/, '')}. ${left.text}`;
  job.progress.lastError = touched;
  job.show();
  if (isCancellation(error)) return error;
  const isReplaced = state.plan?.exists && (state.prepared || left?.removed);
  const before = isReplaced ? ` What ${written.collection} held before ${whereabouts(recovery)}` : '';
  const report = code === 'SettingsDiffer' ? recovery.report([], undefined) : undefined;
  return failure(code, `${touched}${before}`, report && { ...report, outcome: 'different' });
}

function isKept({ settings: { options, rehearse } }: Recovery, code: string): boolean {
  return code === 'RecoveryDiffers' && options.onDifference === 'keep' && !rehearse;
}

/** Its stamp stays open, so nothing takes it for whole, and says that no job may delete it by itself. */
async function keep({ job, state, written, queue }: Recovery): Promise<{ text: string; removed: boolean }> {
  const name = `${written.collection} on ${written.cluster}`;
  const kept = `${name} was kept as it was recovered, without aliases.`;
  const next =
    'To recover it again under this name say `--on-existing replace`; `--ignore-proof` then takes it unproven, `--on-difference remove` removes what differs.';
  if (state.prepared) {
    const input = { target: written, targetPin: state.prepared.targetPin, job: job.id };
    await runActivity('keepRecovered', input, { ...queue, summary: `keep ${written.collection}` });
  }
  return { text: `${kept} ${next}`, removed: false };
}

/** An abort, a cancellation or a failure that comes after the proof takes nothing back. */
function keepProved({ state, written }: Recovery, error: unknown): { text: string; removed: boolean } {
  const name = `${written.collection} on ${written.cluster}`;
  if (isNoLongerOurs(error) || troubleOf(error).code === 'CollectionNotFound')
    return { text: `What was recovered as ${name} is no longer there.`, removed: false };
  const lacks = state.isMade
    ? 'Its settings and payload indexes may be incomplete, and it has no aliases yet: the same job again makes it anew.'
    : 'No job deletes it by itself. It may lack aliases: set them by hand.';
  return { text: `Every point of ${name} was recovered, and it was kept. ${lacks}`, removed: false };
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
    creation: uuid4(),
    isUnheard: false,
    startedOver: 0,
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
