// What every REST request about points has in common.

import type { ShardKey } from '../model/state/slice.js';

export function pointsPath(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}/points`;
}

/** The last field of a body, with the comma before it; nothing without a shard key. */
export function shardKeyField(key: ShardKey | undefined): string {
  if (key === undefined) return '';
  return `,"shard_key":${'keyword' in key ? JSON.stringify(key.keyword) : key.number}`;
}
