// What backups a store holds, and whether each can be used, as read-backup.ts judges it. `showBackup` looks at every
// collection of one backup; `listBackups` goes through the runs newest first, a page at a time, by their backup.json.
// Neither reads the objects: `checkObjects` does.

import type {
  BackupRef,
  CollectionBackupRef,
  CatalogueEntry,
  CollectionBackup,
  LeftoverObject,
  ListBackupsInput,
  ListBackupsResult,
  ListedBackup,
} from '../../model/contracts/backup-catalogue.js';
import {
  backupFolder,
  backupKey,
  clusterFolder,
  collectionFolder,
  completeKey,
  isBackupId,
  manifestKey,
  partsKey,
  pinKey,
  prunedKey,
  startedKey,
  timeOfBackup,
} from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  partsOf,
  storedBytes,
  storedSlices,
  type CollectionManifest,
  type ContentProof,
} from '../../model/format/manifest.js';
import type { ObjectStore, StoredObject } from '../../storage/object-store.js';
import { mapInOrder } from '../../model/map-in-order.js';
import { identityOf, inOrder, readRun, type Run } from './read-run.js';
import { readBackup, type OfCollection } from '../read-backup.js';
import { isProofKey, readProofs, recordedProof } from '../proofs.js';

const PAGE = 100;

/** Requests that run side by side: a store answers in milliseconds to seconds, whatever is asked. */
const AT_ONCE = 8;

/** Named of what lies in a backup's folder without belonging to it. */
const MOST_LEFTOVERS = 100;

/** Newest first within a cluster, those dated in the future last. */
export async function listBackups(
  store: ObjectStore,
  { cluster, after, most = PAGE }: Pick<ListBackupsInput, 'cluster' | 'after' | 'most'>,
  signal?: AbortSignal,
  now = new Date(),
): Promise<ListBackupsResult> {
  const names: { owner: string; backup: string }[] = [];
  const clusters = cluster === undefined ? await foldersOf(store, '') : [cluster];
  for (const owner of clusters.filter((name) => !name.startsWith('.')).sort()) {
    const ids = (await foldersOf(store, clusterFolder(owner))).filter(isBackupId);
    names.push(...inOrder(ids, now).map((backup) => ({ owner, backup })));
  }
  const from = after === undefined ? 0 : names.findIndex((one) => nameOf(one) === after) + 1;
  const page = names.slice(from, from + most);
  const backups = await mapInOrder(page, AT_ONCE, ({ owner, backup }) => {
    signal?.throwIfAborted();
    return outlineOf(store, owner, backup, now, signal);
  });
  const last = page.at(-1);
  if (last === undefined || from + most >= names.length) return { backups, total: names.length };
  return { backups, total: names.length, next: nameOf(last) };
}

function nameOf({ owner, backup }: { owner: string; backup: string }): string {
  return `${owner}/${backup}`;
}

async function outlineOf(
  store: ObjectStore,
  cluster: string,
  backup: string,
  now: Date,
  signal?: AbortSignal,
): Promise<ListedBackup> {
  const run = await readRun(store, cluster, backup, { now, signal });
  const lines = run.document?.collections ?? [];
  return {
    ...outline(run, cluster),
    collections: run.document ? lines.length : (run.started?.collections.length ?? 0),
    usable: lines.filter((line) => line.outcome === 'complete').length,
    bytes: lines.reduce((sum, line) => sum + (line.bytes ?? 0), 0),
  };
}

function outline(run: Run, cluster: string) {
  const { document, started, fault, backup, isFuture } = run;
  const { scope, policy } = document ?? started ?? {};
  return {
    cluster,
    backup,
    startedAt: timeOfBackup(backup)?.toISOString() ?? '',
    clusterIdentity: [...identityOf(run)],
    finished: document !== undefined,
    ...(scope === undefined ? {} : { scope }),
    ...(policy === undefined ? {} : { policy }),
    ...(document?.interrupted ? { interrupted: true } : {}),
    ...(isFuture ? { isFuture } : {}),
    ...(fault === undefined ? {} : { fault }),
  };
}

/** Everything that is known of a backup without reading its objects. */
export async function showBackup(
  store: ObjectStore,
  { cluster, backup }: Omit<BackupRef, 'store'>,
  signal?: AbortSignal,
): Promise<CatalogueEntry> {
  const ref = { store: store.alias, cluster, backup };
  const run = await readRun(store, cluster, backup, { signal });
  const objects = await objectsIn(store, backupFolder(cluster, backup));
  if (objects.length === 0) throw notFound(ref);
  const named = run.document?.collections.map((line) => line.collection) ?? run.started?.collections ?? [];
  const all = [...new Set([...foldersIn(objects, backupFolder(cluster, backup)), ...named])].sort();
  const has = new Set(objects.map(({ key }) => key));
  const pruned = all.filter((name) => isPruned(has, cluster, backup, name));
  const names = all.filter((name) => !pruned.includes(name));
  const errors = new Map(run.document?.collections.map(({ collection, error }) => [collection, error]));
  const shown = await mapInOrder(names, AT_ONCE, (collection) => {
    const own = objects.filter(({ key }) => key.startsWith(collectionFolder(cluster, backup, collection)));
    const known = { error: errors.get(collection), identity: identityOf(run) };
    return showCollection(store, { ...ref, collection }, own, known, signal);
  });
  const collections = shown.map(({ line }) => line);
  const { document } = run;
  const complete =
    document !== undefined &&
    !document.interrupted &&
    pruned.length === 0 &&
    collections.every((one) => one.state === 'complete');
  const markers = pruned.map((collection) => prunedKey(cluster, backup, collection));
  const leftover = document === undefined ? [] : leftoversAmong(objects, run, { shown, markers }, ref);
  return {
    ...outline(run, cluster),
    store: store.alias,
    complete,
    collections,
    ...(pruned.length === 0 ? {} : { pruned }),
    leftover: leftover.slice(0, MOST_LEFTOVERS),
  };
}

/** Its removal was begun: the marker means nothing while the manifest is there. */
function isPruned(keys: ReadonlySet<string>, cluster: string, backup: string, collection: string): boolean {
  const has = (keyOf: typeof manifestKey) => keys.has(keyOf(cluster, backup, collection));
  return has(prunedKey) && !has(manifestKey);
}

interface Shown {
  line: CollectionBackup;
  /** Keys that belong to it. */
  keys: string[];
}

async function showCollection(
  store: ObjectStore,
  ref: CollectionBackupRef,
  objects: readonly StoredObject[],
  known: { error: string | undefined; identity: readonly string[] },
  signal?: AbortSignal,
): Promise<Shown> {
  const { collection } = ref;
  const listed = new Map(objects.map((object) => [object.key, object]));
  // A list marks as archived also what was restored since.
  const head = (key: string) => (listed.get(key)?.archived ? store.head(key) : listed.get(key));
  const { state, found, ...read } = await readBackup(store, ref, { head, identity: known.identity, signal });
  const reason = state === 'incomplete' ? (known.error ?? read.reason) : read.reason;
  const manifest = found?.manifest;
  const keys = objects.map(({ key }) => key).filter(isProofKey);
  const isProvable = found !== undefined && read.error === undefined;
  const { best } = isProvable ? await readProofs(store, ref, found.sha256, keys, signal) : {};
  return {
    line: {
      collection,
      state,
      ...(reason === undefined ? {} : { reason }),
      bytes: manifest ? storedBytes(manifest) : bytesOf(objects),
      ...(manifest?.base === undefined ? {} : { base: manifest.base.backup }),
      ...(manifest ? { points: manifest.points, finishedAt: manifest.finishedAt } : {}),
      proof: proofLine(best, isProvable ? found.manifest : undefined),
      ...(listed.has(pinKey(ref.cluster, ref.backup, collection)) ? { isPinned: true as const } : {}),
    },
    keys: keysOf(ref, manifest, keys),
  };
}

/** Documents, proofs, and whatever the manifest names. */
export function keysOf(
  { cluster, backup, collection }: OfCollection,
  manifest: CollectionManifest | undefined,
  proofKeys: readonly string[],
): string[] {
  const folder = collectionFolder(cluster, backup, collection);
  const parts = manifest === undefined ? [] : partsOf(manifest).map(({ key }) => key);
  return [
    manifestKey(cluster, backup, collection),
    completeKey(cluster, backup, collection),
    pinKey(cluster, backup, collection),
    prunedKey(cluster, backup, collection),
    ...parts,
    ...(manifest?.shards ?? []).map(({ name }) => partsKey(`${folder}${name}`)),
    ...storedSlices(manifest ?? {}).map(({ ids }) => ids.key.replace(/\.ids\.gz$/, '.json')),
    ...proofKeys,
  ];
}

/** What interrupted attempts left behind and nothing needs. Only a prune removes it. */
function leftoversAmong(
  objects: readonly StoredObject[],
  { document }: Run,
  { shown, markers }: { shown: readonly Shown[]; markers: readonly string[] },
  { cluster, backup }: BackupRef,
): LeftoverObject[] {
  const node = document?.nodeSnapshot;
  const nodeKeys = node ? node.parts.flatMap(({ key }) => [key, partsKey(key)]) : [];
  const own = [startedKey(cluster, backup), backupKey(cluster, backup), ...nodeKeys];
  const known = new Set([...own, ...markers, ...shown.flatMap(({ keys }) => keys)]);
  return objects.filter(({ key }) => !known.has(key)).map(({ key, bytes }) => ({ key, bytes }));
}

function foldersIn(objects: readonly StoredObject[], folder: string): string[] {
  const inside = objects.map(({ key }) => key.slice(folder.length)).filter((rest) => rest.includes('/'));
  return inside.map((rest) => rest.slice(0, rest.indexOf('/')));
}

export async function objectsIn(store: ObjectStore, folder: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(folder)) objects.push(object);
  return objects;
}

function proofLine(
  proof: ContentProof | undefined,
  manifest: CollectionManifest | undefined,
): CollectionBackup['proof'] {
  if (proof === undefined) return (manifest && recordedProof(manifest)) ?? { kind: 'none' };
  const { kind, at, recall } = proof;
  return { kind, at, ...(recall === undefined ? {} : { recall }) };
}

async function foldersOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.folders(prefix)) names.push(name);
  return names;
}

function bytesOf(objects: readonly { bytes: number }[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}

function notFound({ store, cluster, backup }: BackupRef): FerryError {
  const happened = `The store "${store}" has no backup ${backup} of "${cluster}"`;
  return new FerryError('BackupNotFound', happened, { context: { store, cluster, backup } });
}
