// Works through the slices or shards of one collection, some at a time, until none is pending. The policy says which
// commands cancel a running item, and what happens to the others when one fails. When a round returns or throws, nothing
// of it is running.

import { isCancellation } from '@temporalio/workflow';
import { type Pace, sharePace, type Command } from '../../model/state/steering.js';
import type { CollectionJob } from './collection-job.js';
import { troubleOf } from './failures.js';
import { isTimeout } from './run-activity.js';

export interface BatchPolicy {
  cancelledBy: readonly Command['do'][];
  /** `finish`: they finish first where the job then waits for an operator; a job that fails cancels them. */
  othersAfterFailure: 'cancel' | 'finish';
}

/** A cancelled slice returns what it has done and continues from its cursor, so nothing is lost by stopping it at once. */
export const SLICES: BatchPolicy = {
  cancelledBy: ['pause', 'throttle', 'abort'],
  othersAfterFailure: 'cancel',
};

/** A cancelled shard would start again at its first byte, and the node might continue with it on its own. */
export const SHARDS: BatchPolicy = { cancelledBy: ['abort'], othersAfterFailure: 'finish' };

/** One of the places at which items are worked on at the same time. */
export interface Slot {
  number: number;
  /** No other slot of this round. */
  isAlone: boolean;
  /** This slot's share of the job's limits, by how many are at work now. */
  pace(): Pace;
  /** No new activity may start. */
  mustStop(): boolean;
}

export interface Batch<T> {
  policy: BatchPolicy;
  /** Looked up before each round; `work` changes the state that it is made from. */
  pending(): readonly T[];
  /** At most so many at the same time. */
  width(): number;
  work(item: T, slot: Slot): Promise<void>;
  /** Runs a round: for what must be there while items run, and no longer. */
  around?(round: () => Promise<void>): Promise<void>;
  /** Where the time of the rounds is added. */
  clock?: { ms: number };
}

/** A failure parks the job where its input says so, and `retry` continues with what is still pending. */
export async function runBatch<T>(job: CollectionJob, batch: Batch<T>): Promise<void> {
  const round = () => runPending(job, batch);
  await job.retryOrPark(async () => {
    while (batch.pending().length > 0) {
      await job.gate();
      await (batch.around ? batch.around(round) : round());
    }
  });
}

async function runPending<T>(job: CollectionJob, batch: Batch<T>): Promise<void> {
  const { policy, clock } = batch;
  const items = batch.pending();
  const width = Math.min(batch.width(), items.length);
  const began = Date.now();
  try {
    await job.steering.interruptible(policy.cancelledBy, async (scope) => {
      const mustStop = () => scope.consideredCancelled || job.mustStop();
      const work = async (item: T, number: number, running: () => number) => {
        if (mustStop()) return;
        const pace = () => sharePace(job.steering.state.pace, running());
        try {
          await batch.work(item, { number, isAlone: width === 1, pace, mustStop });
        } catch (error) {
          // Temporal does not repeat an attempt that was to be cancelled: if its worker is dead, it ends by a time-out.
          const isCancelled = scope.consideredCancelled && isTimeout(error);
          if (!isCancelled && !(isCancellation(error) && mustStop())) throw error;
        }
      };
      await pool(items, width, work, (error) => {
        const { code, message } = troubleOf(error);
        if (policy.othersAfterFailure === 'cancel' || !job.parksOn(code)) scope.cancel();
        else job.showError(`${code}: ${message}`);
      });
    });
  } finally {
    if (clock) clock.ms += Date.now() - began;
  }
}

/** What an activity on a shard takes of a share. */
export function megabytesOf({ maxMegabytesPerSecond }: Pace): Pick<Pace, 'maxMegabytesPerSecond'> {
  return maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond };
}

/**
 * At most `width` items are worked on at the same time; the next starts when one has ended. After a failure no further one
 * starts, and the first failure is thrown once all have ended.
 */
export async function pool<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T, slot: number, running: () => number) => Promise<void>,
  onFailure: (error: unknown) => void = () => undefined,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const failures: unknown[] = [];
  let running = width;

  const runSlot = async (number: number) => {
    try {
      while (failures.length === 0) {
        const next = queue.next();
        if (next.done) return;
        await work(next.value, number, () => running);
      }
    } catch (error) {
      failures.push(error);
      if (failures.length === 1) onFailure(error);
    } finally {
      running -= 1;
    }
  };

  await Promise.all(Array.from({ length: width }, (_, number) => runSlot(number)));
  if (failures.length > 0) throw failures[0];
}
