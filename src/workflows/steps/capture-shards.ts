// Captures every shard of a collection once, some at a time. A shard whose snapshot is in the store is remembered, also
// across a continue-as-new. An abort cancels the running captures, which remove what they uploaded.

import type { CollectionBackupRef } from '../../model/contracts/backup-catalogue.js';
import { countCaptured, isCaptured, type CaptureProgress } from '../../model/state/capture-progress.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { runActivity } from '../runtime/run-activity.js';
import { SHARDS, megabytesOf, runBatch } from '../runtime/run-batch.js';

export interface CaptureOptions {
  ref: CollectionBackupRef;
  startedAt: string;
  /** At the same time. */
  shards: number;
  stallAfterAttempts: number;
}

export async function captureShards(
  job: CollectionJob,
  capture: CaptureProgress,
  { ref, startedAt, shards, stallAfterAttempts }: CaptureOptions,
): Promise<void> {
  const pending = () => capture.shards.filter((shard) => !isCaptured(capture, shard.id));
  if (pending().length === 0) return;
  const { dataQueue: taskQueue, heartbeatSeconds } = job.settings;
  job.enter('capturing');
  await runBatch(job, {
    policy: SHARDS,
    pending,
    width: () => shards,
    work: async (shard, slot) => {
      const what = `capture shard ${shard.id} of ${ref.collection}`;
      const input = {
        ...{ ...ref, what, pin: capture.pin, mode: capture.mode, shard, startedAt, stallAfterAttempts },
        ...megabytesOf(slot.pace()),
      };
      const where = { taskQueue, heartbeatSeconds, summary: what };
      countCaptured(capture, shard.id, await runActivity('captureShard', input, where));
      job.show();
    },
  });
}
