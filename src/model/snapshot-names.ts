// How Qdrant names its snapshots, and by which ids work on them is known. Names alone never decide what is deleted.

import { startText, type Start } from './names.js';

/**
 * Whether Qdrant names a snapshot of this collection, or of this shard, so. Where it keeps snapshots in S3 its lists mix
 * collections, shards and nodes.
 */
export function isNamedAs(
  { collection, shard }: { collection?: string; shard?: number },
  path: string,
): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (collection === undefined) return name.startsWith('full-snapshot-');
  if (shard !== undefined) return name.startsWith(`${collection}-shard-${shard}-`);
  if (!name.startsWith(`${collection}-`)) return false;
  return /^\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d\.snapshot$/.test(name.slice(collection.length + 1));
}

/** "shard 2 of docs", "docs", "the whole node" */
export function scopeText({ collection, shard }: { collection?: string; shard?: number }): string {
  if (collection === undefined) return 'the whole node';
  return shard === undefined ? collection : `shard ${shard} of ${collection}`;
}

/** Work that the command started. Safe in a URL and in a shell. */
export function snapshotWorkId(operation: string, cluster: string, start: Start): string {
  return `snapshots-${operation}/${cluster}/${startText(start)}`;
}

/** The lock on full storage snapshots of a cluster's nodes. No collection has an empty name. */
export function nodeCaptureLockId(cluster: string): string {
  return `ferry/${cluster}//backup`;
}

/** Where the command lays a local file, for the workers to recover it; it goes when that is done. */
export function recoverKey(sha256: string, name: string): string {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, '_').slice(-200);
  return `snapshots-to-recover/${sha256.slice(0, 16)}-${plain}`;
}
