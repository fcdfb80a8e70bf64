// Whether a manifest lists all of its collection: every shard with gapless parts, or every slice, and objects in the
// collection's own folder only. `ManifestInvalid` where it does not.

import { FerryError } from '../model/errors.js';
import { collectionFolder } from '../model/format/backup-names.js';
import { partsOf, type CollectionManifest } from '../model/format/manifest.js';
import { type ManifestSlice } from '../model/format/slices.js';
import { shardKeyText } from '../model/state/slice.js';
import { keyName } from '../cluster/look.js';
import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';

type OfCollection = Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>;

export function requireWhole(manifest: CollectionManifest, of: OfCollection, key: string): void {
  if (manifest.capture.method === 'points') requireSlices(manifest, key);
  else if (manifest.shards.length === 0) throw invalid('The manifest lists no shard', key);
  const { digestIndex = [], shardKeys } = manifest;
  if (digestIndex.length > 0) {
    for (const part of ['before', 'after'] as const)
      requireTouching(
        digestIndex.map((one) => one[part]),
        shardKeys,
        key,
      );
  }
  const folder = collectionFolder(of.cluster, of.backup, of.collection);
  const outside = partsOf(manifest).find((part) => !part.key.startsWith(folder));
  if (outside) throw invalid(`The manifest names an object outside its own folder: ${outside.key}`, key);
  for (const { id, bytes, parts } of manifest.shards) {
    const sum = parts.reduce((all, part) => all + part.bytes, 0);
    if (bytes !== sum) throw invalid(`The parts of shard ${id} do not add up to its size`, key);
  }
  const missing = missingShard(manifest);
  if (missing !== undefined) throw invalid(`The manifest does not list every shard: ${missing}`, key);
}

function requireSlices(
  { slices = [], shards, shardKeys, kind, base }: CollectionManifest,
  key: string,
): void {
  if ((kind === 'increment') !== (base !== undefined))
    throw invalid('An increment has a base, and only it', key);
  if (shards.length > 0) throw invalid('The manifest lists shards beside slices', key);
  requireTouching(slices, shardKeys, key);
}

/** Of each shard key from the first possible id to the last, without a gap. */
function requireTouching(
  slices: readonly ManifestSlice[],
  shardKeys: CollectionManifest['shardKeys'],
  key: string,
): void {
  const ends = new Map<string, string | undefined>();
  for (const { shardKey, from, to } of slices) {
    const name = shardKey === undefined ? '' : keyName(shardKey);
    const isNext = ends.has(name) ? from !== undefined && ends.get(name) === from : from === undefined;
    if (!isNext) throw invalid(`The slices do not touch at ${from ?? 'the first id'} ${name}`.trim(), key);
    ends.set(name, to);
  }
  const keys = shardKeys.map(({ shardKey }) => keyName(shardKey));
  const missing = (keys.length > 0 ? keys : ['']).find(
    (name) => !ends.has(name) || ends.get(name) !== undefined,
  );
  if (missing !== undefined) throw invalid(`The manifest does not list every slice ${missing}`.trim(), key);
}

/** By key and ordinal: each from 0, none twice, none missing, and of each key as many as it has. */
function missingShard({ shards, shardKeys, sharding, slices }: CollectionManifest): string | undefined {
  if (slices !== undefined) return undefined;
  const groups = new Map<string, number[]>();
  for (const { shardKey, ordinal } of shards) {
    const name = shardKey === undefined ? '' : keyName(shardKey);
    groups.set(name, [...(groups.get(name) ?? []), ordinal]);
  }
  for (const [name, ordinals] of groups) {
    const sorted = [...ordinals].sort((a, b) => a - b);
    if (sorted.some((ordinal, at) => ordinal !== at)) return `ordinals ${sorted.join(', ')} ${name}`.trim();
  }
  if (sharding === 'auto') return undefined;
  const short = shardKeys.find((one) => groups.get(keyName(one.shardKey))?.length !== one.shards);
  return short && `key "${shardKeyText(short.shardKey)}"`;
}

export function invalid(happened: string, key: string): FerryError {
  return new FerryError('ManifestInvalid', happened, { context: { key } });
}
