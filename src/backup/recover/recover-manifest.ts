// Reads the manifest that a recovery goes by. Promises that it is the very one the backup lists, that it speaks of this
// collection, and that its shards are all there with gapless parts below the backup's own folder. Does not look at the
// objects.

import { FerryError } from '../../model/errors.js';
import type { CollectionBackupRef } from '../../model/backup-activities.js';
import { backupKey, collectionFolder, manifestKey } from '../../model/backup-names.js';
import {
  backupDocumentSchema,
  collectionManifestSchema,
  parseDocument,
  partsOf,
  type CollectionManifest,
  type ManifestShard,
} from '../../model/manifest.js';
import { shardKeyText } from '../../model/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIfThere, sha256OfText } from '../read-text.js';

export interface FoundManifest {
  manifest: CollectionManifest;
  sha256: string;
  key: string;
}

export async function readManifest(
  store: ObjectStore,
  from: CollectionBackupRef,
  signal?: AbortSignal,
): Promise<FoundManifest> {
  const key = manifestKey(from.cluster, from.backup, from.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) {
    const happened = `The backup ${from.backup} has no manifest of "${from.collection}": it never became complete`;
    throw new FerryError('ManifestInvalid', happened, { context: { store: from.store, key } });
  }
  const manifest = parseDocument(collectionManifestSchema, text, key);
  refuseForeign(manifest, from, key);
  refuseHoles(manifest, from, key);
  return { manifest, sha256: sha256OfText(text), key };
}

/** The same as was planned by, or `ManifestInvalid`. */
export async function readPlanned(
  store: ObjectStore,
  from: CollectionBackupRef,
  sha256: string,
  signal?: AbortSignal,
): Promise<CollectionManifest> {
  const found = await readManifest(store, from, signal);
  if (found.sha256 === sha256) return found.manifest;
  throw invalid('The manifest was changed since this recovery was planned', found.key);
}

/** Where the backup has ended, it says what the manifest must hash to. */
export async function refuseUnlisted(
  store: ObjectStore,
  from: CollectionBackupRef,
  found: FoundManifest,
  signal?: AbortSignal,
): Promise<void> {
  const key = backupKey(from.cluster, from.backup);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return;
  const { collections } = parseDocument(backupDocumentSchema, text, key);
  const listed = collections.find((one) => one.collection === from.collection);
  if (listed?.outcome === 'failed')
    throw invalid(`The backup calls the collection failed: ${listed.error ?? ''}`, key);
  if (listed?.manifestSha256 === undefined || listed.manifestSha256 === found.sha256) return;
  throw invalid('The manifest is not the one that backup.json lists', found.key);
}

function refuseForeign(manifest: CollectionManifest, from: CollectionBackupRef, key: string): void {
  const isOwn =
    manifest.backup === from.backup &&
    manifest.cluster === from.cluster &&
    manifest.collection === from.collection;
  if (!isOwn) throw invalid('The manifest speaks of another collection or another backup', key);
}

function refuseHoles(manifest: CollectionManifest, from: CollectionBackupRef, key: string): void {
  if (manifest.shards.length === 0) throw invalid('The manifest lists no shard', key);
  const folder = collectionFolder(from.cluster, from.backup, from.collection);
  const strange = partsOf(manifest).find((part) => !part.key.startsWith(folder));
  if (strange) throw invalid(`The manifest names an object outside its own folder: ${strange.key}`, key);
  for (const shard of manifest.shards) {
    const bytes = shard.parts.reduce((sum, part) => sum + part.bytes, 0);
    if (bytes !== shard.bytes) throw invalid(`The parts of ${shard.name} do not add up to its size`, key);
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
