// What a recovery does before its first shard: the plan, with every check that needs no write, and the collection that is
// filled; with `replace` a safety backup first. A failure of the plan leaves the target untouched; later ones are undone by
// the caller, as `state.isMade` says.

import { uuid4 } from '@temporalio/workflow';
import type {
  PrepareRecoveryResult,
  Replaceable,
  UndoRecoveryResult,
} from '../../model/contracts/recovery-activities.js';
import { nameOf } from '../../model/state/outcome.js';
import type { Recovery } from '../collections/recovery-state.js';
import { failure } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { replacing, safetyBackup } from './safety-backup.js';

export async function planRecovery(recovery: Recovery): Promise<void> {
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

export async function prepareRecovery(recovery: Recovery): Promise<void> {
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

async function backUpReplaced({ state, settings }: Recovery): Promise<void> {
  const { store } = settings.from;
  state.safetyBackup = await safetyBackup(settings.target, store === '' ? undefined : store);
}

/** Removing it waits for what a node still recovers into it. Then everything is recovered again, into a new collection. */
export async function startOver(recovery: Recovery): Promise<void> {
  const { state, written } = recovery;
  const { removed } = await removeCreated(recovery);
  if (!removed) {
    const why = 'was not created by this recovery, and a node may still replace a shard of it';
    throw failure('RecoveryUnsettled', `${nameOf(written)} ${why}.`);
  }
  delete state.prepared;
  Object.assign(state, {
    done: [],
    slicesDone: [],
    bytes: 0,
    pushed: 0,
    isUnsettled: false,
    creation: uuid4(),
  });
  state.startedOver += 1;
  await prepareRecovery(recovery);
}

/** `removed` is true when nothing of it is left. */
export function removeCreated({ state, settings, written, queue }: Recovery): Promise<UndoRecoveryResult> {
  const mayBeOld = state.plan?.exists === true && state.prepared === undefined;
  const { from } = settings;
  const input = { from, target: written, creation: state.creation, ...(mayBeOld ? { mayBeOld } : {}) };
  return runActivity('undoRecovery', input, { ...queue, summary: `remove ${written.collection}` });
}
