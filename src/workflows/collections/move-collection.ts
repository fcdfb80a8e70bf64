// One collection from one cluster to another as snapshots of its shards: plan, (backup,) prepare the target, move, prove
// as every migration does, finish. What a snapshot cannot do goes on as scroll migration, under the same id, where the
// input says `auto`. Fails before every shard is in: what it made is removed again, or named. Fails later: the target
// stays, and the same job again has only the proof to do.

import {
  CancellationScope,
  ContinueAsNew,
  ParentClosePolicy,
  continueAsNew,
  executeChild,
  isCancellation,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { CollectionPlan } from '../../model/contracts/activities.js';
import { FerryError } from '../../model/errors.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { moveCollectionSchema, type MoveCollectionInput } from '../../model/contracts/move-inputs.js';
import type { PrepareMoveResult } from '../../model/contracts/move-activities.js';
import { newMove } from '../../model/state/move-progress.js';
import { ownBackupId } from '../../model/names.js';
import { replacedTarget, stateOfTarget } from '../../model/state/outcome.js';
import {
  newProgress,
  sidesOf,
  warnOnce,
  type CollectionProgress,
  type Sides,
} from '../../model/state/progress-state.js';
import type { Replaceable } from '../../model/contracts/recovery-activities.js';
import type { JobReport, MigrationReport } from '../../model/contracts/results.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { different, failure, ifItIsThere, isDifference, surfacing, troubleOf } from '../runtime/failures.js';
import { finishMigration, isNoLongerOurs, release } from '../steps/finish-migration.js';
import { omit, paceOf, splitCarried } from '../jobs/job-input.js';
import type { migrateCollection } from './migrate-collection.js';
import { moveFromBackup, moveShards } from '../steps/move-shards.js';
import { Move } from './move-state.js';
import { awaitReplicas } from '../steps/prove-collection.js';
import { proveMigration } from '../steps/prove-migration.js';
import { runActivity } from '../runtime/run-activity.js';
import { replacing } from '../steps/replacing.js';

const RECHECK_AFTER_MS = 2_000;

export async function moveCollection(input: MoveCollectionInput): Promise<MigrationReport> {
  return surfacing(async () => {
    const move = open(input);
    const { job } = move;
    try {
      job.enter(job.progress.phase);
      await plan(move);
      const report = await carryOut(move);
      if (report.outcome !== 'different') return report;
      throw different(report);
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      throw await ending(move, error);
    }
  });
}

async function plan(move: Move): Promise<void> {
  const { job, state, settings, options } = move;
  if (!state.plan) {
    const { source, target, asked } = settings;
    const { onExisting, capture, overrides, deleteExtras, allowUnfinished } = options;
    const wanted = { onExisting, capture, deleteExtras, allowUnfinished };
    const what = { source, target, ...wanted, ...(overrides === undefined ? {} : { overrides }) };
    const allow = options.allowReplicaDifference;
    const compared = await ifItIsThere(source, () =>
      runActivity('compareReplicas', { collection: source, allow }, `compare the replicas of ${asked}`),
    );
    const found = await ifItIsThere(source, () => runActivity('planMove', what, `plan ${asked}`));
    if (found.unfit !== undefined) return goByScroll(move, found.unfit);
    state.plan = found;
    state.isMoved = found.isMoved;
    const { progress } = job;
    if (found.collection) progress.plan = found.collection;
    progress.total = found.collection?.sourcePoints ?? 0;
    progress.warnings.push(...compared.notes, ...(found.collection?.notes ?? []));
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
    throw new FerryError('SnapshotUnfit', `"${asked}" cannot go as snapshots: ${unfit}`);
  }
  const goOn = makeContinueAsNewFunc<typeof migrateCollection>({ workflowType: 'migrateCollection' });
  const rest = omit(options, 'method', 'onExisting', 'safetyBackup', 'store', 'through', 'via');
  return goOn({
    ...{ source, target, asked, dataQueue, paused, searchAttributes },
    options: omit(rest, 'capture', 'shards', 'onBusy'),
    because: `It went point by point: ${unfit}.`,
  });
}

async function carryOut(move: Move): Promise<MigrationReport> {
  const { job, state, options } = move;
  const { progress } = job;
  if (options.through !== undefined && !state.isMoved) await backUp(move, options.through);
  progress.sides ??= await prepare(move);
  if (!state.isMoved) await bringShards(move);
  const { onDifference, deleteExtras } = options;
  const proof = { job, sides: progress.sides, onDifference, deleteExtras, fromSnapshots: true };
  await proveMigration(proof);
  return finish(move, () => proveMigration(proof));
}

/** By way of a store: a backup of its own, whose objects the target's shards are then filled from. */
async function backUp(move: Move, store: string): Promise<void> {
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
    await job.steering.interruptible(
      async () => void (state.backup = await backupOf(source, store, 'through', more)),
      ['abort'],
    );
    await job.waitIfPaused();
  });
}

async function backUpReplaced({ state, settings, options }: Move): Promise<void> {
  const store = options.store ?? options.through;
  // Whatever it is that goes: it may be half of something.
  const whatever = { allowUnfinished: true, allowReplicaDifference: true };
  state.safetyBackup = await backupOf(settings.target, store, 'safety', whatever);
}

/** Its id. */
async function backupOf(
  { cluster, collection }: { cluster: string; collection: string },
  store: string | undefined,
  why: 'safety' | 'through',
  more: object,
): Promise<string> {
  const where = store === undefined ? {} : { store };
  const report = (await executeChild('fullBackup', {
    workflowId: ownBackupId(workflowInfo().workflowId, why),
    args: [{ cluster, collections: [collection], ...where, digest: false, recall: false, ...more }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${why === 'safety' ? 'safety backup' : 'backup'} of ${collection} on ${cluster}`,
  })) as JobReport;
  if (report.backup === undefined) throw failure('Internal', 'A backup ended without its id.');
  return report.backup;
}

async function prepare(move: Move): Promise<Sides> {
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

async function bringShards(move: Move): Promise<void> {
  const { job, state, written, sides } = move;
  if (move.options.through === undefined) await moveShards(move);
  else {
    state.fromBackup ??= await placed(move);
    await moveFromBackup(move);
  }
  await awaitReplicas(job);
  const what = { target: written, targetPin: sides.targetPin, job: job.id };
  await job.retryOrPark(() => runActivity('markMoved', what, `all shards of ${written.collection} are in`));
  state.isMoved = true;
}

function placed(move: Move) {
  const { job, state, backup, storeQueue } = move;
  const summary = `read the backup of ${backup.collection}`;
  const input = { from: backup, via: move.via, shards: state.shards };
  return job.retryOrPark(() => runActivity('placeBackup', input, { ...storeQueue, summary }));
}

async function finish(move: Move, proveAgain: () => Promise<void>): Promise<MigrationReport> {
  const { job, state, settings, options, source, written } = move;
  let left: string | undefined;
  const name = async (): Promise<string[]> => {
    const { onExisting, copyAliases } = options;
    const { targetPin } = move.sides;
    const { swappedFrom } = move.plan;
    const swapped = swappedFrom === undefined ? {} : { swappedFrom };
    const names = { source, target: settings.target, writes: written.collection, ...swapped };
    const what = { ...names, targetPin, onExisting, copyAliases };
    const named = await job.retryOrPark(() =>
      runActivity('assignAliases', what, `aliases of ${source.collection}`),
    );
    job.progress.warnings.push(...named.notes);
    left = named.left;
    return named.aliases;
  };
  const alwaysNamed = options.onExisting === 'swap';
  const report = await finishMigration(job, omit(options, 'overrides'), {
    subset: false,
    name,
    proveAgain,
    alwaysNamed,
  });
  const { leftOnNode } = state;
  return { ...report, moved: move.summary(left), ...(leftOnNode.length > 0 ? { leftOnNode } : {}) };
}

async function ending(move: Move, error: unknown): Promise<unknown> {
  const { job, state } = move;
  const said = state.isMade && !state.isMoved ? await undo(move) : await keep(move, error);
  const { code, message } = troubleOf(error);
  const left = (await leftovers(move)).map((name) => `The snapshot ${name} stays there`);
  const touched = [message.replace(/[.\s]*$/, ''), ...said, ...left].join('. ');
  job.progress.lastError = touched;
  job.show();
  if (isCancellation(error)) return error;
  if (isDifference(error)) return error;
  return said.length + left.length === 0 ? failure(code, message) : failure(code, `${touched}.`);
}

/** Says what the target holds after a failure. */
async function undo({ job, state, settings, written }: Move): Promise<string[]> {
  const name = `${written.collection} on ${written.cluster}`;
  const targetPin = job.progress.prepared?.targetPin;
  const what = { target: written, job: job.id, ...(targetPin ? { targetPin } : {}) };
  try {
    const { removed } = await CancellationScope.nonCancellable(() =>
      runActivity('undoMove', what, `remove ${written.collection}`),
    );
    if (!removed) return [`${name} was left as it is: it is not this job's own`];
    const { safetyBackup, plan: found } = state;
    if (!found?.exists) return [`${name} was removed again`];
    const where = safetyBackup === undefined ? 'gone' : `in the backup ${safetyBackup} of ${written.cluster}`;
    const { collection } = settings.target;
    return [`${name} was removed again`, `What ${collection} held before is ${where}`];
  } catch (trouble) {
    if (isNoLongerOurs(trouble)) return [replacedTarget(written)];
    return [`${name} is incomplete and could not be removed (${troubleOf(trouble).message}): delete it`];
  }
}

async function keep({ job, written }: Move, error: unknown): Promise<string[]> {
  const { progress } = job;
  if (progress.prepared === undefined && progress.released) return [];
  await release(job, 'compensation');
  if (isNoLongerOurs(error)) return [replacedTarget(written)];
  return [stateOfTarget(written, job.onTarget, progress.total, progress.released)];
}

/** Also of a shard that was called back between two attempts: what it had the node keep, nobody else knows. */
async function leftovers({ job, state, source }: Move): Promise<string[]> {
  const { beganAt: since, shards: placed, done, leftOnNode, isMoved } = state;
  const shards = placed.map(({ shard }) => shard).filter(({ id }) => !done.includes(id));
  if (since === undefined || isMoved || shards.length === 0) return leftOnNode;
  const { dataQueue: taskQueue, heartbeatSeconds } = job.settings;
  const where = { taskQueue, heartbeatSeconds, summary: `what stays of ${source.collection} on its nodes` };
  try {
    const found = await CancellationScope.nonCancellable(() =>
      runActivity('findLeftoverSnapshots', { source, shards, since }, where),
    );
    return [...new Set([...leftOnNode, ...found.left])];
  } catch {
    return leftOnNode;
  }
}

function open(input: MoveCollectionInput): Move {
  const { carried, written } = splitCarried<CollectionProgress>(input);
  const parsed = parseInput(moveCollectionSchema, written);
  const { options, source, target, dataQueue, searchAttributes, paused } = parsed;
  const progress = carried ?? newProgress(new Date().toISOString(), paceOf(options), paused);
  progress.move ??= newMove();
  const job = new CollectionJob(
    {
      ...options,
      operation: 'snapshotMigration',
      ...{ source, target, dataQueue, searchAttributes },
      recheckAfterMs: RECHECK_AFTER_MS,
    },
    progress,
    (state) => continueAsNew<typeof moveCollection>({ ...parsed, carried: state } as MoveCollectionInput),
  );
  return new Move(job, progress.move, parsed);
}
