// The objects a manifest lists: whether they are there, how long they are, and their bytes, hashed as they pass. Promises
// that a body ends as if whole only when every part hashed to what the manifest says.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { CollectionManifest, ManifestPart, ManifestShard } from '../model/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';

const HEADS_AT_ONCE = 8;

/** Existence and size. The first that is wrong is thrown. */
export async function checkSizes(store: ObjectStore, { shards }: CollectionManifest): Promise<void> {
  const wanted = [...sizesOf(shards)];
  for (let at = 0; at < wanted.length; at += HEADS_AT_ONCE) {
    await Promise.all(
      wanted.slice(at, at + HEADS_AT_ONCE).map(([key, bytes]) => checkSize(store, key, bytes)),
    );
  }
}

async function checkSize(store: ObjectStore, key: string, bytes: number): Promise<void> {
  const found = await store.head(key);
  const context = { store: store.alias, key };
  if (!found) throw new FerryError('ObjectMissing', 'An object of the backup is gone', { context });
  if (found.bytes === bytes) return;
  const happened = `An object of the backup has ${found.bytes} bytes instead of ${bytes}`;
  throw new FerryError('ObjectDamaged', happened, { context });
}

/** How long each object must be: to the end of its last part. */
function sizesOf(shards: readonly ManifestShard[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { key, offset, bytes } of shards.flatMap((shard) => shard.parts)) {
    sizes.set(key, Math.max(sizes.get(key) ?? 0, offset + bytes));
  }
  return sizes;
}

export interface Passing {
  signal: AbortSignal;
  onBytes?(bytes: number): void | Promise<void>;
}

/** Throws `ObjectDamaged` before it ends, when a part is not what it was. */
export async function* shardBytes(
  store: ObjectStore,
  shard: ManifestShard,
  passing: Passing,
): AsyncIterable<Uint8Array> {
  for (const part of shard.parts) yield* partBytes(store, part, shard.name, passing);
}

async function* partBytes(
  store: ObjectStore,
  { key, offset, bytes, sha256 }: ManifestPart,
  name: string,
  { signal, onBytes }: Passing,
): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  const range = { from: offset, to: offset + bytes };
  if (bytes > 0) {
    for await (const chunk of store.read(key, { range, signal })) {
      hash.update(chunk);
      await onBytes?.(chunk.length);
      yield chunk;
    }
  }
  if (hash.digest('hex') === sha256) return;
  const happened = `${name} is damaged between bytes ${offset} and ${offset + bytes}: it has another SHA-256`;
  throw new FerryError('ObjectDamaged', happened, { context: { store: store.alias, key } });
}

export async function hashShard(store: ObjectStore, shard: ManifestShard, passing: Passing): Promise<void> {
  const bytes = shardBytes(store, shard, passing)[Symbol.asyncIterator]();
  while (!(await bytes.next()).done);
}

/** The one object that is this snapshot from its first byte to its last; a node can pull nothing else. */
export function soleObject({ parts }: ManifestShard): string | undefined {
  const key = parts[0]?.key;
  let next = 0;
  for (const part of parts) {
    if (part.key !== key || part.offset !== next) return undefined;
    next += part.bytes;
  }
  return key;
}

/** Known only where it is one part: the hash of the whole cannot be made of the hashes of parts. */
export function wholeHash({ parts }: ManifestShard): string | undefined {
  return parts.length === 1 ? parts[0]?.sha256 : undefined;
}
