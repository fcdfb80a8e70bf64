// Every shard of a collection once, as many at a time as the input says. What is in stays in: a pause or an operator's
// retry goes on with the others.

import { isCancellation } from '@temporalio/workflow';
import type { PrepareRecoveryResult } from '../model/backup-activities.js';
import { sharePace } from '../model/steering.js';
import { failure } from './failures.js';
import { lanes } from './lanes.js';
import type { Recovery } from './recovery-state.js';
import { runRecovery } from './recovery-proxies.js';

type Shard = PrepareRecoveryResult['shards'][number];

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
  return (state.prepared?.shards ?? []).filter((shard) => !state.done.includes(shard.position));
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

async function recoverOne(recovery: Recovery, shard: Shard, running: number): Promise<void> {
  const { job, state, settings, plan } = recovery;
  if (!state.prepared) throw failure('Internal', 'A shard came before its collection.');
  const { from, options } = settings;
  const { maxMegabytesPerSecond } = sharePace(job.steering.state.pace, running);
  const what = `recover shard ${shard.position + 1} of ${plan.shards} of ${from.collection}`;
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
  state.done.push(shard.position);
  state.bytes += done.bytes;
  if (done.via === 'push') state.pushed += 1;
  job.progress.copied.bytes = state.bytes;
  job.progress.copied.points =
    plan.bytes > 0 ? Math.round((plan.points * state.bytes) / plan.bytes) : plan.points;
  job.show();
}
