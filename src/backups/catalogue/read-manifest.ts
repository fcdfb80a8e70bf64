// The manifest of a collection's backup. Promises that it speaks of this collection of this backup, that its shards are
// all there with gapless parts, and that every object it names lies in the collection's own folder. Does not look at the
// objects, and does not say that the backup is complete: read-state.ts does.

import type { CollectionBackupRef } from '../../model/contracts/backup-activities.js';
import { collectionFolder, manifestKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  collectionManifestSchema,
  parseDocument,
  partsOf,
  type CollectionManifest,
  type ManifestShard,
} from '../../model/format/manifest.js';
import { shardKeyText } from '../../model/state/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIfThere, sha256OfText } from '../../shards/read-text.js';

export interface FoundManifest {
  manifest: CollectionManifest;
  /** Of its bytes as stored. */
  sha256: string;
  key: string;
}

export type OfCollection = Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>;

/** Undefined where there is none; `ManifestInvalid` or `ManifestTooNew` where it cannot be believed. */
export async function findManifest(
  store: ObjectStore,
  of: OfCollection,
  signal?: AbortSignal,
): Promise<FoundManifest | undefined> {
  const key = manifestKey(of.cluster, of.backup, of.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return undefined;
  const manifest = parseDocument(collectionManifestSchema, text, key);
  refuseExternal(manifest, of, key);
  refuseHoles(manifest, of, key);
  return { manifest, sha256: sha256OfText(text), key };
}

/** A manifest that was carried into another folder would lead to the objects of another backup. */
function refuseExternal(manifest: CollectionManifest, of: OfCollection, key: string): void {
  const { cluster, backup, collection } = manifest;
  if (cluster === of.cluster && backup === of.backup && collection === of.collection) return;
  throw invalid(`The manifest is of another backup: ${cluster}/${backup}/${collection}`, key);
}

function refuseHoles(manifest: CollectionManifest, of: OfCollection, key: string): void {
  if (manifest.shards.length === 0) throw invalid('The manifest lists no shard', key);
  const folder = collectionFolder(of.cluster, of.backup, of.collection);
  const strange = partsOf(manifest).find((part) => !part.key.startsWith(folder));
  if (strange) throw invalid(`The manifest names an object outside its own folder: ${strange.key}`, key);
  for (const { id, bytes, parts } of manifest.shards) {
    const sum = parts.reduce((all, part) => all + part.bytes, 0);
    if (bytes !== sum) throw invalid(`The parts of shard ${id} do not add up to its size`, key);
  }
  const lost = lostShard(manifest);
  if (lost !== undefined) throw invalid(`The manifest does not list every shard: ${lost}`, key);
}

/** By key and ordinal: each from 0, none twice, none missing, and of each key as many as it has. */
function lostShard({ shards, shardKeys, sharding }: CollectionManifest): string | undefined {
  const groups = new Map<string, number[]>();
  for (const shard of shards) {
    const name = keyText(shard.shardKey);
    groups.set(name, [...(groups.get(name) ?? []), shard.ordinal]);
  }
  for (const [name, ordinals] of groups) {
    const sorted = [...ordinals].sort((a, b) => a - b);
    if (sorted.some((ordinal, at) => ordinal !== at)) return `ordinals ${sorted.join(', ')} ${name}`.trim();
  }
  if (sharding === 'auto') return undefined;
  const short = shardKeys.find((one) => groups.get(keyText(one.shardKey))?.length !== one.shards);
  return short && `key "${shardKeyText(short.shardKey)}"`;
}

export function keyText(key: ManifestShard['shardKey']): string {
  return key === undefined ? '' : JSON.stringify(key);
}

function invalid(happened: string, key: string): FerryError {
  return new FerryError('ManifestInvalid', happened, { context: { key } });
}
