// Recovers every shard of a collection once, as many at a time as the input says. A shard that is recovered stays: after
// a pause or a `retry` the others follow.

import { isCancellation } from '@temporalio/workflow';
import type { PrepareRecoveryResult } from '../../model/contracts/recovery-activities.js';
import { recoverText } from '../../model/state/recovery-progress.js';
import type { Recovery } from '../collections/recovery-state.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { isTimeout, runActivity } from '../runtime/run-activity.js';
import { SHARDS, megabytesOf, runBatch, type Slot } from '../runtime/run-batch.js';
import { renewIfDue } from './stamp-life.js';

interface Shard {
  at: number;
  shard: PrepareRecoveryResult['shards'][number];
}

/** How often a collection is created again without an operator, because a call's end is unknown. */
const STARTS_OVER = 2;

/** `startOver` removes the collection, which waits for whatever the node is still recovering, and creates it again. */
export async function recoverShards(recovery: Recovery, startOver: () => Promise<void>): Promise<void> {
  const { job, state, settings } = recovery;
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  await runBatch(job, {
    policy: SHARDS,
    pending: () => pendingOf(recovery),
    // One at a time, the node's own count of answers tells which call has ended.
    width: () => (state.startedOver > 0 ? 1 : settings.options.shards),
    around: async (round) => {
      if (state.isUnsettled) await startOver();
      await round().catch((error: unknown) => startOverOrThrow(recovery, error));
    },
    work: (shard, slot) => recoverOne(recovery, shard, slot),
    clock: job.progress.copied,
  });
}

function startOverOrThrow({ job, state, written }: Recovery, error: unknown): void {
  state.isUnsettled ||= mayBeInFlight(error);
  const { code, message } = troubleOf(error);
  const isWorthAnother = code === 'RecoveryUnsettled' && !isCancellation(error);
  if (!isWorthAnother || state.startedOver >= STARTS_OVER) throw error;
  job.showError(undefined);
  job.progress.warnings.push(`${written.collection} was created again, because ${firstSentence(message)}`);
}

/** A new attempt would know nothing of the call that an old one left: nothing may be sent beside it. */
function mayBeInFlight(error: unknown): boolean {
  if (isCancellation(error)) return false;
  return isTimeout(error) || ['RecoveryUnsettled', 'AttemptsExhausted'].includes(troubleOf(error).code);
}

function firstSentence(text: string): string {
  const [first = text] = text.split('. ');
  return `${first.slice(0, 1).toLowerCase()}${first.slice(1).replace(/[.\s]*$/, '')}.`;
}

function pendingOf({ state }: Recovery): Shard[] {
  const all = (state.prepared?.shards ?? []).map((shard, at) => ({ at, shard }));
  return all.filter(({ at }) => !state.done.includes(at));
}

async function recoverOne(recovery: Recovery, { at, shard }: Shard, slot: Slot): Promise<void> {
  const { job, state, settings, plan } = recovery;
  if (!state.prepared) throw failure('Internal', 'A shard came before its collection.');
  const { from, options } = settings;
  const what = recoverText(state.prepared.shards, shard, from.collection);
  const input = {
    what,
    from,
    target: recovery.written,
    targetPin: state.prepared.targetPin,
    manifestSha256: plan.manifestSha256,
    // The node knows the end of a push whose answer was lost sooner than that of a pull.
    via: plan.mayPush && state.startedOver > 0 ? ('push' as const) : plan.via,
    mayPush: plan.mayPush,
    isChecked: options.precheck === 'full' || plan.exists,
    shard,
    isAlone: slot.isAlone && settings.isOnly,
    stallAfterAttempts: options.stallAfterAttempts,
    ...megabytesOf(slot.pace()),
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
