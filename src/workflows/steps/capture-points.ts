// A backup by points: the slices and, of an increment, its base; then each slice once, some at a time; then the manifest. A
// slice that is in the store is remembered, also across a continue-as-new. A failure parks or throws, as the input says; a
// base that turns out to be damaged does neither: the collection has to be protected all the same, by a full backup.

import type { CaptureSliceResult, PlanPointsResult } from '../../model/contracts/point-backup-activities.js';
import type { RangeDigest } from '../../model/format/digest.js';
import {
  countSlice,
  documentsOf,
  newPointsCapture,
  type IndexPart,
  type PointsCapture,
} from '../../model/state/capture-progress.js';
import { warnOnce } from '../../model/state/progress-state.js';
import { whole } from '../../model/state/steering.js';
import type { Slice } from '../../model/state/slice.js';
import type { Backup } from '../collections/backup-state.js';
import { troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { runBatch, SHARDS, type Slot } from '../runtime/run-batch.js';
import { planCapture } from './plan-capture.js';

export async function capturePoints(backup: Backup): Promise<void> {
  const { job } = backup;
  const found = (job.progress.capture ??= await planCapture(backup));
  found.byPoints ??= await planPoints(backup, backup.options.increment);
  await captureSlices(backup, found.byPoints);
  if (found.byPoints.damagedBase !== undefined) {
    warnOnce(job.progress, [withoutBase(found.byPoints)]);
    found.byPoints = await planPoints(backup, false);
    await captureSlices(backup, found.byPoints);
  }
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

function withoutBase({ base, damagedBase = '' }: PointsCapture): string {
  const happened = `A full backup: the newest one, ${base?.backup ?? ''}, cannot be continued, for it is damaged`;
  return `${happened} (${damagedBase.slice(0, 200)}). \`ferry check-backup\` tells what of it is left.`;
}

async function planPoints(backup: Backup, increment: boolean): Promise<PointsCapture> {
  const found = await planned(backup, increment);
  backup.job.progress.warnings.push(...found.notes);
  return newPointsCapture(found);
}

function planned(backup: Backup, increment: boolean): Promise<PlanPointsResult> {
  const { job, options, capture, source } = backup;
  const { maxLinks, detect, field, fieldUnit, overlapSeconds, digestEveryHours } = options;
  const { pin, points } = capture;
  const detection = { detect, field, fieldUnit, overlapSeconds, digestEveryHours };
  const plan = { pin, increment, maxLinks, points, width: options.slices };
  const input = { ...backup.ref, ...plan, ...(increment ? { detection } : {}) };
  const where = backup.where(`plan the points of ${source.collection}`);
  return job.retryOrPark(() => runActivity('planPoints', input, where));
}

/** What the digest index of a snapshot asks of a slice. */
interface IndexWork {
  lane: number | undefined;
  ofSlice(position: number): { index: IndexPart; before?: string };
}

/**
 * The source's digest, with an index of it for increments to continue: once before the shards are captured, and once after,
 * when only what has changed meanwhile is written down.
 */
export async function indexSource(
  backup: Backup,
  part: IndexPart,
  lane: number | undefined,
): Promise<RangeDigest> {
  const { capture } = backup;
  capture.index ??= await planIndex(backup);
  const { index } = capture;
  const before = documentsOf(index.before);
  const ofSlice = (position: number) => {
    const document = before[position];
    return part === 'before' || document === undefined ? { index: part } : { index: part, before: document };
  };
  await captureSlices(backup, index[part], { lane, ofSlice });
  return index[part].digest;
}

async function planIndex(backup: Backup): Promise<Record<IndexPart, PointsCapture>> {
  const plan = await planned(backup, false);
  return { before: newPointsCapture(plan), after: newPointsCapture(plan) };
}

/** What the store no longer has as it was written. */
const DAMAGED = ['ObjectDamaged', 'ObjectMissing', 'ManifestInvalid'];

interface Pending {
  position: number;
  slice: Slice;
}

/** A cancelled slice would start again at its first point, so nothing but an abort cancels one. */
async function captureSlices(backup: Backup, found: PointsCapture, index?: IndexWork): Promise<void> {
  const { job, options } = backup;
  const pending = (): Pending[] => {
    if (found.damagedBase !== undefined) return [];
    const done = new Set(found.captured.map(({ position }) => position));
    return found.slices
      .map((slice, position) => ({ position, slice }))
      .filter(({ position }) => !done.has(position));
  };
  if (pending().length === 0) return;
  job.enter(index === undefined ? 'capturing' : 'verifying');
  await runBatch(job, {
    policy: SHARDS,
    pending,
    width: () => options.slices,
    work: (one, slot) => captureSlice(backup, found, one, slot, index),
    ...(index === undefined ? {} : { clock: job.progress.verified }),
  });
}

async function captureSlice(
  backup: Backup,
  found: PointsCapture,
  { position, slice }: Pending,
  slot: Slot,
  index: IndexWork | undefined,
): Promise<void> {
  const { job, options, capture, source } = backup;
  const { base, detect, since, slices } = found;
  const { batchBytes, stallAfterAttempts } = options;
  const { pin, read, lanes = [] } = capture;
  const doing = index === undefined ? 'capture' : 'digest';
  const what = `${doing} slice ${position + 1} of ${slices.length} of ${source.collection}`;
  const input = {
    ...{ ...backup.ref, what, pin, read, position, slice, batchBytes, stallAfterAttempts, detect },
    ...(base === undefined ? {} : { base }),
    ...(since === undefined ? {} : { since }),
    lane: index?.lane ?? lanes[slot.number % Math.max(1, lanes.length)] ?? slot.number,
    ...index?.ofSlice(position),
    ...slot.pace(),
  };
  let result: CaptureSliceResult;
  try {
    result = await runActivity('captureSlice', input, backup.where(what));
  } catch (error) {
    const { code, message } = troubleOf(error);
    if (base === undefined || !DAMAGED.includes(code)) throw error;
    found.damagedBase = `${code}: ${message}`;
    return;
  }
  countSlice(found, position, result);
  if (index !== undefined) job.progress.verified.points += result.digest.count;
  job.show();
}

async function writePointsManifest(backup: Backup, found: PointsCapture): Promise<void> {
  const { job, capture, settings, source } = backup;
  if (capture.manifest) return;
  job.enter('finishing');
  const { pin, points, countedAt, partial } = capture;
  const { base, detect, since } = found;
  const input = {
    ...{ ...backup.ref, pin, points, countedAt, startedAt: settings.startedAt },
    captured: documentsOf(found),
    notes: job.progress.warnings.slice(0, 10),
    detect,
    ...(base === undefined ? {} : { base }),
    ...(since === undefined ? {} : { since }),
    ...(partial === undefined ? {} : { partial }),
  };
  const where = backup.where(`write the manifest of ${source.collection}`);
  capture.manifest = await job.retryOrPark(() => runActivity('writePointsManifest', input, where));
}
