// Every shard of a collection once, as many at a time as the input says. What is in stays in: a pause or an operator's
// retry goes on with the others.

import { isCancellation } from '@temporalio/workflow';
import type { PrepareRecoveryResult } from '../model/recovery-activities.js';
import { sharePace } from '../model/steering.js';
import { failure } from './failures.js';
import { lanes } from './lanes.js';
import type { Recovery } from './recovery-state.js';
import { runRecovery } from './recovery-proxies.js';

interface Shard {
  at: number;
  shard: PrepareRecoveryResult['shards'][number];
}

export async function recoverShards(recovery: Recovery): Promise<void> {
  const { job, state } = recovery;
  state.beganAt ??= new Date().toISOString();
  job.enter('copying');
  await job.persist(async () => {
    while (pendingOf(recovery).length > 0) {
      await job.gate();
      await leg(recovery);
    }
  });
}

function pendingOf({ state }: Recovery): Shard[] {
  const all = (state.prepared?.shards ?? []).map((shard, at) => ({ at, shard }));
  return all.filter(({ at }) => !state.done.includes(at));
}

async function leg(recovery: Recovery): Promise<void> {
  const { job, settings } = recovery;
  const pending = pendingOf(recovery);
  const began = Date.now();
  try {
    await job.steering.interruptible(async (scope) => {
      const stops = () => scope.consideredCancelled || job.mustStop();
      const width = Math.min(settings.options.shards, pending.length);
      const work = async (shard: Shard, _lane: number, running: () => number) => {
        if (stops()) return;
        try {
          await recoverOne(recovery, shard, running());
        } catch (error) {
          if (!isCancellation(error) || !stops()) throw error;
        }
      };
      await lanes(pending, width, work, () => scope.cancel());
    });
  } finally {
    job.progress.copied.ms += Date.now() - began;
  }
}

async function recoverOne(recovery: Recovery, { at, shard }: Shard, running: number): Promise<void> {
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
    via: plan.via,
    mayPush: plan.mayPush,
    isChecked: options.precheck === 'full' || plan.exists,
    shard,
    stallAfterAttempts: options.stallAfterAttempts,
    ...(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
  };
  const done = await runRecovery('recoverShard', input, what, recovery.queue);
  state.done.push(at);
  state.bytes += done.bytes;
  if (done.via === 'push') state.pushed += 1;
  job.progress.copied.bytes = state.bytes;
  job.progress.copied.points = Math.round((plan.points * state.done.length) / state.prepared.shards.length);
  job.show();
}
