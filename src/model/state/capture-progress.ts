// What the workflow of one collection's backup remembers, beside what every collection's workflow does. Pure, and small
// enough for a continue-as-new: a shard is its number, its key and its peer.

import type {
  CaptureMode,
  CapturedShard,
  CaptureShardResult,
  PlanCaptureResult,
  ShardToCapture,
  WriteManifestResult,
} from '../contracts/backup-activities.js';
import type { CaptureSliceResult, Detect, PlanPointsResult } from '../contracts/point-backup-activities.js';
import type { WrittenSince } from '../format/written-since.js';
import type { Slice } from './slice.js';
import type { Pin, ReadPlan } from '../collections.js';
import type { ShardCount } from '../contracts/results.js';
import type { BaseRef, RecallRef } from '../format/manifest.js';
import type { IdsRef } from '../format/fields.js';
import { EMPTY_DIGEST, addDigests, sameDigest, type RangeDigest } from '../format/digest.js';

export interface CaptureProgress {
  pin: Pin;
  mode: CaptureMode;
  read: ReadPlan;
  points: number;
  countedAt: string;
  shards: ShardToCapture[];
  layout: string;
  /** Through which addresses the captured replicas are read; absent where they cannot be. */
  lanes?: number[];
  partial?: { reason: string };
  /** Shards whose snapshot is in the store. */
  captured: CapturedShard[];
  bytes: number;
  leftOnNode: string[];
  /** Digests of the source, as far as they got. */
  before: SourceDigest;
  after: SourceDigest;
  /** Once the searches were asked; without a reference where there was nothing to write down. */
  baseline?: { recall?: RecallRef };
  /** Before the first digest, and after the last. */
  start?: CaptureMoment;
  end?: CaptureMoment;
  ids?: IdsRef;
  /** Of a backup by points, which has no shards. */
  byPoints?: PointsCapture;
  /** Of a snapshot that increments can continue: the digests of its points, before its capture and after. */
  index?: { before: PointsCapture; after: PointsCapture };
  manifest?: WriteManifestResult;
  /** The collection was deleted and created again during the capture before this one. */
  isSecond?: boolean;
  check: { cursor: number; done: boolean };
}

/** Of a backup by points. */
export interface PointsCapture {
  base?: BaseRef;
  detect: Detect;
  since?: WrittenSince;
  slices: Slice[];
  /** Slices that are in the store, by their place in the list, and the names of their documents. */
  captured: { position: number; name: string }[];
  digest: RangeDigest;
  changed: number;
  deleted: number;
  /** Of points, from the source. */
  readBytes: number;
  storedBytes: number;
  /** Changed points whose field did not say so. */
  unstamped?: UnstampedPoints;
  /** What is wrong with the backup that was to be continued, found while a slice was captured. */
  damagedBase?: string;
}

type UnstampedPoints = NonNullable<CaptureSliceResult['unstamped']>;

export function newPointsCapture({ notes: _, ...plan }: PlanPointsResult): PointsCapture {
  return {
    ...plan,
    ...{ captured: [], digest: EMPTY_DIGEST, changed: 0, deleted: 0, readBytes: 0, storedBytes: 0 },
  };
}

export function countSlice(capture: PointsCapture, position: number, result: CaptureSliceResult): void {
  capture.captured.push({ position, name: result.name });
  capture.digest = addDigests(capture.digest, result.digest);
  capture.changed += result.changed;
  capture.deleted += result.deleted;
  capture.readBytes += result.bytes;
  capture.storedBytes += result.storedBytes;
  const { unstamped } = result;
  if (unstamped === undefined) return;
  const { count, ids } = capture.unstamped ?? { count: 0, ids: [] };
  capture.unstamped = {
    count: count + unstamped.count,
    ids: [...ids, ...unstamped.ids].slice(0, MOST_NAMED),
  };
}

export interface SourceDigest {
  sum: RangeDigest;
  /** Of the addresses that it was read through and that are done. */
  sums: RangeDigest[];
  done: boolean;
}

/** How the source stood, as far as that tells whether it was written. */
export interface CaptureMoment {
  /** False while it is being optimized: then deletions are not in the archive of a shard, nor in `operations`. */
  isIdle: boolean;
  layout: string;
  operations?: string;
}

const MOST_NAMED = 10;

export function newCapture(plan: Omit<PlanCaptureResult, 'next' | 'notes'>): CaptureProgress {
  return {
    ...plan,
    captured: [],
    bytes: 0,
    leftOnNode: [],
    before: newDigest(),
    after: newDigest(),
    check: { cursor: 0, done: false },
  };
}

export function countCaptured(
  progress: CaptureProgress,
  shard: number,
  result: Pick<CaptureShardResult, 'name' | 'bytes' | 'leftOnNode' | 'peer'>,
): void {
  const { name, peer } = result;
  progress.captured.push({ id: shard, name });
  // Another replica than the planned one was stored, so what is read through the planned peer proves nothing.
  const planned = progress.shards.find((one) => one.id === shard)?.peer;
  if (planned !== undefined && planned !== peer) delete progress.lanes;
  progress.bytes += result.bytes;
  const left = [...new Set([...progress.leftOnNode, ...result.leftOnNode])];
  progress.leftOnNode = left.slice(0, MOST_NAMED);
}

export function addToDigest(digest: SourceDigest, ...more: RangeDigest[]): void {
  digest.sum = addDigests(digest.sum, ...more);
}

function newDigest(): SourceDigest {
  return { sum: EMPTY_DIGEST, sums: [], done: false };
}

/** In order of the slices; undefined where a part of it is missing. */
export function indexNames({
  index,
  before,
  after,
}: CaptureProgress): Record<IndexPart, string[]> | undefined {
  if (index === undefined || !before.done || !after.done) return undefined;
  return { before: documentsOf(index.before), after: documentsOf(index.after) };
}

export type IndexPart = 'before' | 'after';

/** Of all slices, in their order. */
export function documentsOf({ captured }: PointsCapture): string[] {
  return [...captured].sort((a, b) => a.position - b.position).map(({ name }) => name);
}

/** Takes the sum of one address, and begins the next. */
export function closeDigest(digest: SourceDigest): void {
  digest.sums.push(digest.sum);
  digest.sum = EMPTY_DIGEST;
}

/** Read through every captured replica, and the same each time. */
export function agreedDigest({ done, sums }: SourceDigest): RangeDigest | undefined {
  const [first] = sums;
  return done && first !== undefined && sums.every((one) => sameDigest(one, first)) ? first : undefined;
}

/** Nobody wrote from the first digest to the last, so the snapshots hold just what was digested. */
export function isQuiesced(capture: CaptureProgress): boolean {
  return quiescedDigest(capture) !== undefined;
}

export function quiescedDigest(capture: CaptureProgress): RangeDigest | undefined {
  return whyNotQuiesced(capture) === undefined ? agreedDigest(capture.before) : undefined;
}

/** The first piece of evidence that is missing or speaks against it. */
export function whyNotQuiesced(capture: CaptureProgress): string | undefined {
  const { lanes, layout, start, end, ids, pin } = capture;
  const [before, after] = [agreedDigest(capture.before), agreedDigest(capture.after)];
  if (!capture.before.done || !capture.after.done) return 'the source was not digested before and after';
  if (lanes === undefined) return 'the replicas that were captured could not be read themselves';
  if (before === undefined || after === undefined || !sameDigest(before, after))
    return 'the source was not the same before and after';
  if (end?.layout !== layout) return 'its shards or their replicas changed meanwhile';
  if (start?.isIdle !== true || !end.isIdle)
    return 'the source was being optimized, or its optimizers are switched off with work left';
  if (start.operations === undefined || end.operations === undefined)
    return `Qdrant ${pin.version} did not say whether it was written meanwhile`;
  if (start.operations !== end.operations) return 'it was written meanwhile';
  if (ids?.count !== after.count) return 'its id set has another count than its digest';
  return undefined;
}

/** What the objects in the store are known to be, beside whole. */
export function captureOutcome(capture: CaptureProgress): 'verified' | 'unproven' {
  const { partial, manifest, check, ids, byPoints } = capture;
  const isStored = manifest !== undefined && check.done && (ids ?? byPoints) !== undefined;
  return isStored && partial === undefined ? 'verified' : 'unproven';
}

export function shardsCaptured({ captured, shards, bytes, byPoints }: CaptureProgress): ShardCount {
  if (byPoints !== undefined) {
    const { captured: done, slices, storedBytes } = byPoints;
    return { done: done.length, of: slices.length, bytes: storedBytes, unit: 'slices' };
  }
  return { done: captured.length, of: shards.length, bytes };
}

export function isCaptured({ captured }: CaptureProgress, shard: number): boolean {
  return captured.some(({ id }) => id === shard);
}
