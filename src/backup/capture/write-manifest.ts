// The manifest of one collection, out of the documents beside its snapshots and what Qdrant says of it. Promises to be
// the last object of the collection, written once: who finds one there returns it. Refuses when a planned shard has no
// snapshot or has two.

import type { WriteManifestInput, WriteManifestResult } from '../../model/backup-activities.js';
import { collectionFolder, isPartsKey, manifestKey } from '../../model/backup-names.js';
import { settingsOf } from '../../model/collection-settings.js';
import { FerryError } from '../../model/errors.js';
import {
  MANIFEST_VERSION,
  collectionManifestSchema,
  parseDocument,
  shardDocumentSchema,
  type CollectionManifest,
  type ManifestShard,
} from '../../model/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl, Layout } from '../../transfer/control-port.js';
import { keyName, shardKeysOf } from '../../transfer/look.js';
import { readIfThere, readText, sha256OfText } from '../read-text.js';

export interface ManifestRoom {
  store: ObjectStore;
  control: ClusterControl;
  ferryVersion: string;
}

export async function writeManifest(
  room: ManifestRoom,
  input: WriteManifestInput,
  signal?: AbortSignal,
): Promise<WriteManifestResult> {
  const key = manifestKey(input.cluster, input.backup, input.collection);
  const there = await readIfThere(room.store, key, signal);
  if (there !== undefined) return resultOf(there, parseDocument(collectionManifestSchema, there, key));
  const shards = await capturedShards(room.store, input, signal);
  const manifest = await manifestOf(room, input, shards, signal);
  const text = `${JSON.stringify(manifest, null, 1)}\n`;
  await room.store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
  return resultOf(text, manifest);
}

async function capturedShards(
  store: ObjectStore,
  input: WriteManifestInput,
  signal?: AbortSignal,
): Promise<ManifestShard[]> {
  const { cluster, backup, collection, planned } = input;
  const shards: ManifestShard[] = [];
  for await (const { key } of store.list(collectionFolder(cluster, backup, collection))) {
    if (!isPartsKey(key)) continue;
    shards.push(parseDocument(shardDocumentSchema, await readText(store, key, signal), key).shard);
  }
  const ids = new Set(shards.map((shard) => shard.id));
  if (ids.size === planned && shards.length === planned) return shards.sort((a, b) => a.id - b.id);
  const happened = `${planned} shards were to be captured, and the store has ${shards.length} snapshots of ${ids.size}`;
  throw new FerryError('ObjectMissing', happened, { context: { backup, collection } });
}

async function manifestOf(
  { control, ferryVersion }: ManifestRoom,
  input: WriteManifestInput,
  shards: ManifestShard[],
  signal?: AbortSignal,
): Promise<CollectionManifest> {
  const { collection } = input;
  const [info, layout, facts, aliases] = await Promise.all([
    control.infoText(collection, signal),
    control.layout(collection, signal),
    control.info(collection, signal),
    control.aliases(signal),
  ]);
  const custom = settingsOf(facts.config).sharding_method === 'custom';
  return {
    format: 'qdrant-ferry/collection',
    version: MANIFEST_VERSION,
    backup: input.backup,
    kind: 'full',
    cluster: input.cluster,
    collection,
    startedAt: input.startedAt,
    finishedAt: new Date().toISOString(),
    qdrantVersion: input.pin.version,
    ferryVersion,
    capture: input.mode,
    info,
    aliases: aliases
      .filter((one) => one.collection === collection)
      .map((one) => one.alias)
      .sort(),
    sharding: custom ? 'custom' : 'auto',
    shardKeys: keysOf(shards, layout),
    points: input.points,
    shards,
    ...(input.recall === undefined ? {} : { recall: input.recall }),
    notes: [...input.notes, ...changesSince(shards, layout)],
  };
}

/** In order of creation, which is the order of their first shards. */
function keysOf(shards: ManifestShard[], layout: Layout): CollectionManifest['shardKeys'] {
  const now = new Map(shardKeysOf(layout).map((one) => [keyName(one.key), one.shards]));
  const keys = new Map<string, CollectionManifest['shardKeys'][number]>();
  for (const { shardKey } of shards) {
    if (shardKey === undefined) continue;
    const name = keyName(shardKey);
    const replicas = Math.max(1, now.get(name)?.[0]?.replicas.length ?? 1);
    const known = keys.get(name) ?? { shardKey, shards: 0, replicas };
    known.shards += 1;
    keys.set(name, known);
  }
  return [...keys.values()];
}

function changesSince(shards: ManifestShard[], layout: Layout): string[] {
  const [then, now] = [
    new Set(shards.map((shard) => shard.id)),
    new Set(layout.shards.map((shard) => shard.id)),
  ];
  const made = [...now].filter((id) => !then.has(id));
  const gone = [...then].filter((id) => !now.has(id));
  return [
    ...(made.length > 0 ? [`Made during the backup and not in it: shards ${made.join(', ')}`] : []),
    ...(gone.length > 0 ? [`Removed during the backup, but in it: shards ${gone.join(', ')}`] : []),
  ];
}

function resultOf(text: string, manifest: CollectionManifest): WriteManifestResult {
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return { manifestSha256: sha256OfText(text), bytes, shards: manifest.shards.length };
}
