// Every shard of a collection from the source into the target, some at a time: directly, or out of the backup that was
// taken on the way. A shard that is on the target is remembered, also across a continue-as-new.

import type { PlacedShard } from '../../model/contracts/move-activities.js';
import { countMoved, shareMoved } from '../../model/state/move-progress.js';
import { recoverText } from '../../model/state/recovery-progress.js';
import type { Move } from '../collections/move-state.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { SHARDS, megabytesOf, runBatch, type Slot } from '../runtime/run-batch.js';
import { withCaptureLock } from './hold-lock.js';
import { renewStampIfDue } from './stamp-life.js';

export async function moveShards(move: Move): Promise<void> {
  const { job, state, options, source } = move;
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  await runBatch(job, {
    policy: SHARDS,
    pending: () => state.shards.filter(({ shard }) => !state.done.includes(shard.id)),
    width: () => options.shards,
    around: (round) => withCaptureLock(job, source, options.onBusy, round),
    work: (placed, slot) => moving(move, () => moveOne(move, placed, slot)),
    clock: job.progress.copied,
  });
}

/** The other half of `through`: out of the store, without the lock, because the source is no longer read. */
export async function moveFromBackup(move: Move): Promise<void> {
  const { job, state, options } = move;
  const all = (state.fromBackup?.shards ?? []).map((_, at) => at);
  job.enter('copying');
  await runBatch(job, {
    policy: SHARDS,
    pending: () => all.filter((at) => !state.recovered.includes(at)),
    width: () => options.shards,
    work: (at, slot) => moving(move, () => recoverOne(move, at, slot)),
    clock: job.progress.copied,
  });
}

async function moving(move: Move, one: () => Promise<void>): Promise<void> {
  const { job, state } = move;
  try {
    await renewStampIfDue(job);
    await one();
  } catch (error) {
    throw asVerdict(error);
  }
  job.progress.copied.bytes = state.bytes;
  job.progress.copied.points = Math.round(job.progress.total * shareMoved(state));
  job.show();
}

/** Where a call may still be running, no retry may start another one beside it: the job fails, and removes what it made. */
function asVerdict(error: unknown): unknown {
  const { code, message } = troubleOf(error);
  return code === 'RecoveryUnsettled' ? failure(code, message) : error;
}

async function moveOne(move: Move, placed: PlacedShard, slot: Slot): Promise<void> {
  const { job, state, options, source, written } = move;
  const { sourcePin, targetPin } = move.sides;
  const what = `move shard ${placed.shard.id} of ${source.collection}`;
  const input = {
    ...{ what, source, target: written, sourcePin, targetPin, placed },
    mode: move.plan.mode,
    // What one node could not fetch, another one of the same cluster will not either.
    via: move.via === 'auto' && state.pushed > 0 && state.pulled === 0 ? 'push' : move.via,
    stallAfterAttempts: options.stallAfterAttempts,
    isAlone: slot.isAlone && move.settings.isOnly,
    ...megabytesOf(slot.pace()),
  } as const;
  const { dataQueue, heartbeatSeconds } = job.settings;
  const where = { taskQueue: dataQueue, heartbeatSeconds, summary: what };
  countMoved(state, await runActivity('moveShard', input, where));
  state.done.push(placed.shard.id);
}

async function recoverOne(move: Move, at: number, slot: Slot): Promise<void> {
  const { state, options, written, backup } = move;
  const { shards, ...way } = move.fromBackup;
  const [shard] = shards.slice(at, at + 1);
  if (!shard) return;
  const what = recoverText(shards, shard, backup.collection);
  const input = {
    ...{ what, from: backup, target: written, targetPin: move.sides.targetPin, ...way },
    ...{ isChecked: false, shard, stallAfterAttempts: options.stallAfterAttempts },
    isAlone: slot.isAlone && move.settings.isOnly,
    ...megabytesOf(slot.pace()),
  };
  const done = await runActivity('recoverShard', input, { ...move.storeQueue, summary: what });
  countMoved(state, { ...done, leftOnNode: [] });
  state.recovered.push(at);
}
