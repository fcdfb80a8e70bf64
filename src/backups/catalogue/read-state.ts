// Whether the backup of one collection can be used: the only place that decides it. backup.json, `ferry backups`,
// `ferry check-backup` and every recovery go by its answer, so they cannot disagree.
//
//   complete    complete.json names this very manifest, and every object has the size that the manifest gives
//   partial     the same, of a collection that a job was filling at the time
//   incomplete  no manifest, or its objects were never checked
//   damaged     a document that cannot be believed, or an object that is not as the manifest says
//
// Reads documents and sizes; the content of objects is what `checkObjects` reads.

import type { CollectionBackupRef } from '../../model/contracts/backup-activities.js';
import { completeKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  completeDocumentSchema,
  parseDocument,
  partsOf,
  type CollectionManifest,
  type ManifestPart,
} from '../../model/format/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIfThere } from '../../shards/read-text.js';
import { findManifest, type FoundManifest, type OfCollection } from './read-manifest.js';

/** Bytes of an object; undefined where there is none. */
export type SizeOf = (key: string) => Promise<number | undefined> | number | undefined;

export interface UsableBackup {
  state: 'complete' | 'partial';
  found: FoundManifest;
  /** Of `partial`; or what is missing without being needed. */
  reason?: string;
}

export interface UnusableBackup {
  state: 'incomplete' | 'damaged';
  reason: string;
  error: FerryError;
  /** Where the manifest itself can be read. */
  found?: FoundManifest;
}

export type CollectionState = UsableBackup | UnusableBackup;

const SIZES_AT_ONCE = 8;

/** `sizeOf` absent: sizes are not asked for. */
export async function readState(
  store: ObjectStore,
  of: OfCollection,
  sizeOf: SizeOf | undefined,
  signal?: AbortSignal,
): Promise<CollectionState> {
  let found: FoundManifest | undefined;
  try {
    found = await findManifest(store, of, signal);
    if (found === undefined) throw new Incomplete(of, 'it has no manifest');
    await requireChecked(store, of, found, signal);
    const fault = sizeOf === undefined ? undefined : await sizeFault(found.manifest, sizeOf);
    if (fault !== undefined) throw invalid(fault, found.key);
    return await usable(found, sizeOf);
  } catch (error) {
    if (!isUnbelievable(error)) throw error;
    const reason = sentenceOf(error);
    const state = error instanceof Incomplete ? 'incomplete' : 'damaged';
    return { state, reason, error, ...(found === undefined ? {} : { found }) };
  }
}

export function isUsable(state: CollectionState): state is UsableBackup {
  return state.state === 'complete' || state.state === 'partial';
}

/** The manifest of a backup that can be recovered, or the reason as an error. */
export async function requireUsable(
  store: ObjectStore,
  from: CollectionBackupRef,
  signal?: AbortSignal,
): Promise<UsableBackup> {
  const state = await readState(store, from, undefined, signal);
  if (isUsable(state)) return state;
  throw state.error;
}

/** By one request an object. */
export function sizesInStore(store: ObjectStore): SizeOf {
  return async (key) => (await store.head(key))?.bytes;
}

async function requireChecked(
  store: ObjectStore,
  of: OfCollection,
  { sha256 }: FoundManifest,
  signal?: AbortSignal,
): Promise<void> {
  const key = completeKey(of.cluster, of.backup, of.collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined)
    throw new Incomplete(of, 'its objects were never found to be whole (no complete.json)');
  const complete = parseDocument(completeDocumentSchema, text, key);
  const { cluster, backup, collection } = complete;
  const isOwn = cluster === of.cluster && backup === of.backup && collection === of.collection;
  if (!isOwn) throw invalid(`complete.json is of another backup: ${cluster}/${backup}/${collection}`, key);
  if (complete.manifestSha256 !== sha256)
    throw invalid('The manifest is not the one that complete.json names', key);
}

async function sizeFault(manifest: CollectionManifest, sizeOf: SizeOf): Promise<string | undefined> {
  const wanted = [...lengthsOf(partsOf(manifest))].filter(([key]) => key !== manifest.recall?.key);
  for (let at = 0; at < wanted.length; at += SIZES_AT_ONCE) {
    const some = wanted.slice(at, at + SIZES_AT_ONCE);
    const faults = await Promise.all(some.map(([key, length]) => lengthFault(key, length, sizeOf)));
    const fault = faults.find((one) => one !== undefined);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** How long each object must be: to the end of its last part. */
export function lengthsOf(parts: readonly ManifestPart[]): Map<string, number> {
  const lengths = new Map<string, number>();
  for (const { key, offset, bytes } of parts) {
    lengths.set(key, Math.max(lengths.get(key) ?? 0, offset + bytes));
  }
  return lengths;
}

async function lengthFault(key: string, length: number, sizeOf: SizeOf): Promise<string | undefined> {
  const found = await sizeOf(key);
  if (found === length) return undefined;
  const name = key.slice(key.lastIndexOf('/') + 1);
  return found === undefined ? `${name} is missing` : `${name} has ${found} of ${length} bytes`;
}

async function usable(found: FoundManifest, sizeOf: SizeOf | undefined): Promise<UsableBackup> {
  const { partial, recall } = found.manifest;
  if (partial !== undefined) return { state: 'partial', found, reason: partial.reason };
  // Only a rehearsal misses it.
  const fault = recall && sizeOf && (await lengthFault(recall.key, recall.bytes, sizeOf));
  const reason = `${fault} (the baseline of searches; the snapshots are there)`;
  return { state: 'complete', found, ...(fault === undefined ? {} : { reason }) };
}

class Incomplete extends FerryError {
  constructor({ cluster, backup, collection }: OfCollection, why: string) {
    const happened = `The backup ${backup} of "${collection}" never became complete: ${why}`;
    super('ManifestInvalid', happened, { context: { cluster, backup, collection } });
  }
}

function isUnbelievable(error: unknown): error is FerryError {
  return error instanceof FerryError && (error.code === 'ManifestInvalid' || error.code === 'ManifestTooNew');
}

function sentenceOf({ happened }: FerryError): string {
  return happened.slice(0, 300);
}

function invalid(happened: string, key: string): FerryError {
  return new FerryError('ManifestInvalid', happened, { context: { key } });
}
