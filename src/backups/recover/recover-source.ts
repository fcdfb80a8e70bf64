// What a recovery goes by and takes its bytes from: a backup's manifest and the objects it lists, or the snapshot files of
// others, described the same way. The rooms of a recovery see one form; where a byte lies is known here.

import { FerryError } from '../../model/errors.js';
import type { CollectionBackupRef } from '../../model/contracts/backup-activities.js';
import type { CollectionManifest, ManifestShard } from '../../model/format/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { externalCollection, notOfCollection, type IndexedFile } from '../../external/external-collection.js';
import type { ExternalDeps, Where } from '../../external/external-files.js';
import { pointsInShard, walkSegments } from '../../external/external-points.js';
import { shardTar } from '../../external/external-shard.js';
import { readPlanned } from './recover-manifest.js';
import { shardBytes, type Passing } from '../../shards/recover-objects.js';
import type { Stores } from '../../shards/recover-ports.js';
import { sha256OfText } from '../../shards/read-text.js';
import { parseSnapshotName } from '../../model/external-names.js';
import type { ExternalFiles } from '../../model/external-source.js';

/** A backup of ferry's. */
export interface BackupSource {
  manifest: CollectionManifest;
  store: ObjectStore;
  bytesOf(shard: ManifestShard, passing: Passing): AsyncIterable<Uint8Array>;
}

export interface ExternalSnapshots {
  manifest: CollectionManifest;
  sha256: string;
  files: IndexedFile['file'][];
  bytesOf(shard: ManifestShard, passing: Passing): AsyncIterable<Uint8Array>;
  /** Throws `SnapshotUnreadable` where a segment cannot be unpacked. */
  walkSegments(signal: AbortSignal): Promise<void>;
  /** Points that the shard's segments list; undefined where that cannot be told. */
  pointsIn(shard: ManifestShard, signal: AbortSignal): Promise<number | undefined>;
}

export async function openExternal(
  { external: room }: Stores,
  from: CollectionBackupRef,
  signal: AbortSignal,
): Promise<ExternalSnapshots> {
  const { external } = from;
  if (!room || !external) throw new FerryError('Internal', 'This worker cannot read external snapshots');
  const where: Where = { isUrl: external.isUrl ?? false, store: from.store };
  const files: IndexedFile[] = [];
  for (const planned of external.files) files.push(await indexedFile(room, where, planned, signal));
  const { manifest, sources } = externalCollection(files, frameOf(from, external));
  const at = (shard: ManifestShard) => {
    const source = sources[manifest.shards.indexOf(shard)];
    if (!source) throw new FerryError('Internal', `There is no source of shard ${shard.id}`);
    return source;
  };
  const etags = external.files.map(({ etag }) => etag);
  return {
    manifest,
    sha256: sha256OfText(JSON.stringify([manifest, etags])),
    files: files.map(({ file }) => file),
    bytesOf: (shard, passing) => shardTar(at(shard).file, at(shard).entries, passing),
    walkSegments: async (stop) => {
      for (const { file, entries } of sources) await walkSegments(file, entries, stop);
    },
    pointsIn: (shard, stop) => pointsInShard(at(shard).file, at(shard).entries, stop),
  };
}

export async function indexedFile(
  room: ExternalDeps,
  where: Where,
  planned: ExternalFiles['files'][number],
  signal: AbortSignal,
): Promise<IndexedFile> {
  const file = await room.open(where, planned, signal);
  const index = await room.index(where, planned, file, signal);
  if (index.kind !== 'collection') throw notOfCollection(file, index.kind);
  const path = room.pathOf(where, planned.inner ?? planned.path);
  const peer = parseSnapshotName(path.slice(path.lastIndexOf('/') + 1))?.peer;
  return { file, index, ...(peer === undefined ? {} : { peer }) };
}

export function frameOf({ collection, backup }: CollectionBackupRef, external: ExternalFiles) {
  const { aliases = [], qdrantVersion = '', notes = [] } = external;
  return { collection, backup, aliases, qdrantVersion, notes };
}

/** As it was planned by, whichever kind it is, or `ManifestInvalid`. */
export async function openPlanned(
  stores: Stores,
  from: CollectionBackupRef,
  sha256: string,
  signal: AbortSignal,
): Promise<BackupSource | ExternalSnapshots> {
  if (!from.external) {
    const store = stores.open(from.store);
    const manifest = await readPlanned(store, from, sha256, signal);
    return { manifest, store, bytesOf: (shard, passing) => shardBytes(store, shard, passing) };
  }
  const source = await openExternal(stores, from, signal);
  if (source.sha256 === sha256) return source;
  const happened = 'The snapshot files say something else than when this recovery was planned';
  throw new FerryError('ManifestInvalid', happened, { context: { collection: from.collection } });
}
