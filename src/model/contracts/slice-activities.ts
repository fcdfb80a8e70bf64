// The activities that work on slices: long, heartbeating, resumable, queue ferry-data. Wire names: not renamed casually.

import type { CollectionRef, Pin, ReadPlan } from '../collections.js';
import type { RangeDigest } from '../format/digest.js';
import type { PointId } from '../point-id.js';
import type { Slice } from '../state/slice.js';
import type { Pace } from '../state/steering.js';

/** What one activity did with a slice, and where the next one goes on. */
export interface SliceClaim {
  /** Next id that is not done; meaningless when `done`. */
  cursor?: PointId;
  done: boolean;
  points: number;
  /** Encoded bytes of the points read. */
  bytes: number;
}

interface SliceWork extends Pace {
  /** "copy slice 3 of 8 of docs": for the heartbeat, which is what the UI shows. */
  what: string;
  slice: Slice;
  cursor?: PointId;
  /** Return with what is done after this time, in milliseconds. */
  budgetMs: number;
  batchBytes: number;
  /** Choice among a cluster's nodes, modulo their number. */
  lane: number;
  /** Give up as `SliceStalled` when the cursor has not moved in so many attempts. */
  stallAfterAttempts: number;
}

export interface CopySliceInput extends SliceWork {
  source: CollectionRef;
  target: CollectionRef;
  sourcePin: Pin;
  targetPin: Pin;
  sourceRead: ReadPlan;
  maxWritePoints?: number;
}
export interface CopySliceResult extends SliceClaim {
  /** Of the source's points from the given cursor to the returned one. */
  digest: RangeDigest;
}

export interface DigestSliceInput extends SliceWork {
  side: CollectionRef;
  pin: Pin;
  read: ReadPlan;
}
export type DigestSliceResult = CopySliceResult;

/** Walks both sides of a slice in step and finds every point that differs. */
export interface CompareSliceInput extends SliceWork {
  source: CollectionRef;
  target: CollectionRef;
  sourcePin: Pin;
  targetPin: Pin;
  sourceRead: ReadPlan;
  targetRead: ReadPlan;
  maxWritePoints?: number;
  /** `report` writes nothing. `removeExtras` only deletes. `repair` also upserts what is missing or changed. */
  mode: 'report' | 'removeExtras' | 'repair';
  /** `delete` only where `mayDelete` holds; `ignore` for merge. */
  extras: 'report' | 'delete' | 'ignore';
  /** Where the full list of differences goes; the worker adds its own folder. */
  report: { job: string; collection: string; pass: number; slice: number };
  /** Before a difference counts, both sides are read again after this pause: the source may be being written. */
  recheckAfterMs: number;
}
export interface Difference {
  id: PointId;
  shardKey?: string;
  kind: 'missing' | 'changed' | 'extra';
  /** Paths, never values: "payload.price", "vector image". At most 5. */
  fields?: string[];
}
export interface CompareCounts {
  missing: number;
  changed: number;
  extra: number;
  /** float16 cosine vectors that the target normalised again: other bits, the same direction; not damage. */
  renormalised: number;
  /** Points written and deleted on the target in `repair`. */
  upserted: number;
  deleted: number;
  /** The first ten. */
  first: Difference[];
}
export interface CompareSliceResult extends SliceClaim, CompareCounts {
  /** Where the full list is, when there is any difference: "file:///…" */
  reportKey?: string;
  /** Of what was read of the source. */
  digest: RangeDigest;
}

export interface DataActivities {
  copySlice(input: CopySliceInput): Promise<CopySliceResult>;
  digestSlice(input: DigestSliceInput): Promise<DigestSliceResult>;
  compareSlice(input: CompareSliceInput): Promise<CompareSliceResult>;
}

/** What a data activity heartbeats: resumable, and readable in the UI's list of pending activities. */
export interface SliceHeartbeat {
  v: 1;
  what: string;
  /** Claims and counts so far, the cursor and the digest as one pair; resumed as they are. */
  state: SliceClaim & { digest: RangeDigest } & Partial<CompareCounts>;
  /** Points of the source a second, since this attempt began. */
  rate: number;
  /** Attempt at which the cursor last moved. */
  movedAtAttempt: number;
}
