// The manifest of one collection, out of what Qdrant says of it and the documents beside its snapshots: of those that the
// captures answered with, whatever an attempt presumed dead has added since. Written once: an attempt that finds one
// returns it. The collection's backup is not complete by it: complete.json says so, after the check.

import type { WriteManifestInput, WriteManifestResult } from '../../model/contracts/backup-activities.js';
import { collectionFolder, manifestKey, partsKey } from '../../model/format/backup-names.js';
import { settingsOf } from '../../model/settings/collection-settings.js';
import { FerryError } from '../../model/errors.js';
import {
  collectionManifestSchema,
  shardDocumentSchema,
  type CollectionManifest,
  type ManifestShard,
} from '../../model/format/manifest.js';
import { type IndexedSlice } from '../../model/format/slices.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl, Layout } from '../../cluster/control-port.js';
import { keyName, shardKeysOf } from '../../cluster/look.js';
import { readIfThere, readText, sha256OfText } from '../../shards/read-text.js';
import { readSlices } from '../points/read-slice.js';
import type { OfCollection } from '../read-backup.js';

export interface ManifestDeps {
  store: ObjectStore;
  control: ClusterControl;
  ferryVersion: string;
  /** Throws when the collection that was asked is no longer the one that was captured. */
  confirm?: () => Promise<void>;
}

export async function writeManifest(
  room: ManifestDeps,
  input: WriteManifestInput,
  signal?: AbortSignal,
): Promise<WriteManifestResult> {
  const key = manifestKey(input.cluster, input.backup, input.collection);
  const there = await readIfThere(room.store, key, signal);
  if (there !== undefined) {
    const manifest = parseDocument(collectionManifestSchema, there, key);
    requireOfThisCapture(manifest, input, key);
    return resultOf(there, manifest);
  }
  const shards = await capturedShards(room.store, input, signal);
  const manifest = await manifestOf(room, input, shards, signal);
  await room.confirm?.();
  const text = documentText(manifest);
  await room.store.put(key, Buffer.from(text), { ifAbsent: true, contentType: 'application/json' });
  return resultOf(text, manifest);
}

/** A capture that was begun again has other snapshots than the manifest of the one before it. */
function requireOfThisCapture({ shards }: CollectionManifest, { captured }: WriteManifestInput, key: string) {
  const names = new Set(captured.map(({ name }) => name));
  if (shards.length === names.size && shards.every(({ name }) => names.has(name))) return;
  throw new FerryError('ObjectExists', 'The manifest belongs to other snapshots of this backup', {
    context: { key },
  });
}

/** The documents of the very snapshots that the captures answered with. */
async function capturedShards(
  store: ObjectStore,
  input: WriteManifestInput,
  signal?: AbortSignal,
): Promise<ManifestShard[]> {
  const { cluster, backup, collection, captured } = input;
  const folder = collectionFolder(cluster, backup, collection);
  const shards: ManifestShard[] = [];
  for (const { id, name } of captured) {
    const key = partsKey(`${folder}${name}`);
    const document = parseDocument(shardDocumentSchema, await readText(store, key, signal), key);
    if (document.shard.id !== id || document.shard.name !== name) throw otherSnapshot(key, document.shard);
    shards.push(document.shard);
  }
  return shards.sort((a, b) => a.id - b.id);
}

function otherSnapshot(key: string, { id, name }: ManifestShard): FerryError {
  const happened = `The document belongs to shard ${id}, ${name}`;
  return new FerryError('ManifestInvalid', happened, { context: { key } });
}

async function manifestOf(
  room: ManifestDeps,
  input: WriteManifestInput,
  shards: ManifestShard[],
  signal?: AbortSignal,
): Promise<CollectionManifest> {
  const { facts, layout } = await describeSource(room, input, signal);
  return {
    ...facts,
    kind: 'full',
    capture: { method: 'snapshot', mode: input.mode },
    shardKeys: keysOf(shards, layout),
    shards,
    ...(input.ids === undefined ? {} : { ids: input.ids }),
    ...(input.recall === undefined ? {} : { recall: input.recall }),
    ...(input.index === undefined
      ? {}
      : { digestIndex: await indexOf(room.store, input, input.index, signal) }),
    notes: [...input.notes, ...changesSince(shards, layout)],
  };
}

async function indexOf(
  store: ObjectStore,
  of: OfCollection,
  names: NonNullable<WriteManifestInput['index']>,
  signal?: AbortSignal,
): Promise<IndexedSlice[]> {
  const [before, after] = await Promise.all(
    [names.before, names.after].map((some) => readSlices(store, of, some, signal)),
  );
  return (before ?? []).flatMap((slice, at) => {
    const later = after?.[at];
    return later === undefined ? [] : [{ before: slice, after: later }];
  });
}

type SourceFacts = Omit<CollectionManifest, 'kind' | 'capture' | 'shardKeys' | 'shards' | 'notes'>;
type Described = Omit<WriteManifestInput, 'captured' | 'mode' | 'ids' | 'recall' | 'index' | 'notes'>;

/** What every manifest says of the collection, whatever its points are stored as. */
export async function describeSource(
  { control, ferryVersion }: Pick<ManifestDeps, 'control' | 'ferryVersion'>,
  input: Described,
  signal?: AbortSignal,
): Promise<{ facts: SourceFacts; layout: Layout }> {
  const { collection, pin } = input;
  const settingsAt = new Date().toISOString();
  const [info, layout, facts, aliases] = await Promise.all([
    control.infoText(collection, signal),
    control.layout(collection, signal),
    control.info(collection, signal),
    control.aliases(signal),
  ]);
  const custom = settingsOf(facts.config).sharding_method === 'custom';
  const named = aliases.filter((one) => one.collection === collection).map((one) => one.alias);
  return {
    layout,
    facts: {
      format: 'qdrant-ferry/collection',
      version: MANIFEST_VERSION,
      backup: input.backup,
      cluster: input.cluster,
      clusterIdentity: pin.identity,
      collection,
      ...(pin.creation === undefined ? {} : { creation: pin.creation }),
      ...(input.partial === undefined ? {} : { partial: input.partial }),
      startedAt: input.startedAt,
      finishedAt: new Date().toISOString(),
      qdrantVersion: pin.version,
      ferryVersion,
      settingsAt,
      info,
      aliases: named.sort(),
      sharding: custom ? 'custom' : 'auto',
      countedAt: input.countedAt,
      points: input.points,
    },
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
    ...(made.length > 0 ? [`Created during the backup and not in it: shards ${made.join(', ')}`] : []),
    ...(gone.length > 0 ? [`Removed during the backup, but in it: shards ${gone.join(', ')}`] : []),
  ];
}

function resultOf(text: string, manifest: CollectionManifest): WriteManifestResult {
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return { manifestSha256: sha256OfText(text), bytes, shards: manifest.shards.length };
}
