// One collection from one cluster to another as snapshots of its shards: plan, (backup,) prepare the target, move, prove as every
// migration does, finish. What a snapshot cannot do continues as scroll migration, under the same id, where the input says
// `auto`. After a failure before every shard is on the target, what the job created is removed; after a later one the target
// stays, and the same job again has only the proof to do.

import { CancellationScope, ContinueAsNew, continueAsNew, isCancellation } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import { moveCollectionSchema, type MoveCollectionInput } from '../../model/contracts/move-inputs.js';
import type { MigrationReport } from '../../model/contracts/results.js';
import { joinSentences, oldContents } from '../../model/state/after-failure.js';
import { newMove } from '../../model/state/move-progress.js';
import { replacedTarget, stateOfTarget } from '../../model/state/outcome.js';
import { newProgress, type MovingProgress } from '../../model/state/progress-state.js';
import { omit, paceOf, splitCarried } from '../jobs/job-input.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { different, failure, isDifference, surfacing, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { awaitReplicas } from '../steps/await-ready.js';
import { finishMigration, release } from '../steps/finish-migration.js';
import { moveFromBackup, moveShards } from '../steps/move-shards.js';
import { backUpOnTheWay, planMove, prepareMove } from '../steps/prepare-move.js';
import { proveMigration } from '../steps/prove.js';
import { isNoLongerOurs, undo } from '../steps/undo.js';
import { Move } from './move-state.js';

const RECHECK_AFTER_MS = 2_000;

export async function moveCollection(input: MoveCollectionInput): Promise<MigrationReport> {
  return surfacing(async () => {
    const move = open(input);
    const { job } = move;
    try {
      job.enter(job.progress.phase);
      const report = await moveAll(move);
      if (report.outcome !== 'different') return report;
      throw different(report);
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      throw await ending(move, error);
    }
  });
}

async function moveAll(move: Move): Promise<MigrationReport> {
  const { job, state, options } = move;
  await planMove(move);
  if (options.through !== undefined && !state.isMoved) await backUpOnTheWay(move, options.through);
  const sides = (job.progress.sides ??= await prepareMove(move));
  if (!state.isMoved) await bringShards(move);
  const { onDifference, deleteExtras } = options;
  const prove = () => proveMigration({ job, sides, onDifference, deleteExtras, fromSnapshots: true });
  await prove();
  return finish(move, prove);
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
  const held = state.isMade && !state.isMoved ? await removeCreated(move) : await keep(move, error);
  const { code, message } = troubleOf(error);
  const left = (await leftovers(move)).map((name) => `The snapshot ${name} stays there`);
  const text = joinSentences(message, [...held, ...left]);
  job.progress.lastError = text;
  job.show();
  return isCancellation(error) || isDifference(error) ? error : failure(code, text);
}

async function removeCreated({ job, state, settings, written }: Move): Promise<string[]> {
  const targetPin = job.progress.prepared?.targetPin;
  const input = { target: written, job: job.id, ...(targetPin ? { targetPin } : {}) };
  const { removed, text } = await undo(written, () =>
    runActivity('undoMove', input, `remove ${written.collection}`),
  );
  const { safetyBackup, plan } = state;
  return removed && plan?.exists ? [text, oldContents(settings.target, { safetyBackup })] : [text];
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
  const where = { taskQueue, heartbeatSeconds, summary: `what is left of ${source.collection} on its nodes` };
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
  const { carried, written } = splitCarried<MovingProgress>(input);
  const parsed = parseInput(moveCollectionSchema, written);
  const { options, source, target, dataQueue, searchAttributes, paused } = parsed;
  const own = { operation: 'snapshotMigration' as const, move: newMove() };
  const progress = carried ?? newProgress(own, new Date().toISOString(), paceOf(options), paused);
  const job = new CollectionJob(
    {
      ...options,
      ...{ source, target, dataQueue, searchAttributes },
      recheckAfterMs: RECHECK_AFTER_MS,
    },
    progress,
    (state) => continueAsNew<typeof moveCollection>({ ...parsed, carried: state } as MoveCollectionInput),
  );
  return new Move(job, progress.move, parsed);
}
