// What a store holds of one cluster, as a prune has to know it: each backup of each collection with its state, its times
// and its objects. One list of everything, and of each backup the documents that decide about it: the manifest,
// complete.json, and a proof where there is one.

import type { RetainedBackup } from '../../model/retention.js';
import {
  backupFolder,
  backupKey,
  clusterFolder,
  completeKey,
  isBackupId,
  manifestKey,
  pinKey,
  prunedKey,
  timeOfBackup,
} from '../../model/format/backup-names.js';
import type { CollectionManifest } from '../../model/format/manifest.js';
import { mapInOrder } from '../../model/map-in-order.js';
import type { ObjectStore, StoredObject, UnfinishedUpload } from '../../storage/object-store.js';
import { readIfThere } from '../../shards/read-text.js';
import { identityOf, readRun } from '../catalogue/read-run.js';
import { isProofKey, isStamped, readProofs, recordedProof } from '../proofs.js';
import { readBackup } from '../read-backup.js';

const AT_ONCE = 8;

export interface StoredRun {
  cluster: string;
  backup: string;
  /** In no collection's folder. */
  objects: StoredObject[];
  collections: Map<string, StoredObject[]>;
  /** backup.json is there. */
  hasEnded: boolean;
  /** When the last of its objects was written, but for the markers of prunes, or an upload begun. */
  newestAt: Date;
}

export interface StoredBackup extends RetainedBackup {
  run: StoredRun;
  objects: StoredObject[];
  bytes: number;
  /** Where it can be read. */
  manifest?: CollectionManifest;
}

export interface StoredCluster {
  runs: StoredRun[];
  /** In order of their ids. */
  backups: StoredBackup[];
  /** Objects of backups whose removal was begun: their manifest is gone. */
  halfRemoved: StoredObject[];
  uploads: UnfinishedUpload[];
}

export async function readStoredBackups(
  store: ObjectStore,
  cluster: string,
  signal: AbortSignal,
): Promise<StoredCluster> {
  const uploads: UnfinishedUpload[] = [];
  for await (const upload of store.uploads(clusterFolder(cluster))) uploads.push(upload);
  const runs = await runsIn(store, cluster, uploads);
  const all = runs.flatMap((run) =>
    [...run.collections].map(([collection, objects]) => ({ run, collection, objects })),
  );
  const has = ({ run, collection, objects }: Found, keyOf: typeof manifestKey) =>
    objects.some(({ key }) => key === keyOf(cluster, run.backup, collection));
  const isHalf = (one: Found) => has(one, prunedKey) && !has(one, manifestKey);
  const backups = await mapInOrder(
    all.filter((one) => !isHalf(one)),
    AT_ONCE,
    (one) => storedBackup(store, one, signal),
  );
  const halfRemoved = all.filter(isHalf).flatMap(({ run, collection, objects }) => {
    const marker = prunedKey(cluster, run.backup, collection);
    return objects.filter(({ key }) => key !== marker);
  });
  return { runs, backups, halfRemoved, uploads };
}

interface Found {
  run: StoredRun;
  collection: string;
  objects: StoredObject[];
}

/** In order of their ids. */
export async function runsIn(
  store: ObjectStore,
  cluster: string,
  uploads: readonly UnfinishedUpload[],
): Promise<StoredRun[]> {
  const runs = new Map<string, StoredRun>();
  const inRun = (key: string, at: string): { run: StoredRun; rest: string } | undefined => {
    const backup = key.slice(clusterFolder(cluster).length).split('/')[0] ?? '';
    if (!isBackupId(backup)) return undefined;
    const fresh = { cluster, backup, objects: [], collections: new Map(), hasEnded: false };
    const run = runs.get(backup) ?? { ...fresh, newestAt: new Date(at) };
    if (run.newestAt < new Date(at)) run.newestAt = new Date(at);
    runs.set(backup, run);
    return { run, rest: key.slice(backupFolder(cluster, backup).length) };
  };
  for await (const object of store.list(clusterFolder(cluster))) {
    const found = inRun(object.key, isMarker(object) ? NEVER : object.modifiedAt);
    if (found === undefined) continue;
    const { run, rest } = found;
    const collection = rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : undefined;
    if (collection === undefined) run.objects.push(object);
    else objectsOf(run, collection).push(object);
    if (object.key === backupKey(cluster, run.backup)) run.hasEnded = true;
  }
  for (const { key, startedAt } of uploads) inRun(key, startedAt);
  return [...runs.values()].sort((a, b) => (a.backup < b.backup ? -1 : 1));
}

const NEVER = '1970-01-01T00:00:00.000Z';

function isMarker({ key }: StoredObject): boolean {
  const [cluster = '', backup = '', collection = ''] = key.split('/');
  return key === prunedKey(cluster, backup, collection);
}

function objectsOf({ collections }: StoredRun, collection: string): StoredObject[] {
  const objects = collections.get(collection) ?? [];
  collections.set(collection, objects);
  return objects;
}

async function storedBackup(
  store: ObjectStore,
  { run, collection, objects }: Found,
  signal: AbortSignal,
): Promise<StoredBackup> {
  signal.throwIfAborted();
  const { cluster, backup } = run;
  const of = { cluster, backup, collection };
  const listed = new Map(objects.map((object) => [object.key, object]));
  // A list marks as archived also what was restored since.
  const head = (key: string) => (listed.get(key)?.archived ? store.head(key) : listed.get(key));
  const { state: read, found } = await readBackup(store, of, { head, signal });
  const checked = listed.get(completeKey(cluster, backup, collection));
  // It was complete once: its manifest was lost, and its objects may be all that somebody has.
  const state = read === 'incomplete' && found === undefined && checked ? 'damaged' : read;
  const newer = state === 'tooNew' && found === undefined ? await readNewer(store, of, signal) : undefined;
  const identity =
    found?.manifest.clusterIdentity ??
    newer?.identity ??
    identityOf(await readRun(store, cluster, backup, { signal }));
  const base = found?.manifest.base ?? newer?.base;
  const storedAt = state === 'complete' && checked ? new Date(checked.modifiedAt) : run.newestAt;
  return {
    ...{ run, backup, collection, objects, identity, state, storedAt },
    startedAt: timeOfBackup(backup) ?? run.newestAt,
    bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
    isPinned: listed.has(pinKey(cluster, backup, collection)),
    isRecorded: state === 'complete' && found !== undefined && recordedProof(found.manifest) !== undefined,
    isProved:
      state === 'complete' &&
      found !== undefined &&
      !isStamped(found.manifest) &&
      (await isProved(store, of, found, objects)),
    ...(base === undefined ? {} : { base }),
    ...(found === undefined ? {} : { manifest: found.manifest }),
  };
}

async function isProved(
  store: ObjectStore,
  of: { cluster: string; backup: string; collection: string },
  { sha256 }: { sha256: string },
  objects: readonly StoredObject[],
): Promise<boolean> {
  const keys = objects.map(({ key }) => key).filter(isProofKey);
  if (keys.length === 0) return false;
  return (await readProofs(store, of, sha256, keys)).best !== undefined;
}

/** What the format promises of later manifests: what an increment is based on. Anything else may need anything. */
async function readNewer(
  store: ObjectStore,
  { cluster, backup, collection }: { cluster: string; backup: string; collection: string },
  signal: AbortSignal,
): Promise<{ identity?: string[]; base?: NonNullable<RetainedBackup['base']> }> {
  const text = await readIfThere(store, manifestKey(cluster, backup, collection), signal);
  const { base, kind, version, clusterIdentity } = documentIn(text);
  const identity = Array.isArray(clusterIdentity) ? { identity: clusterIdentity.map(String) } : {};
  const named = base as { backup?: unknown; collection?: unknown } | null | undefined;
  if (typeof named?.backup === 'string' && named.collection === collection)
    return { ...identity, base: { backup: named.backup } };
  const isFull = kind === 'full' && version === 2 && base === undefined;
  return isFull ? identity : { ...identity, base: 'unknown' };
}

function documentIn(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
