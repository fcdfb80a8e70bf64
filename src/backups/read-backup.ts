// Whether the backup of one collection can be used: the only place that decides it. backup.json, `ferry backups`,
// `ferry check-backup`, and every recovery and rehearsal go by its answer, so they cannot disagree.
//
//   complete      complete.json names this very manifest, and every object exists with the size in the manifest
//   partial       the same, of a collection that a job was filling at the time; recovered only by its id
//   otherCluster  the same, of another cluster than its run; recovered only by its id
//   archived      a document or an object has to be restored from an archive tier first
//   incomplete    no manifest, or its objects were never checked
//   damaged       a document that is not valid, or an object that is not as the manifest lists it
//   tooNew        written by a newer ferry, in a form that this one does not know
//
// Reads documents and sizes; `checkObjects` reads the content of objects.

import type { CollectionBackupRef, CollectionBackup } from '../model/contracts/backup-catalogue.js';
import { backupFolder, completeKey, manifestKey, prunedKey } from '../model/format/backup-names.js';
import { FerryError, type ErrorCode } from '../model/errors.js';
import {
  collectionManifestSchema,
  completeDocumentSchema,
  partsOf,
  prunedSchema,
  type CollectionManifest,
  type ManifestPart,
} from '../model/format/manifest.js';
import { parseDocument } from '../model/format/parse-document.js';
import { mapInOrder } from '../model/map-in-order.js';
import { sharesPeer } from '../cluster/pin.js';
import type { ObjectStore, StoredObject } from '../storage/object-store.js';
import { restoreFirst } from '../shards/recover-objects.js';
import { readIfThere, sha256OfText } from '../shards/read-text.js';
import { recoveredSettings } from '../target/recovered-settings.js';
import { invalid, requireWhole } from './whole-manifest.js';
import { clusterText } from './catalogue/read-run.js';

export interface FoundManifest {
  manifest: CollectionManifest;
  /** Of its bytes as stored. */
  sha256: string;
}

export interface ReadBackup {
  state: CollectionBackup['state'];
  /** Why it is not complete; or what is missing without being needed. */
  reason?: string;
  /** What a recovery of it ends with; absent where it can be recovered, if only by its id. */
  error?: FerryError;
  /** Where the manifest can be read. */
  found?: FoundManifest;
  /** What it continues, the newest first; empty for a full one, and where it cannot be recovered. */
  bases: FoundManifest[];
}

export type UsableBackup = ReadBackup & { found: FoundManifest; error?: never };

export type OfCollection = Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>;

export type HeadObject = (
  key: string,
) => Promise<StoredObject | undefined> | Pick<StoredObject, 'bytes' | 'archived'> | undefined;

export interface ReadBackupOptions {
  /** Absent: objects are not looked at. */
  head?: HeadObject | undefined;
  /** Peers of the cluster that it must be of; absent or empty: of any. */
  identity?: readonly string[] | undefined;
  /** The hash that its manifest must have; with another one nothing more is read. */
  sha256?: string | undefined;
  signal?: AbortSignal | undefined;
}

const HEADS_AT_ONCE = 8;

export async function readBackup(
  store: ObjectStore,
  of: OfCollection,
  { head, identity = [], sha256, signal }: ReadBackupOptions,
): Promise<ReadBackup> {
  let found: FoundManifest | undefined;
  try {
    found = await findManifest(store, of, signal);
    if (found === undefined) throw new Incomplete(of, 'it has no manifest');
    if (sha256 !== undefined && found.sha256 !== sha256) throw otherManifest(of);
    await requireChecked(store, of, found, signal);
    const reason = head && (await requireObjects(store, found.manifest, head));
    const heads = head && ((key: string) => store.head(key));
    const bases = await requireBases(store, found.manifest, { head: heads, signal });
    return { ...stateOf(found.manifest, identity, reason), found, bases };
  } catch (error) {
    const state = stateAfter(error);
    if (state === undefined || !(error instanceof FerryError)) throw error;
    const known = found === undefined ? {} : { found };
    return { state, reason: error.happened.slice(0, 300), error, bases: [], ...known };
  }
}

export function isUsable(backup: ReadBackup): backup is UsableBackup {
  return backup.error === undefined;
}

/** What a recovery that names the backup goes by, or the reason why it cannot, as an error. */
export async function requireUsable(
  store: ObjectStore,
  of: OfCollection,
  options: ReadBackupOptions,
): Promise<UsableBackup> {
  const backup = await readBackup(store, of, options);
  if (isUsable(backup)) return backup;
  throw (backup.found === undefined && (await errorOfGone(store, of, options.signal))) || backup.error;
}

/** Undefined where something is left of it, and no prune removed it. */
async function errorOfGone(
  store: ObjectStore,
  of: OfCollection,
  signal?: AbortSignal,
): Promise<FerryError | undefined> {
  const pruned = await errorOfPruned(store, of, signal);
  if (pruned !== undefined) return pruned;
  for await (const _ of store.list(backupFolder(of.cluster, of.backup))) return undefined;
  const happened = `The store holds nothing of the backup ${of.backup} of "${of.collection}": it was removed`;
  return new FerryError('BackupNotFound', happened, { context: { store: store.alias, ...of } });
}

/** Undefined where no prune removed it, or began to. */
export async function errorOfPruned(
  store: ObjectStore,
  of: OfCollection,
  signal?: AbortSignal,
): Promise<FerryError | undefined> {
  if ((await store.head(manifestKey(of.cluster, of.backup, of.collection))) !== undefined) return undefined;
  const key = prunedKey(of.cluster, of.backup, of.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return undefined;
  const { at, reasons } = parseDocument(prunedSchema, text, key);
  const happened = `The backup ${of.backup} of "${of.collection}" was pruned on ${at.slice(0, 10)}: ${reasons.join(', ')}`;
  return new FerryError('BackupNotFound', happened, { context: { store: store.alias, ...of } });
}

function otherManifest({ cluster, backup, collection }: OfCollection): FerryError {
  const key = manifestKey(cluster, backup, collection);
  return invalid('The manifest is another one now', key);
}

/**
 * An increment is as usable as the backup that it continues. Whether that is the very manifest which it names is seen before
 * its own base is read: a hash cannot name itself, so documents that were changed to lead in a circle end the reading.
 */
async function requireBases(
  store: ObjectStore,
  { backup, collection, base }: CollectionManifest,
  options: ReadBackupOptions,
): Promise<FoundManifest[]> {
  if (base === undefined) return [];
  const read = await readBackup(store, base, { ...options, sha256: base.manifestSha256 });
  if (read.found !== undefined && read.found.sha256 !== base.manifestSha256) {
    const happened = `The increment needs its base ${base.backup}, whose manifest is another one now`;
    throw new FerryError('ManifestInvalid', happened, { context: { backup, collection } });
  }
  if (read.error !== undefined) {
    const happened = `The increment needs its base ${base.backup}, which cannot be used: ${read.error.happened}`;
    throw new FerryError(read.error.code, happened, { cause: read.error, context: { backup, collection } });
  }
  return [...(read.found === undefined ? [] : [read.found]), ...read.bases];
}

const STATES: Partial<Record<ErrorCode, CollectionBackup['state']>> = {
  ManifestInvalid: 'damaged',
  ManifestTooNew: 'tooNew',
  ObjectMissing: 'damaged',
  ObjectDamaged: 'damaged',
  ObjectArchived: 'archived',
};

function stateAfter(error: unknown): CollectionBackup['state'] | undefined {
  if (error instanceof Incomplete) return 'incomplete';
  return error instanceof FerryError ? STATES[error.code] : undefined;
}

function stateOf(
  { partial, clusterIdentity }: CollectionManifest,
  identity: readonly string[],
  reason: string | undefined,
): Pick<ReadBackup, 'state' | 'reason'> {
  const knowsBoth = identity.length > 0 && clusterIdentity.length > 0;
  if (knowsBoth && !sharesPeer(identity, clusterIdentity)) {
    return { state: 'otherCluster', reason: `it is of ${clusterText(clusterIdentity)}` };
  }
  if (partial !== undefined) return { state: 'partial', reason: partial.reason };
  return { state: 'complete', ...(reason === undefined ? {} : { reason }) };
}

/**
 * Undefined where there is none; `ManifestInvalid` or `ManifestTooNew` where it cannot be used. A manifest that is
 * returned is of this collection of this backup, lists all shards with gapless parts, names objects in the collection's
 * own folder only, and holds a configuration that can be read.
 */
export async function findManifest(
  store: ObjectStore,
  of: OfCollection,
  signal?: AbortSignal,
): Promise<FoundManifest | undefined> {
  const key = manifestKey(of.cluster, of.backup, of.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return undefined;
  const manifest = parseDocument(collectionManifestSchema, text, key);
  requireOwn(manifest, of, key, 'The manifest');
  requireWhole(manifest, of, key);
  recoveredSettings(manifest);
  return { manifest, sha256: sha256OfText(text) };
}

/** A document that was copied into another folder would lead to the objects of another backup. */
function requireOwn(document: OfCollection, of: OfCollection, key: string, what: string): void {
  const { cluster, backup, collection } = document;
  if (cluster === of.cluster && backup === of.backup && collection === of.collection) return;
  throw invalid(`${what} is of another backup: ${cluster}/${backup}/${collection}`, key);
}

async function requireChecked(
  store: ObjectStore,
  of: OfCollection,
  { sha256 }: FoundManifest,
  signal?: AbortSignal,
): Promise<void> {
  const key = completeKey(of.cluster, of.backup, of.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) throw new Incomplete(of, 'its objects were never checked (no complete.json)');
  const complete = parseDocument(completeDocumentSchema, text, key);
  requireOwn(complete, of, key, 'complete.json');
  if (complete.manifestSha256 !== sha256)
    throw invalid('The manifest is not the one that complete.json names', key);
}

/** Throws the first fault; returns what is missing without being needed. */
export async function requireObjects(
  store: ObjectStore,
  manifest: CollectionManifest,
  head: HeadObject,
): Promise<string | undefined> {
  const archived: string[] = [];
  const { recall } = manifest;
  const lengths = [...lengthsOf(partsOf(manifest))].filter(([key]) => key !== recall?.key);
  const faults = await mapInOrder(lengths, HEADS_AT_ONCE, async ([key, length]) => {
    const found = await head(key);
    if (found?.archived) archived.push(key);
    return lengthFault(key, length, found?.bytes, store.alias);
  });
  const fault = faults.find((one) => one !== undefined);
  if (fault !== undefined) throw fault;
  if (archived.length > 0)
    throw new FerryError('ObjectArchived', restoreFirst(archived.sort()), {
      context: { store: store.alias },
    });
  // Only a rehearsal misses it.
  const missing =
    recall && lengthFault(recall.key, recall.bytes, (await head(recall.key))?.bytes, store.alias);
  return missing && `${missing.happened} (the baseline of searches; the snapshots are there)`;
}

/** How long each object must be: to the end of its last part. */
export function lengthsOf(parts: readonly ManifestPart[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const { key, offset, bytes } of parts) {
    lengths.set(key, Math.max(lengths.get(key) ?? 0, offset + bytes));
  }
  return lengths;
}

function lengthFault(
  key: string,
  length: number,
  found: number | undefined,
  store: string,
): FerryError | undefined {
  if (found === length) return undefined;
  const name = key.slice(key.lastIndexOf('/') + 1);
  if (found === undefined)
    return new FerryError('ObjectMissing', `${name} is missing`, { context: { store, key } });
  const happened = `${name} has ${found} of ${length} bytes`;
  return new FerryError('ObjectDamaged', happened, { context: { store, key } });
}

class Incomplete extends FerryError {
  constructor({ cluster, backup, collection }: OfCollection, why: string) {
    const happened = `The backup ${backup} of "${collection}" never became complete: ${why}`;
    super('ManifestInvalid', happened, { context: { cluster, backup, collection } });
  }
}
