// Writes every slice of a backup by points once, as many at a time as the input says. A slice that is written stays: after a
// pause or a `retry` the others follow.

import type { Recovery } from '../collections/recovery-state.js';
import { failure } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { runBatch, SHARDS, type Slot } from '../runtime/run-batch.js';
import { renewIfDue } from './stamp-life.js';

export async function recoverSlices(recovery: Recovery, slices: number): Promise<void> {
  const { job, state, settings } = recovery;
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  const all = Array.from({ length: slices }, (_, position) => position);
  await runBatch(job, {
    policy: SHARDS,
    pending: () => all.filter((position) => !state.slicesDone.includes(position)),
    width: () => settings.options.slices,
    work: (position, slot) => recoverSlice(recovery, position, slices, slot),
    clock: job.progress.copied,
  });
}

async function recoverSlice(recovery: Recovery, position: number, slices: number, slot: Slot): Promise<void> {
  const { job, state, settings, plan, written: target } = recovery;
  if (!state.prepared) throw failure('Internal', 'A slice came before its collection.');
  const { from, options } = settings;
  const { targetPin } = state.prepared;
  const { batchBytes, stallAfterAttempts } = options;
  const what = `recover slice ${position + 1} of ${slices} of ${from.collection}`;
  const input = {
    ...{ what, from, target, targetPin, position, batchBytes, stallAfterAttempts },
    ...{ manifestSha256: plan.manifestSha256, lane: slot.number, ...slot.pace() },
  };
  await renewIfDue(job, target, targetPin);
  const done = await runActivity('recoverSlice', input, { ...recovery.queue, summary: what });
  state.slicesDone.push(position);
  state.bytes += done.bytes;
  job.progress.copied.bytes = state.bytes;
  // Where there were shards, they brought all points; these replace some of them.
  if (plan.shards === 0) job.progress.copied.points += done.points;
  job.show();
}
