// A backup by points: the slices and, of an increment, its base; then each slice once, some at a time; then the manifest. A
// slice that is in the store is remembered, also across a continue-as-new. A failure parks or throws, as the input says.

import { countSlice, newPointsCapture, type PointsCapture } from '../../model/state/capture-progress.js';
import type { Slice } from '../../model/state/slice.js';
import type { Backup } from '../collections/backup-state.js';
import { runActivity } from '../runtime/run-activity.js';
import { runBatch, SHARDS, type Slot } from '../runtime/run-batch.js';
import { planCapture } from './plan-capture.js';

export async function capturePoints(backup: Backup): Promise<void> {
  const { job } = backup;
  const found = (job.progress.capture ??= await planCapture(backup));
  found.byPoints ??= await planPoints(backup);
  await captureSlices(backup, found.byPoints);
  await writePointsManifest(backup, found.byPoints);
}

async function planPoints(backup: Backup): Promise<PointsCapture> {
  const { job, options, capture, source } = backup;
  const { increment, maxLinks } = options;
  const { pin, points } = capture;
  const input = { ...backup.ref, pin, increment, maxLinks, points, width: options.slices };
  const where = backup.where(`plan the points of ${source.collection}`);
  const plan = await job.retryOrPark(() => runActivity('planPoints', input, where));
  job.progress.warnings.push(...plan.notes);
  return newPointsCapture(plan);
}

interface Pending {
  position: number;
  slice: Slice;
}

/** A cancelled slice would start again at its first point, so nothing but an abort cancels one. */
async function captureSlices(backup: Backup, found: PointsCapture): Promise<void> {
  const { job, options } = backup;
  const pending = (): Pending[] => {
    const done = new Set(found.captured.map(({ position }) => position));
    return found.slices
      .map((slice, position) => ({ position, slice }))
      .filter(({ position }) => !done.has(position));
  };
  if (pending().length === 0) return;
  job.enter('capturing');
  await runBatch(job, {
    policy: SHARDS,
    pending,
    width: () => options.slices,
    work: (one, slot) => captureSlice(backup, found, one, slot),
  });
}

async function captureSlice(
  backup: Backup,
  found: PointsCapture,
  { position, slice }: Pending,
  slot: Slot,
): Promise<void> {
  const { job, options, capture, source } = backup;
  const { base, slices } = found;
  const { batchBytes, stallAfterAttempts } = options;
  const { pin, read, lanes = [] } = capture;
  const what = `capture slice ${position + 1} of ${slices.length} of ${source.collection}`;
  const input = {
    ...{ ...backup.ref, what, pin, read, position, slice, batchBytes, stallAfterAttempts },
    ...(base === undefined ? {} : { base }),
    lane: lanes[slot.number % Math.max(1, lanes.length)] ?? slot.number,
    ...slot.pace(),
  };
  countSlice(found, position, await runActivity('captureSlice', input, backup.where(what)));
  job.show();
}

async function writePointsManifest(backup: Backup, found: PointsCapture): Promise<void> {
  const { job, capture, settings, source } = backup;
  if (capture.manifest) return;
  job.enter('finishing');
  const { pin, points, countedAt, partial } = capture;
  const { base } = found;
  const inOrder = [...found.captured].sort((a, b) => a.position - b.position);
  const input = {
    ...{ ...backup.ref, pin, points, countedAt, startedAt: settings.startedAt },
    captured: inOrder.map(({ name }) => name),
    notes: job.progress.warnings.slice(0, 10),
    ...(base === undefined ? {} : { base }),
    ...(partial === undefined ? {} : { partial }),
  };
  const where = backup.where(`write the manifest of ${source.collection}`);
  capture.manifest = await job.retryOrPark(() => runActivity('writePointsManifest', input, where));
}
