// Every shard of a collection from the source into the target, some at a time: directly, or out of the backup that was
// taken on the way. What is in stays in, also over a continue-as-new. A pause lets the running ones come to their end,
// for a stream cannot go on where it stopped, and a node goes on without us; an abort calls them back.

import { isCancellation, type CancellationScope } from '@temporalio/workflow';
import type { PlacedShard } from '../../model/contracts/move-activities.js';
import { countMoved, shareMoved } from '../../model/state/move-progress.js';
import { sharePace } from '../../model/state/steering.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { withCaptureLock } from './hold-capture.js';
import { lanes } from '../runtime/lanes.js';
import type { Move } from '../collections/move-state.js';
import { runActivity } from '../runtime/run-activity.js';
import { renewStampIfDue } from './stamp-life.js';

export async function moveShards(move: Move): Promise<void> {
  const { job, state, options, source } = move;
  const open = () => state.shards.filter(({ shard }) => !state.done.includes(shard.id));
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  await job.retryOrPark(async () => {
    while (open().length > 0) {
      await job.gate();
      await withCaptureLock(job, source, options.onBusy, () =>
        leg(move, open(), (placed, running) => moveOne(move, placed, running)),
      );
    }
  });
}

/** The other half of `through`: out of the store, without the lock, for the source is no longer asked. */
export async function moveFromBackup(move: Move): Promise<void> {
  const { job, state } = move;
  const all = (state.fromBackup?.shards ?? []).map((_, at) => at);
  const open = () => all.filter((at) => !state.recovered.includes(at));
  job.enter('copying');
  await job.retryOrPark(async () => {
    while (open().length > 0) {
      await job.gate();
      await leg(move, open(), (at, running) => recoverOne(move, at, running));
    }
  });
}

async function leg<T>(
  move: Move,
  open: readonly T[],
  one: (item: T, running: Running) => Promise<void>,
): Promise<void> {
  const { job, options } = move;
  const began = Date.now();
  const width = Math.min(options.shards, open.length);
  const body = async (scope: CancellationScope): Promise<void> => {
    const stops = () => scope.consideredCancelled || job.mustStop();
    const work = async (item: T, _lane: number, running: () => number) => {
      if (stops()) return;
      try {
        await renewStampIfDue(job);
        await one(item, { lanes: running(), isAlone: width === 1 && move.settings.isOnly });
      } catch (error) {
        if (!isCancellation(error) || !stops()) throw asVerdict(error);
      }
      show(move);
    };
    await lanes(open, width, work, (error) => {
      if (!job.parksOn(troubleOf(error).code)) scope.cancel();
    });
  };
  try {
    await job.steering.interruptible(body, ['abort']);
  } finally {
    job.progress.copied.ms += Date.now() - began;
  }
}

interface Running {
  lanes: number;
  isAlone: boolean;
}

/** Where a call may be going on, no retry may put another beside it: the job ends, and with it what it made. */
function asVerdict(error: unknown): unknown {
  const { code, message } = troubleOf(error);
  return code === 'RecoveryUnheard' ? failure(code, message) : error;
}

async function moveOne(move: Move, placed: PlacedShard, running: Running): Promise<void> {
  const { job, state, options, source, written } = move;
  const { sourcePin, targetPin } = move.sides;
  const what = `move shard ${placed.shard.id} of ${source.collection}`;
  const input = {
    ...{ what, source, target: written, sourcePin, targetPin, placed },
    mode: move.plan.mode,
    // What one node could not fetch, another one of the same cluster will not either.
    via: move.via === 'auto' && state.pushed > 0 && state.pulled === 0 ? 'push' : move.via,
    stallAfterAttempts: options.stallAfterAttempts,
    isAlone: running.isAlone,
    ...paceOf(move, running),
  } as const;
  const { dataQueue, heartbeatSeconds } = job.settings;
  const where = { taskQueue: dataQueue, heartbeatSeconds, summary: what };
  countMoved(state, await runActivity('moveShard', input, where));
  state.done.push(placed.shard.id);
}

async function recoverOne(move: Move, at: number, running: Running): Promise<void> {
  const { state, options, written, backup } = move;
  const { shards, ...way } = move.fromBackup;
  const [shard] = shards.slice(at, at + 1);
  if (!shard) return;
  const what = `recover shard ${at + 1} of ${shards.length} of ${backup.collection}`;
  const input = {
    ...{ what, from: backup, target: written, targetPin: move.sides.targetPin, ...way },
    ...{ isChecked: false, shard, stallAfterAttempts: options.stallAfterAttempts },
    isAlone: running.isAlone,
    ...paceOf(move, running),
  };
  const done = await runActivity('recoverShard', input, { ...move.storeQueue, summary: what });
  countMoved(state, { ...done, leftOnNode: [] });
  state.recovered.push(at);
}

function paceOf({ job }: Move, running: Running): { maxMegabytesPerSecond?: number } {
  const { maxMegabytesPerSecond } = sharePace(job.steering.state.pace, running.lanes);
  return maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond };
}

function show({ job, state }: Move): void {
  job.progress.copied.bytes = state.bytes;
  job.progress.copied.points = Math.round(job.progress.total * shareMoved(state));
  job.show();
}
