// One collection out of the snapshot files of its nodes. Promises that the
// files are of one backup (the same configuration and keys, peers that know each other) and that every shard is in one of
// them, from a replica that was Active. Of several copies of a shard the first is taken.

import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import { parseSnapshotName } from '../model/externals/names.js';
import type { ExternalFile, ExternalFiles } from '../model/externals/source.js';
import { FerryError } from '../model/errors.js';
import {
  canonicalJson,
  objectAt,
  textAt,
  valueAt,
  writeJson,
  type Json,
  type JsonObject,
} from '../model/json.js';
import { isLosslessNumber } from 'lossless-json';
import type { ShardKey } from '../model/state/slice.js';
import type { CollectionFacts, RecoverableShard } from '../shards/recoverable-collection.js';
import { jsonIn, type CollectionIndex, type ShardEntries } from '../qdrant/files/snapshot-index.js';
import { pointsInShard } from '../qdrant/files/segments.js';
import { shardTar, shardTarBytes } from '../qdrant/files/shard-tar.js';
import type { SnapshotFiles, Where } from './snapshot-files.js';
import { unreadable, type ByteFile } from '../qdrant/files/tar-walk.js';

export interface IndexedFile {
  file: ByteFile;
  index: CollectionIndex;
  /** As its name says. */
  peer?: string;
}

export interface ShardSource {
  file: ByteFile;
  entries: ShardEntries;
}

export type ExternalShard = RecoverableShard & { peer?: string };

export interface ExternalCollection extends Omit<CollectionFacts, 'aliases'> {
  shards: ExternalShard[];
  /** Of each of the shards, by position. */
  sources: ShardSource[];
}

interface Copy extends ShardSource {
  peer: string | undefined;
  /** The file's own view of who has the shard, and in what state. */
  peers: JsonObject;
}

/** What the files hold of the collection. */
export async function describedBy(
  files: SnapshotFiles,
  where: Where,
  { collection, external }: Pick<CollectionBackupRef, 'collection' | 'external'>,
  signal: AbortSignal,
) {
  const indexed: IndexedFile[] = [];
  for (const planned of (external as ExternalFiles).files) {
    indexed.push(await indexedFile(files, where, planned, signal));
  }
  return externalCollection(indexed, collection);
}

async function indexedFile(
  files: SnapshotFiles,
  where: Where,
  planned: ExternalFile,
  signal: AbortSignal,
): Promise<IndexedFile> {
  const file = await files.open(where, planned, signal);
  const index = await files.index(where, planned, file, signal);
  if (index.kind !== 'collection') throw notOfCollection(file, index.kind);
  const path = files.pathOf(where, planned.inner ?? planned.path);
  const peer = parseSnapshotName(path.slice(path.lastIndexOf('/') + 1))?.peer;
  return { file, index, ...(peer === undefined ? {} : { peer }) };
}

export function externalCollection(files: readonly IndexedFile[], collection: string): ExternalCollection {
  const first = files[0];
  if (!first) throw new FerryError('Internal', 'A collection of no file');
  for (const other of files.slice(1)) refuseOtherBackup(first, other);
  for (const file of files) refuseOtherPeer(file);
  const config = documentOf(first, 'config.json');
  const keys = keysOf(first);
  const wanted = shardsWanted(files, config ?? null, keys);
  const chosen = wanted.map((id) => ({ id, ...chosenCopy(files, id, collection) }));
  const isCustom = textAt(config, 'params', 'sharding_method') === 'custom';
  return {
    ...{ collection, clusterIdentity: [], info: infoText(first) },
    sharding: isCustom ? 'custom' : 'auto',
    shardKeys: keys.map(({ shardKey, ids }) => ({
      shardKey,
      shards: ids.length,
      replicas: Math.max(1, ...ids.map((id) => replicasOf(files, id))),
    })),
    shards: chosen.map((shard, position) => shardOf(shard, position, keys, collection)),
    sources: chosen.map(({ file, entries }) => ({ file, entries })),
  };
}

function refuseOtherBackup(first: IndexedFile, other: IndexedFile): void {
  const said = (file: IndexedFile): [string, string][] => [
    ['config.json', canonicalJson(documentOf(file, 'config.json') ?? null)],
    // a node lists keys and numbers in whatever order
    ['shard_key_mapping.json', JSON.stringify(keysOf(file))],
  ];
  const there = new Map(said(other));
  for (const [name, text] of said(first)) {
    if (there.get(name) === text) continue;
    const happened = `${named(first)} and ${named(other)} are not of one backup: their ${name} differs`;
    throw new FerryError('SnapshotsAmbiguous', happened);
  }
}

/** A number in the name that was no peer belongs to the collection's name. */
function refuseOtherPeer({ file, index, peer }: IndexedFile): void {
  if (peer === undefined) return;
  for (const { state } of index.shards.values()) {
    const own = textAt(state, 'this_peer_id');
    if (own === undefined || own === peer) continue;
    const happened = `The name of "${file.name}" gives peer ${peer}, and its content peer ${own}`;
    throw new FerryError('SnapshotsAmbiguous', happened, { context: { file: file.name } });
  }
}

interface KeyShards {
  shardKey: ShardKey;
  /** Ascending. */
  ids: number[];
}

/** In order of creation, which is that of the shards' numbers. */
function keysOf(file: IndexedFile): KeyShards[] {
  const mapping = documentOf(file, 'shard_key_mapping.json') ?? [];
  const pairs: [Json | undefined, Json | undefined][] = Array.isArray(mapping)
    ? mapping.map((one) => [valueAt(one, 'key'), valueAt(one, 'shard_ids')])
    : // as older versions wrote it
      Object.entries(objectAt(mapping)).map(([key, ids]) => [key, ids]);
  const keys = pairs.flatMap(([key, ids]): KeyShards[] => {
    const shardKey: ShardKey = isLosslessNumber(key) ? { number: key.value } : { keyword: String(key) };
    const numbers = Array.isArray(ids) ? ids.map(Number) : [];
    return [{ shardKey, ids: numbers.sort((a, b) => a - b) }];
  });
  return keys.sort((a, b) => (a.ids[0] ?? 0) - (b.ids[0] ?? 0));
}

/** Every shard that any file knows of, and every one that the settings say there is. */
function shardsWanted(files: readonly IndexedFile[], config: Json, keys: readonly KeyShards[]): number[] {
  const ids = new Set(files.flatMap(({ index }) => [...index.shards.keys()]));
  for (const id of keys.flatMap((key) => key.ids)) ids.add(id);
  const isCustom = textAt(config, 'params', 'sharding_method') === 'custom';
  const number = isCustom ? 0 : Number(textAt(config, 'params', 'shard_number') ?? 0);
  for (let id = 0; id < number; id += 1) ids.add(id);
  return [...ids].sort((a, b) => a - b);
}

function chosenCopy(files: readonly IndexedFile[], id: number, collection: string): Copy {
  const copies = files.flatMap((one) => copyIn(one, id));
  const stranger = copies.find(
    ({ peer, peers }) => peer !== undefined && copies.some((one) => isExternalTo(one, peer, peers)),
  );
  if (stranger) {
    const happened = `${copies.map(({ file }) => `"${file.name}"`).join(' and ')} both hold shard ${id}, and their peers do not know each other: they are of different clusters`;
    throw new FerryError('SnapshotsAmbiguous', happened);
  }
  const active = copies.find(({ peer, peers }) => peer === undefined || textAt(peers, peer) === 'Active');
  if (active) return active;
  const names = files.map(named).join(', ');
  const what =
    copies.length === 0
      ? `Shard ${id} of "${collection}" is in none of ${names}`
      : `Shard ${id} of "${collection}" was not Active where it was taken: ${names}`;
  throw new FerryError('SnapshotsIncomplete', what, { context: { collection, shard: id } });
}

/** Another file holds the shard too, and one of the two has never heard of the other's peer. */
function isExternalTo(other: Copy, peer: string, peers: JsonObject): boolean {
  if (other.peer === undefined || other.peer === peer) return false;
  return textAt(peers, other.peer) === undefined || textAt(other.peers, peer) === undefined;
}

/** A shard that another node holds has a folder too, with its state and nothing else. */
function copyIn({ file, index }: IndexedFile, id: number): Copy[] {
  const entries = index.shards.get(id);
  const hasSegments = entries?.entries.some(({ name }) => name.startsWith('segments/')) ?? false;
  if (!entries || !hasSegments) return [];
  return [
    { file, entries, peer: textAt(entries.state, 'this_peer_id'), peers: objectAt(entries.state, 'peers') },
  ];
}

function replicasOf(files: readonly IndexedFile[], id: number): number {
  const counts = files.map(({ index }) => Object.keys(objectAt(index.shards.get(id)?.state, 'peers')).length);
  return Math.max(1, ...counts);
}

function shardOf(
  { id, peer, file, entries }: Copy & { id: number },
  position: number,
  keys: readonly KeyShards[],
  collection: string,
): ExternalShard {
  const key = keys.find(({ ids }) => ids.includes(id));
  return {
    id,
    ...(key === undefined ? {} : { shardKey: key.shardKey }),
    ordinal: key === undefined ? position : key.ids.indexOf(id),
    ...(peer === undefined ? {} : { peer }),
    name: `${collection}.shard-${id}.snapshot`,
    bytes: shardTarBytes(entries),
    read: (passing) => shardTar(file, entries, passing),
    address: () => Promise.resolve(undefined),
    points: (signal) => pointsInShard(file, entries, signal),
  };
}

/** As `GET /collections/{name}` would say it. */
function infoText(file: IndexedFile): string {
  const schema = objectAt(documentOf(file, 'payload_index.json'), 'schema');
  const fields = Object.entries(schema).map(([field, one]): [string, Json] => {
    const type = textAt(one, 'type');
    return [field, type === undefined ? { data_type: one } : { data_type: type, params: one }];
  });
  const config = file.index.documents.get('config.json') ?? '{}';
  return `{"config":${config},"payload_schema":${writeJson(Object.fromEntries(fields))}}`;
}

function documentOf({ file, index }: IndexedFile, name: string): Json | undefined {
  const text = index.documents.get(name);
  return text === undefined ? undefined : jsonIn(text, name, file);
}

function named({ file }: IndexedFile): string {
  return `"${file.name}"`;
}

/** A snapshot does not say which Qdrant made it, but its settings show which it cannot be older than. */
export function oldestQdrant(info: Json): string | undefined {
  const optimizers = objectAt(info, 'config', 'optimizer_config');
  return Object.hasOwn(optimizers, 'prevent_unoptimized') ? '1.17.0' : undefined;
}

export function notOfCollection(file: Pick<ByteFile, 'name'>, kind: 'shard' | 'storage'): FerryError {
  if (kind === 'storage') {
    return unreadable(
      file,
      'is a snapshot of a whole storage: select it with `file`, and leave it out of `map`',
    );
  }
  const advice =
    'docs/restore-by-hand.md describes how to recover it; a backup that ferry made needs no `from`';
  return unreadable(file, `is of a single shard, and does not say what collection it needs. ${advice}`);
}
