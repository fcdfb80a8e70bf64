// One collection from a backup into a cluster: plan (every check before the target is touched), create it, recover every shard,
// wait for all replicas, remove what the backup's id set does not hold, prove, finish; then the aliases, and last the wait
// for indexes. After a failure before the proof, the collection is removed, or kept where it differs from its proof; after
// the proof it is kept. The workflow id is the lock on the name that is written. A rehearsal ends by searching again, writing
// the proof, and removing the collection.

import { CancellationScope, ContinueAsNew, continueAsNew, isCancellation, uuid4 } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import type { FinishRecoveryResult } from '../../model/contracts/recovery-activities.js';
import {
  recoverCollectionSchema,
  type RecoverCollectionInput,
} from '../../model/contracts/recovery-inputs.js';
import { FerryError } from '../../model/errors.js';
import { EMPTY_DIGEST } from '../../model/format/digest.js';
import {
  joinSentences,
  keptAsProved,
  keptAsRecovered,
  oldContents,
  recoveredIsGone,
  type Aftermath,
} from '../../model/state/after-failure.js';
import { nameOf } from '../../model/state/outcome.js';
import { newProgress, warnOnce, type RecoveringProgress } from '../../model/state/progress-state.js';
import type { RecoveryReport } from '../../model/state/recovery-progress.js';
import { differentSettingsText } from '../../model/state/recovery-verdict.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { failure, surfacing, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { awaitIndexing, awaitReplicas } from '../steps/await-ready.js';
import { closeRehearsal } from '../steps/close-rehearsal.js';
import { planRecovery, prepareRecovery, removeCreated, startOver } from '../steps/prepare-recovery.js';
import { proveRecovery, removeReturned } from '../steps/prove-recovery.js';
import { recoverSlices } from '../steps/recover-slices.js';
import { recoverShards } from '../steps/recover-shards.js';
import { isNoLongerOurs, undo } from '../steps/undo.js';
import { Recovery, type RecoverySettings } from './recovery-state.js';

export async function recoverCollection(input: RecoverCollectionInput): Promise<RecoveryReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<RecoveringProgress>(input);
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
  await planRecovery(recovery);
  await prepareRecovery(recovery);
  const { shards, slices = 0 } = recovery.plan;
  if (shards > 0) {
    await recoverShards(recovery, () => startOver(recovery));
    await awaitReplicas(job);
  }
  if (slices > 0) {
    await recoverSlices(recovery, slices);
    await awaitReplicas(job);
  }
  state.readyAt ??= new Date().toISOString();
  await removeReturned(recovery);
  await proveRecovery(recovery);
  await job.waitIfPaused();
  job.enter('finishing');
  if (settings.rehearse) return closeRehearsal(recovery);
  state.isProved = true;
  const { differences = [], notes } = await finish(recovery, false);
  state.isMade = false;
  warnOnce(job.progress, notes);
  if (differences.length > 0) throw differentSettings(recovery, differences);
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

/** Its points are proved and its stamp is closed; no alias leads readers to it. */
function differentSettings({ written, job }: Recovery, differences: readonly string[]): Error {
  const happened = differentSettingsText(nameOf(written), job.progress.counts.target, differences);
  return failure('SettingsDiffer', new FerryError('SettingsDiffer', happened).message);
}

async function ending(recovery: Recovery, error: unknown): Promise<unknown> {
  const { job, state, settings } = recovery;
  const { code, message } = troubleOf(error);
  const left = await compensate(recovery, error);
  job.progress.lastError = joinSentences(message, left === undefined ? [] : [left.text]);
  job.show();
  if (isCancellation(error)) return error;
  const isReplaced = state.plan?.exists && (state.prepared || left?.removed);
  const { safetyBackup, plan } = state;
  const old = { safetyBackup, store: settings.from.store, aliases: plan?.aliases ?? [] };
  const before = isReplaced ? [oldContents(recovery.written, old)] : [];
  const report = code === 'SettingsDiffer' ? recovery.report([], undefined) : undefined;
  const text = joinSentences(message, [...(left === undefined ? [] : [left.text]), ...before]);
  return failure(code, text, report && { ...report, outcome: 'different' });
}

/** Undefined when the target was not touched. */
async function compensate(recovery: Recovery, error: unknown): Promise<Aftermath | undefined> {
  const { state, written, settings } = recovery;
  const { code } = troubleOf(error);
  const isKept = code === 'RecoveryDiffers' && settings.options.onDifference === 'keep' && !settings.rehearse;
  if (isKept) return keep(recovery);
  if (state.isProved) {
    const isGone = isNoLongerOurs(error) || code === 'CollectionNotFound';
    return isGone ? recoveredIsGone(written) : keptAsProved(written, !state.isMade);
  }
  return state.isMade ? undo(written, () => removeCreated(recovery)) : undefined;
}

/** Its stamp stays open, so nothing takes it for complete, and says that no job may delete it on its own. */
async function keep({ job, state, written, queue, settings }: Recovery): Promise<Aftermath> {
  const isSwap = settings.options.onExisting === 'swap';
  if (!state.prepared) return keptAsRecovered(written, { isSwap });
  const input = { target: written, targetPin: state.prepared.targetPin, job: job.id };
  try {
    await CancellationScope.nonCancellable(() =>
      runActivity('keepRecovered', input, { ...queue, summary: `keep ${written.collection}` }),
    );
    return keptAsRecovered(written, { isSwap });
  } catch (trouble) {
    return keptAsRecovered(written, { isSwap, trouble: troubleOf(trouble).message });
  }
}

function open(
  parsed: RecoverySettings & { dataQueue: string; paused: boolean; searchAttributes: boolean },
  carried: RecoveringProgress | undefined,
): Recovery {
  const { options, from, target, dataQueue, searchAttributes } = parsed;
  const progress = carried ?? newRecovery(parsed);
  progress.total ||= parsed.points;
  const job = new CollectionJob(
    {
      ...options,
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

function newRecovery({
  options,
  paused,
  rehearse,
}: RecoverySettings & { paused: boolean }): RecoveringProgress {
  const operation = rehearse ? 'rehearseRecovery' : 'disasterRecovery';
  const recovery = {
    done: [],
    slicesDone: [],
    bytes: 0,
    pushed: 0,
    digest: EMPTY_DIGEST,
    digested: false,
    isMade: false,
    creation: uuid4(),
    isUnsettled: false,
    startedOver: 0,
  };
  return newProgress({ operation, recovery }, new Date().toISOString(), paceOf(options), paused);
}
