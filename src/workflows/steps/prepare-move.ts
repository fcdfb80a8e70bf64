// What a snapshot migration does before its first shard: the plan; where a snapshot cannot do it and the input says `auto`,
// the continuation as scroll migration under the same id; with `through` the backup; and the target, with `replace` after a
// safety backup. A failure of the plan or of a backup leaves the target untouched; later ones are undone by the caller, as
// `state.isMade` says.

import { makeContinueAsNewFunc } from '@temporalio/workflow';
import type { CollectionPlan } from '../../model/contracts/activities.js';
import type { PrepareMoveResult } from '../../model/contracts/move-activities.js';
import type { Replaceable } from '../../model/contracts/recovery-activities.js';
import { FerryError } from '../../model/errors.js';
import { sidesOf, warnOnce, type Sides } from '../../model/state/progress-state.js';
import type { migrateCollection } from '../collections/migrate-collection.js';
import type { Move } from '../collections/move-state.js';
import { omit } from '../jobs/job-input.js';
import { failure, ifItIsThere } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { compareReplicas } from './await-ready.js';
import { ownBackup, replacing, safetyBackup } from './safety-backup.js';

export async function planMove(move: Move): Promise<void> {
  const { job, state, settings, options } = move;
  if (!state.plan) {
    const { source, target, asked } = settings;
    const { onExisting, capture, overrides, deleteExtras, allowUnfinished } = options;
    const wanted = { onExisting, capture, deleteExtras, allowUnfinished };
    const what = { source, target, ...wanted, ...(overrides === undefined ? {} : { overrides }) };
    const { allowReplicaDifference } = options;
    const notes = await ifItIsThere(source, () => compareReplicas(source, allowReplicaDifference));
    const found = await ifItIsThere(source, () => runActivity('planMove', what, `plan ${asked}`));
    if (found.unfit !== undefined) return goByScroll(move, found.unfit);
    state.plan = found;
    state.isMoved = found.isMoved;
    const { progress } = job;
    if (found.collection) progress.plan = found.collection;
    progress.total = found.collection?.sourcePoints ?? 0;
    progress.warnings.push(...notes, ...(found.collection?.notes ?? []));
    progress.copy = false;
    progress.reread = true;
    if (found.isMoved) progress.already = found.collection?.targetPoints ?? 0;
  }
  job.settings.target = move.written;
}

async function goByScroll({ settings, options }: Move, unfit: string): Promise<never> {
  const { source, target, asked, dataQueue, paused, searchAttributes } = settings;
  const { method, onExisting, through } = options;
  if (method !== 'auto' || onExisting !== 'fail' || through !== undefined) {
    throw new FerryError('SnapshotUnfit', `"${asked}" cannot be moved as snapshots: ${unfit}`);
  }
  const goOn = makeContinueAsNewFunc<typeof migrateCollection>({ workflowType: 'migrateCollection' });
  const rest = omit(options, 'method', 'onExisting', 'safetyBackup', 'store', 'through', 'via');
  return goOn({
    ...{ source, target, asked, dataQueue, paused, searchAttributes },
    options: omit(rest, 'capture', 'shards', 'onBusy'),
    because: `It was copied point by point: ${unfit}.`,
  });
}

/** With `through`: a backup, whose objects the target's shards are then filled from. */
export async function backUpOnTheWay(move: Move, store: string): Promise<void> {
  const { job, state, settings } = move;
  const { source, target } = settings;
  if (state.backup !== undefined) return;
  await job.waitIfPaused();
  const located = await runActivity(
    'locateStore',
    { target: target.cluster, store },
    'which store, and its queue',
  );
  state.store = { alias: located.store, dataQueue: located.dataQueue };
  const { capture, shards, onBusy } = move.options;
  const more = { capture, shards, onBusy, verify: 'quick' };
  job.enter('capturing');
  await job.retryOrPark(async () => {
    await job.steering.interruptible(['abort'], async () => {
      state.backup = await ownBackup(source, store, 'through', more);
    });
    await job.waitIfPaused();
  });
}

export async function prepareMove(move: Move): Promise<Sides> {
  const { job, state } = move;
  const { progress } = job;
  await job.waitIfPaused();
  const { shards: placed, ...prepared } = await job.retryOrPark(() => saveAndMake(move));
  progress.prepared = prepared;
  warnOnce(progress, prepared.notes);
  state.shards = placed;
  return sidesOf(planned(move), prepared, move.options.replicas ? (prepared.targetNodes ?? 1) : 1);
}

async function saveAndMake(move: Move): Promise<PrepareMoveResult> {
  const { job, settings, options, plan } = move;
  const { target } = settings;
  const { replaced: creation } = planned(move);
  if (!plan.exists) return make(move, undefined);
  const look = { target, job: job.id };
  const what = {
    ...{ target, creation, warnings: job.progress.warnings },
    look: () => runActivity('lookAtReplacedTarget', look, `look at ${target.collection}`),
    backUp: options.safetyBackup ? () => backUpReplaced(move) : undefined,
  };
  return replacing(what, (replaced) => make(move, replaced));
}

async function backUpReplaced({ state, settings, options }: Move): Promise<void> {
  state.safetyBackup = await safetyBackup(settings.target, options.store ?? options.through);
}

/** The compensation is armed before the first write to the target. */
function make(move: Move, replaced: Replaceable | undefined): Promise<PrepareMoveResult> {
  const { job, state, source, written } = move;
  const plan = planned(move);
  job.progress.released = false;
  state.isMade = plan.targetState !== 'ours' && plan.targetState !== 'known';
  const { deleteExtras } = move.options;
  const what = {
    ...{ source, target: written, plan, job: job.id, deleteExtras },
    ...(replaced === undefined ? {} : { replaced }),
  };
  return runActivity('prepareMove', what, `prepare ${written.collection} on ${written.cluster}`);
}

function planned({ plan: { collection } }: Move): CollectionPlan {
  if (!collection) throw failure('Internal', 'The target was to be prepared before anything was planned.');
  return collection;
}
