// Captures every shard of a collection once, some at a time. A shard whose snapshot is in the store is remembered, also
// over a continue-as-new. A pause lets the running ones come to their end, for a stream cannot go on where it stopped;
// an abort calls them back, and they take their traces with them.

import { isCancellation } from '@temporalio/workflow';
import type { CollectionBackupRef, ShardToCapture } from '../../model/contracts/backup-activities.js';
import { countCaptured, isCaptured, type CaptureProgress } from '../../model/state/capture-progress.js';
import { sharePace } from '../../model/state/steering.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { lanes } from '../runtime/lanes.js';
import { runActivity } from '../runtime/run-activity.js';

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
  options: CaptureOptions,
): Promise<void> {
  const open = () => capture.shards.filter((shard) => !isCaptured(capture, shard.id));
  if (open().length === 0) return;
  job.enter('capturing');
  await job.retryOrPark(async () => {
    while (open().length > 0) {
      await job.gate();
      await leg(job, capture, options, open());
    }
  });
}

async function leg(
  job: CollectionJob,
  capture: CaptureProgress,
  options: CaptureOptions,
  open: ShardToCapture[],
): Promise<void> {
  const width = Math.min(options.shards, open.length);
  await job.steering.interruptible(
    async (scope) => {
      const stops = () => scope.consideredCancelled || job.mustStop();
      const work = async (shard: ShardToCapture, _lane: number, running: () => number) => {
        if (stops()) return;
        try {
          await captureOne(job, capture, options, shard, running());
        } catch (error) {
          if (!isCancellation(error) || !stops()) throw error;
        }
        job.show();
      };
      await lanes(open, width, work, () => scope.cancel());
    },
    ['abort'],
  );
}

async function captureOne(
  job: CollectionJob,
  capture: CaptureProgress,
  { ref, startedAt, stallAfterAttempts }: CaptureOptions,
  shard: ShardToCapture,
  running: number,
): Promise<void> {
  const { dataQueue, heartbeatSeconds } = job.settings;
  const what = `capture shard ${shard.id} of ${ref.collection}`;
  const { maxMegabytesPerSecond } = sharePace(job.steering.state.pace, running);
  const input = {
    ...ref,
    what,
    pin: capture.pin,
    mode: capture.mode,
    shard,
    startedAt,
    stallAfterAttempts,
    ...(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
  };
  const where = { taskQueue: dataQueue, heartbeatSeconds, summary: what };
  countCaptured(capture, shard.id, await runActivity('captureShard', input, where));
}
