// Every shard of a collection once, as many at a time as the input says. What is in stays in: a pause or an operator's
// retry goes on with the others. A shard in flight is never called back but by an abort: the node would go on with it.

import {
  ActivityFailure,
  TimeoutFailure,
  isCancellation,
  type CancellationScope,
} from '@temporalio/workflow';
import type { PrepareRecoveryResult } from '../../model/contracts/recovery-activities.js';
import { sharePace } from '../../model/state/steering.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { lanes } from '../runtime/lanes.js';
import type { Recovery } from '../collections/recovery-state.js';
import { runActivity } from '../runtime/run-activity.js';
import { renewIfDue } from './stamp-life.js';

interface Shard {
  at: number;
  shard: PrepareRecoveryResult['shards'][number];
}

/** How often a collection is made again by itself because of a call that nobody heard the end of. */
const STARTS_OVER = 2;

/** `startOver` removes what is there, which waits for whatever the node is still recovering, and makes it again. */
export async function recoverShards(recovery: Recovery, startOver: () => Promise<void>): Promise<void> {
  const { job, state } = recovery;
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  await job.retryOrPark(async () => {
    while (pendingOf(recovery).length > 0) {
      await job.gate();
      if (state.isUnheard) await startOver();
      try {
        await leg(recovery);
      } catch (error) {
        state.isUnheard ||= mayBeInFlight(error);
        const isWorthAnother = troubleOf(error).code === 'RecoveryUnheard' && !isCancellation(error);
        if (!isWorthAnother || state.startedOver >= STARTS_OVER) throw error;
        job.progress.warnings.push(
          `${recovery.written.collection} was made again, for ${firstSentence(troubleOf(error).message)}`,
        );
      }
    }
  });
}

/** A new attempt would know nothing of the call that an old one left: nothing may be sent beside it. */
function mayBeInFlight(error: unknown): boolean {
  if (isCancellation(error)) return false;
  if (error instanceof ActivityFailure && error.cause instanceof TimeoutFailure) return true;
  return ['RecoveryUnheard', 'Stalled'].includes(troubleOf(error).code);
}

function firstSentence(text: string): string {
  const [first = text] = text.split('. ');
  return `${first.slice(0, 1).toLowerCase()}${first.slice(1).replace(/[.\s]*$/, '')}.`;
}

function pendingOf({ state }: Recovery): Shard[] {
  const all = (state.prepared?.shards ?? []).map((shard, at) => ({ at, shard }));
  return all.filter(({ at }) => !state.done.includes(at));
}

async function leg(recovery: Recovery): Promise<void> {
  const { job, state, settings } = recovery;
  const pending = pendingOf(recovery);
  // One at a time, the node's own count of answers tells which call has ended.
  const width = state.startedOver > 0 ? 1 : Math.min(settings.options.shards, pending.length);
  const began = Date.now();
  try {
    const body = async (scope: CancellationScope) => {
      const stops = () => scope.consideredCancelled || job.mustStop();
      const work = async (shard: Shard, _lane: number, running: () => number) => {
        if (stops()) return;
        try {
          await recoverOne(recovery, shard, running(), width === 1 && settings.isOnly);
        } catch (error) {
          if (!isCancellation(error) || !stops()) throw error;
        }
      };
      await lanes(pending, width, work, (error) => {
        if (!job.parksOn(troubleOf(error).code)) scope.cancel();
      });
    };
    await job.steering.interruptible(body, ['abort']);
  } finally {
    job.progress.copied.ms += Date.now() - began;
  }
}

async function recoverOne(
  recovery: Recovery,
  { at, shard }: Shard,
  running: number,
  isAlone: boolean,
): Promise<void> {
  const { job, state, settings, plan } = recovery;
  if (!state.prepared) throw failure('Internal', 'A shard came before its collection.');
  const { from, options } = settings;
  const { maxMegabytesPerSecond } = sharePace(job.steering.state.pace, running);
  const what = `recover shard ${at + 1} of ${state.prepared.shards.length} of ${from.collection}`;
  const input = {
    what,
    from,
    target: recovery.written,
    targetPin: state.prepared.targetPin,
    manifestSha256: plan.manifestSha256,
    // A push that nobody heard the end of is known by the node sooner than a pull.
    via: plan.mayPush && state.startedOver > 0 ? ('push' as const) : plan.via,
    mayPush: plan.mayPush,
    isChecked: options.precheck === 'full' || plan.exists,
    shard,
    isAlone,
    stallAfterAttempts: options.stallAfterAttempts,
    ...(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
  };
  await renewIfDue(job, recovery.written, state.prepared.targetPin);
  const done = await runActivity('recoverShard', input, { ...recovery.queue, summary: what });
  state.done.push(at);
  state.bytes += done.bytes;
  if (done.via === 'push') state.pushed += 1;
  job.progress.copied.bytes = state.bytes;
  job.progress.copied.points = Math.round((plan.points * state.done.length) / state.prepared.shards.length);
  job.show();
}
