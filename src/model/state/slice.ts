// A slice is the unit of copying, hashing and resuming: a shard key and a half-open range of point ids.
// The borders are drawn once, are in the workflow's history, and so are the same after every resume.

import type { PointId } from '../point-id.js';

/** A custom shard key. Numbers as decimal text: they are unsigned 64-bit. */
export type ShardKey = { keyword: string } | { number: string };

export interface Slice {
  /** Only with custom sharding; ids are unique only within a key. */
  shardKey?: ShardKey;
  /** First id that belongs to the slice; absent: from the very first. */
  from?: PointId;
  /** First id that no longer belongs to it; absent: to the very last. */
  to?: PointId;
}

/** A slice without what else is known of it. */
export function sliceOf({ shardKey, from, to }: { [K in keyof Slice]: Slice[K] | undefined }): Slice {
  return {
    ...(shardKey === undefined ? {} : { shardKey }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
}

export function shardKeyText(key: ShardKey | undefined): string {
  if (key === undefined) return '';
  return 'keyword' in key ? key.keyword : key.number;
}
