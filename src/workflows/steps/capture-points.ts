// A backup by points: the slices and, of an increment, its base; then each slice once, some at a time; then the manifest. A
// slice that is in the store is remembered, also across a continue-as-new. A failure parks or throws, as the input says.

import { countSlice, newPointsCapture, type PointsCapture } from '../../model/state/capture-progress.js';
import { warnOnce } from '../../model/state/progress-state.js';
import { whole } from '../../model/state/steering.js';
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
  warnOnce(backup.job.progress, forgotten(found.byPoints));
  await writePointsManifest(backup, found.byPoints);
}

function forgotten({ unstamped, since }: PointsCapture): string[] {
  if (unstamped === undefined || since === undefined) return [];
  const { count, ids } = unstamped;
  const which = count > ids.length ? `${ids.join(', ')}, …` : ids.join(', ');
  const happened = `${whole(count)} changed points do not say so in their field "${since.field}" (${which})`;
  return [`${happened}: they are in this backup; whatever writes them has to set the field.`];
}

async function planPoints(backup: Backup): Promise<PointsCapture> {
  const { job, options, capture, source } = backup;
  const { increment, maxLinks, detect, field, fieldUnit, overlapSeconds, digestEveryHours } = options;
  const { pin, points } = capture;
  const detection = { detect, field, fieldUnit, overlapSeconds, digestEveryHours };
  const plan = { pin, increment, maxLinks, points, width: options.slices };
  const input = { ...backup.ref, ...plan, ...(increment ? { detection } : {}) };
  const where = backup.where(`plan the points of ${source.collection}`);
  const found = await job.retryOrPark(() => runActivity('planPoints', input, where));
  job.progress.warnings.push(...found.notes);
  return newPointsCapture(found);
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
  const { base, detect, since, slices } = found;
  const { batchBytes, stallAfterAttempts } = options;
  const { pin, read, lanes = [] } = capture;
  const what = `capture slice ${position + 1} of ${slices.length} of ${source.collection}`;
  const input = {
    ...{ ...backup.ref, what, pin, read, position, slice, batchBytes, stallAfterAttempts, detect },
    ...(base === undefined ? {} : { base }),
    ...(since === undefined ? {} : { since }),
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
  const { base, detect, since } = found;
  const inOrder = [...found.captured].sort((a, b) => a.position - b.position);
  const input = {
    ...{ ...backup.ref, pin, points, countedAt, startedAt: settings.startedAt },
    captured: inOrder.map(({ name }) => name),
    notes: job.progress.warnings.slice(0, 10),
    detect,
    ...(base === undefined ? {} : { base }),
    ...(since === undefined ? {} : { since }),
    ...(partial === undefined ? {} : { partial }),
  };
  const where = backup.where(`write the manifest of ${source.collection}`);
  capture.manifest = await job.retryOrPark(() => runActivity('writePointsManifest', input, where));
}
