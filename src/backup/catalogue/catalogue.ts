// What backups a store holds, and whether each can be used. Promises that nothing damaged or half-written is called
// complete: a collection is complete when its manifest can be believed, every object has the size it says, and
// backup.json, where there is one, agrees. Does not read the objects: `checkObjects` does.

import type {
  BackupRef,
  CatalogueEntry,
  CollectionBackup,
  CollectionBackupRef,
  ListBackupsInput,
  ListBackupsResult,
} from '../../model/backup-activities.js';
import {
  backupFolder,
  backupKey,
  clusterFolder,
  collectionFolder,
  isBackupId,
  manifestKey,
  timeOfBackup,
} from '../../model/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  backupDocumentSchema,
  collectionManifestSchema,
  parseDocument,
  proofSchema,
  type BackupDocument,
  type CollectionManifest,
  type ContentProof,
} from '../../model/manifest.js';
import type { ObjectStore, StoredObject } from '../../storage/object-store.js';
import { requireOwn } from './check-objects.js';
import { readIfThere, readText, sha256OfText } from '../read-text.js';

const PAGE = 100;

/** Newest first within a cluster. */
export async function listBackups(
  store: ObjectStore,
  { cluster, after }: Pick<ListBackupsInput, 'cluster' | 'after'>,
  signal?: AbortSignal,
): Promise<ListBackupsResult> {
  const backups: ListBackupsResult['backups'] = [];
  const clusters = cluster === undefined ? await foldersOf(store, '') : [cluster];
  for (const owner of clusters.sort()) {
    const ids = (await foldersOf(store, clusterFolder(owner))).filter(isBackupId).sort().reverse();
    for (const backup of ids) {
      const name = `${owner}/${backup}`;
      if (after !== undefined && !isBehind(name, after)) continue;
      const last = backups.at(-1);
      if (backups.length >= PAGE && last) return { backups, next: `${last.cluster}/${last.backup}` };
      signal?.throwIfAborted();
      backups.push(await outlineOf(store, owner, backup));
    }
  }
  return { backups };
}

/** In the order of the list: clusters ascending, backups descending. */
function isBehind(name: string, after: string): boolean {
  const [owner = '', id = ''] = split(name);
  const [lastOwner = '', lastId = ''] = split(after);
  return owner > lastOwner || (owner === lastOwner && id < lastId);
}

function split(name: string): [string, string] {
  const at = name.lastIndexOf('/');
  return [name.slice(0, at), name.slice(at + 1)];
}

async function outlineOf(store: ObjectStore, cluster: string, backup: string) {
  const collections = (await foldersOf(store, backupFolder(cluster, backup))).length;
  const finished = (await store.head(backupKey(cluster, backup))) !== undefined;
  return { cluster, backup, startedAt: startOf(backup), finished, collections };
}

/** Everything that can be said of a backup without reading its objects. */
export async function showBackup(
  store: ObjectStore,
  { cluster, backup }: Omit<BackupRef, 'store'>,
  signal?: AbortSignal,
): Promise<CatalogueEntry> {
  const ref = { store: store.alias, cluster, backup };
  const folders = await foldersOf(store, backupFolder(cluster, backup));
  const { document, fault } = await backupDocument(store, ref, signal);
  const named = document?.collections.map((line) => line.collection) ?? [];
  const names = [...new Set([...folders, ...named])].sort();
  if (names.length === 0 && document === undefined && fault === undefined) throw notFound(ref);
  const collections: CollectionBackup[] = [];
  for (const collection of names) {
    collections.push(await showCollection(store, { ...ref, collection }, document, signal));
  }
  const complete = document !== undefined && collections.every((one) => one.state === 'complete');
  return { ...ref, startedAt: startOf(backup), complete, collections };
}

/** `document`: backup.json, where it is there. */
export async function showCollection(
  store: ObjectStore,
  ref: CollectionBackupRef,
  document: BackupDocument | undefined,
  signal?: AbortSignal,
): Promise<CollectionBackup> {
  const objects = await objectsIn(store, collectionFolder(ref.cluster, ref.backup, ref.collection));
  const found = await manifestIn(store, ref, signal);
  if ('state' in found) return { ...found, bytes: bytesOf(objects) };
  const { manifest, sha256 } = found;
  const fault = faultIn(manifest, objects) ?? contradiction(ref.collection, sha256, document);
  return {
    collection: ref.collection,
    state: fault === undefined ? 'complete' : 'damaged',
    ...(fault === undefined ? {} : { reason: fault }),
    bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    points: manifest.points,
    finishedAt: manifest.finishedAt,
    proof: proofLine(await latestProof(store, ref, sha256, objects, signal)),
  };
}

/** The strongest proof of this very manifest: rehearsed before quiesced, then the latest. */
export async function latestProof(
  store: ObjectStore,
  ref: CollectionBackupRef,
  manifestSha256: string,
  objects: readonly StoredObject[],
  signal?: AbortSignal,
): Promise<ContentProof | undefined> {
  const keys = objects.map((object) => object.key).filter((key) => /\/proof-[^/]+\.json$/.test(key));
  const proofs: ContentProof[] = [];
  for (const key of keys) {
    try {
      proofs.push(parseDocument(proofSchema, await readText(store, key, signal), key));
    } catch (error) {
      if (!isUnbelievable(error)) throw error; // a proof that cannot be read proves nothing
    }
  }
  const own = proofs.filter(
    (proof) => proof.manifestSha256 === manifestSha256 && proof.collection === ref.collection,
  );
  const rank = (proof: ContentProof) => `${proof.kind === 'rehearsed' ? 1 : 0} ${proof.at}`;
  return own.sort((a, b) => (rank(a) < rank(b) ? 1 : -1))[0];
}

export async function objectsIn(store: ObjectStore, folder: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(folder)) objects.push(object);
  return objects;
}

export async function backupDocument(
  store: ObjectStore,
  { cluster, backup }: Omit<BackupRef, 'store'>,
  signal?: AbortSignal,
): Promise<{ document?: BackupDocument; fault?: string }> {
  const key = backupKey(cluster, backup);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return {};
  try {
    const document = parseDocument(backupDocumentSchema, text, key);
    if (document.backup === backup && document.cluster === cluster) return { document };
    return { fault: `backup.json is of ${document.cluster}/${document.backup}` };
  } catch (error) {
    if (!isUnbelievable(error)) throw error;
    return { fault: error.happened };
  }
}

async function manifestIn(
  store: ObjectStore,
  ref: CollectionBackupRef,
  signal?: AbortSignal,
): Promise<{ manifest: CollectionManifest; sha256: string } | Omit<CollectionBackup, 'bytes'>> {
  const { collection } = ref;
  const proof = { kind: 'none' as const };
  const key = manifestKey(ref.cluster, ref.backup, collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return { collection, state: 'incomplete', reason: 'It has no manifest', proof };
  try {
    const manifest = parseDocument(collectionManifestSchema, text, key);
    requireOwn(manifest, ref, key);
    return { manifest, sha256: sha256OfText(text) };
  } catch (error) {
    if (!isUnbelievable(error)) throw error;
    return { collection, state: 'damaged', reason: error.happened.slice(0, 300), proof };
  }
}

function faultIn(manifest: CollectionManifest, objects: readonly StoredObject[]): string | undefined {
  const sizes = new Map(objects.map((object) => [object.key, object.bytes]));
  for (const { name, parts, bytes, id } of manifest.shards) {
    const sum = parts.reduce((all, part) => all + part.bytes, 0);
    if (sum !== bytes) return `The parts of shard ${id} do not add up`;
    const ends = new Map<string, number>();
    for (const part of parts) {
      ends.set(part.key, Math.max(ends.get(part.key) ?? 0, part.offset + part.bytes));
    }
    for (const [key, length] of ends) {
      const found = sizes.get(key);
      if (found === undefined) return `${name} is missing`;
      if (found !== length) return `${name} has ${found} of ${length} bytes`;
    }
  }
  return baselineFault(manifest, sizes);
}

/** Only a rehearsal misses it; but it is not there as it was written. */
function baselineFault({ recall }: CollectionManifest, sizes: Map<string, number>): string | undefined {
  if (recall === undefined) return undefined;
  const found = sizes.get(recall.key);
  if (found === recall.bytes) return undefined;
  const what = found === undefined ? 'is missing' : `has ${found} of ${recall.bytes} bytes`;
  return `recall.json ${what} (the baseline of searches; the snapshots are there)`;
}

function contradiction(
  collection: string,
  sha256: string,
  document: BackupDocument | undefined,
): string | undefined {
  const line = document?.collections.find((one) => one.collection === collection);
  if (document === undefined) return undefined;
  if (line === undefined) return 'backup.json does not name it';
  if (line.outcome === 'failed') return line.error ?? 'It failed';
  return line.manifestSha256 === sha256 ? undefined : 'Its manifest is not the one that backup.json names';
}

function proofLine(proof: ContentProof | undefined): CollectionBackup['proof'] {
  if (proof === undefined) return { kind: 'none' };
  const { kind, at, recall } = proof;
  return { kind, at, ...(recall === undefined ? {} : { recall }) };
}

function isUnbelievable(error: unknown): error is FerryError {
  return error instanceof FerryError && (error.code === 'ManifestInvalid' || error.code === 'ManifestTooNew');
}

async function foldersOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of store.folders(prefix)) names.push(name);
  return names;
}

function startOf(backup: string): string {
  return timeOfBackup(backup)?.toISOString() ?? '';
}

function bytesOf(objects: readonly StoredObject[]): number {
  return objects.reduce((sum, object) => sum + object.bytes, 0);
}

function notFound({ store, cluster, backup }: BackupRef): FerryError {
  const happened = `The store "${store}" has no backup ${backup} of "${cluster}"`;
  return new FerryError('BackupNotFound', happened, { context: { store, cluster, backup } });
}
