// What a recovery goes by and takes its bytes from: a backup's manifest and the objects it lists, or the snapshot files of
// others, described the same way. The rooms of a recovery see one form; where a byte lies is known here.

import { FerryError } from '../../model/errors.js';
import type { CollectionBackupRef } from '../../model/backup-activities.js';
import type { CollectionManifest, ManifestShard } from '../../model/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { foreignCollection, notOfCollection, type IndexedFile } from '../foreign/foreign-collection.js';
import type { ForeignRoom, Where } from '../foreign/foreign-files.js';
import { pointsInShard, walkSegments } from '../foreign/foreign-points.js';
import { shardTar } from '../foreign/foreign-shard.js';
import { readPlanned } from './recover-manifest.js';
import { shardBytes, type Passing } from './recover-objects.js';
import type { Stores } from './recover-ports.js';
import { sha256OfText } from '../read-text.js';
import { parseSnapshotName } from '../../model/foreign-names.js';
import type { ForeignFiles } from '../../model/foreign-source.js';

/** A backup of ferry's. */
export interface BackupSource {
  manifest: CollectionManifest;
  store: ObjectStore;
  bytesOf(shard: ManifestShard, passing: Passing): AsyncIterable<Uint8Array>;
}

export interface ForeignSnapshots {
  manifest: CollectionManifest;
  sha256: string;
  files: IndexedFile['file'][];
  bytesOf(shard: ManifestShard, passing: Passing): AsyncIterable<Uint8Array>;
  /** Throws `SnapshotUnreadable` where a segment cannot be unpacked. */
  walkSegments(signal: AbortSignal): Promise<void>;
  /** Points that the shard's segments list; undefined where that cannot be told. */
  pointsIn(shard: ManifestShard, signal: AbortSignal): Promise<number | undefined>;
}

export async function openForeign(
  { foreign: room }: Stores,
  from: CollectionBackupRef,
  signal: AbortSignal,
): Promise<ForeignSnapshots> {
  const { foreign } = from;
  if (!room || !foreign) throw new FerryError('Internal', 'This worker cannot read foreign snapshots');
  const where: Where = { isUrl: foreign.isUrl ?? false, store: from.store };
  const files: IndexedFile[] = [];
  for (const planned of foreign.files) files.push(await indexedFile(room, where, planned, signal));
  const { manifest, sources } = foreignCollection(files, frameOf(from, foreign));
  const at = (shard: ManifestShard) => {
    const source = sources[manifest.shards.indexOf(shard)];
    if (!source) throw new FerryError('Internal', `There is no source of shard ${shard.id}`);
    return source;
  };
  const etags = foreign.files.map(({ etag }) => etag);
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
  room: ForeignRoom,
  where: Where,
  planned: ForeignFiles['files'][number],
  signal: AbortSignal,
): Promise<IndexedFile> {
  const file = await room.open(where, planned, signal);
  const index = await room.index(where, planned, file, signal);
  if (index.kind !== 'collection') throw notOfCollection(file, index.kind);
  const path = room.pathOf(where, planned.inner ?? planned.path);
  const peer = parseSnapshotName(path.slice(path.lastIndexOf('/') + 1))?.peer;
  return { file, index, ...(peer === undefined ? {} : { peer }) };
}

export function frameOf({ collection, backup }: CollectionBackupRef, foreign: ForeignFiles) {
  const { aliases = [], qdrantVersion = '', notes = [] } = foreign;
  return { collection, backup, aliases, qdrantVersion, notes };
}

/** As it was planned by, whichever kind it is, or `ManifestInvalid`. */
export async function openPlanned(
  stores: Stores,
  from: CollectionBackupRef,
  sha256: string,
  signal: AbortSignal,
): Promise<BackupSource | ForeignSnapshots> {
  if (!from.foreign) {
    const store = stores.open(from.store);
    const manifest = await readPlanned(store, from, sha256, signal);
    return { manifest, store, bytesOf: (shard, passing) => shardBytes(store, shard, passing) };
  }
  const source = await openForeign(stores, from, signal);
  if (source.sha256 === sha256) return source;
  const happened = 'The snapshot files say something else than when this recovery was planned';
  throw new FerryError('ManifestInvalid', happened, { context: { collection: from.collection } });
}
