// What the workflow of one collection's backup remembers, beside what every collection's workflow does. Pure, and small
// enough for a continue-as-new: a shard is its number, its key and its peer.

import type {
  CaptureMode,
  CapturedShard,
  CaptureShardResult,
  ShardToCapture,
  WriteManifestResult,
} from './backup-activities.js';
import type { Pin, ReadPlan } from './collections.js';
import type { RecallRef } from './manifest.js';
import { whole } from './steering.js';
import { EMPTY_DIGEST, addDigests, sameDigest, type RangeDigest } from './digest.js';

export interface CaptureProgress {
  pin: Pin;
  mode: CaptureMode;
  read: ReadPlan;
  points: number;
  shards: ShardToCapture[];
  /** Shards whose snapshot is in the store. */
  captured: CapturedShard[];
  bytes: number;
  leftOnNode: string[];
  /** Digests of the source, as far as they got. */
  before: SourceDigest;
  after: SourceDigest;
  /** Once the searches were asked; without a reference where there was nothing to write down. */
  baseline?: { recall?: RecallRef };
  manifest?: WriteManifestResult;
  check: { cursor: number; done: boolean };
}

export interface SourceDigest {
  sum: RangeDigest;
  done: boolean;
}

const MOST_NAMED = 10;

export function newCapture(
  plan: Pick<CaptureProgress, 'pin' | 'mode' | 'read' | 'points' | 'shards'>,
): CaptureProgress {
  return {
    ...plan,
    captured: [],
    bytes: 0,
    leftOnNode: [],
    before: { sum: EMPTY_DIGEST, done: false },
    after: { sum: EMPTY_DIGEST, done: false },
    check: { cursor: 0, done: false },
  };
}

export function countCaptured(
  progress: CaptureProgress,
  shard: number,
  result: Pick<CaptureShardResult, 'name' | 'bytes' | 'leftOnNode'>,
): void {
  progress.captured.push({ id: shard, name: result.name });
  progress.bytes += result.bytes;
  const left = [...new Set([...progress.leftOnNode, ...result.leftOnNode])];
  progress.leftOnNode = left.slice(0, MOST_NAMED);
}

export function addToDigest(digest: SourceDigest, ...more: RangeDigest[]): void {
  digest.sum = addDigests(digest.sum, ...more);
}

/** The source was the same before and after, so the snapshots hold just that. */
export function isQuiesced({ before, after }: CaptureProgress): boolean {
  return before.done && after.done && sameDigest(before.sum, after.sum);
}

export function shardsOf({ captured, shards, bytes }: CaptureProgress) {
  return { captured: captured.length, of: shards.length, bytes };
}

export function isCaptured({ captured }: CaptureProgress, shard: number): boolean {
  return captured.some(({ id }) => id === shard);
}

/** "2 of 4 shards (1,234 MB)" */
export function describeCaptured(capture: CaptureProgress): string {
  const { captured, of, bytes } = shardsOf(capture);
  return `${captured} of ${of} shards (${whole(bytes / 1e6)} MB)`;
}
