// What a backup asks of the collection before and after its shards are captured. A failure parks or throws, as the input says.

import { sleep } from '@temporalio/workflow';
import { newCapture, type CaptureMoment, type CaptureProgress } from '../../model/state/capture-progress.js';
import type { Backup } from '../collections/backup-state.js';
import { ifItIsThere, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { compareReplicas } from './await-ready.js';

/** After a collection was deleted in the middle of its capture. */
const REPLANS = 10;
const REPLAN_AFTER_MS = 3_000;

export async function planCapture({ job, source, options }: Backup): Promise<CaptureProgress> {
  const { allowUnfinished, allowReplicaDifference } = options;
  const notes = await job.retryOrPark(() =>
    ifItIsThere(source, () => compareReplicas(source, allowReplicaDifference)),
  );
  const planFrom = (fromShard: number | undefined) => {
    const from = fromShard === undefined ? {} : { fromShard };
    const input = { source, capture: options.capture, allowUnfinished, ...from };
    return runActivity('planCapture', input, `plan ${source.collection}`);
  };
  const first = await job.retryOrPark(() => ifItIsThere(source, () => planFrom(undefined)));
  const shards = [...first.shards];
  for (let { next } = first; next !== undefined;) {
    const more = await planFrom(next);
    shards.push(...more.shards);
    next = more.next;
  }
  job.progress.total = first.points;
  job.progress.warnings.push(...notes, ...first.notes);
  const { pin, mode, read, points, countedAt, layout, lanes, partial } = first;
  const found = { ...(lanes === undefined ? {} : { lanes }), ...(partial === undefined ? {} : { partial }) };
  return newCapture({ pin, mode, read, points, countedAt, shards, layout, ...found });
}

/** Whoever deleted the collection may be about to create and fill it. */
export async function planReplaced(backup: Backup, replaced: unknown): Promise<CaptureProgress> {
  for (let plans = 0; plans < REPLANS; plans += 1) {
    await sleep(REPLAN_AFTER_MS);
    try {
      return await planCapture(backup);
    } catch (error) {
      if (troubleOf(error).code !== 'SourceVanished') throw error;
    }
  }
  throw replaced;
}

/** The state of the source, once its optimizers are idle or the wait is over. */
export async function sourceMoment(backup: Backup, waitMs: number): Promise<CaptureMoment> {
  const { job, source, options, capture } = backup;
  const { collection } = source;
  const { isIdle, layout } = await job.retryOrPark(() =>
    runActivity(
      'awaitOptimizers',
      { collection: source, waitMs },
      `wait for the optimizers of ${collection}`,
    ),
  );
  if (!options.digest || !isIdle) return { isIdle, layout };
  const input = { ...backup.ref, pin: capture.pin, shards: capture.shards };
  const where = backup.where(`read the last operations of ${collection}`);
  return { isIdle, layout, ...(await job.retryOrPark(() => runActivity('readOperations', input, where))) };
}
