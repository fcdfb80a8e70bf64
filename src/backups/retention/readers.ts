// Who reads a backup: a recovery, a rehearsal, or the increment that continues it. Each job has a small object in the store,
// so that no prune, of whichever installation, removes the backup beneath it.
//
//   1. A reader counts for a day after the store wrote its object; nobody's clock is compared with another's. Every activity
//      that reads writes it again, once an hour, and the end of the job removes it.
//   2. A prune writes pruned.json, looks for readers, and only then deletes the manifest. A job writes its object first, and
//      reads the manifest after it. So one of them sees the other.
//   3. Whoever reads a link keeps those below it: a prune never removes the base of what stays.

import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { CollectionBackupRef } from '../../model/contracts/backup-catalogue.js';
import { FerryError } from '../../model/errors.js';
import {
  manifestKey,
  prunedKey,
  readBackupOf,
  readerKey,
  readersFolder,
} from '../../model/format/backup-names.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { readerSchema, type ReaderDocument } from '../../model/format/reader-document.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore, StoredObject } from '../../storage/object-store.js';
import { readIfThere } from '../../shards/read-text.js';

const COUNTS_FOR_MS = 24 * 3_600_000;
const RENEWED_EVERY_MS = 3_600_000;
/** Of a prune between its last look for readers and its deletion of the manifest. */
const REMOVAL_MS = 5_000;
const LOOK_EVERY_MS = 250;

type OfCollection = Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>;

export interface Reader {
  key: string;
  backup: string;
  collection: string;
  /** The workflow. */
  reader: string;
}

/** Of one process. When it last wrote each object: the monotonic clock stands still while a machine sleeps. */
const written = new Map<string, { monotonic: number; wall: number }>();

/** Throws where the store cannot be written. */
export async function noteReader(store: ObjectStore, of: OfCollection, reader: string): Promise<void> {
  const key = keyOf(of, reader);
  const known = `${store.alias} ${key}`;
  if (isFresh(written.get(known)) && (await store.head(key)) !== undefined) return;
  const { cluster, backup, collection } = of;
  const document: ReaderDocument = {
    format: 'qdrant-ferry/reader',
    version: MANIFEST_VERSION,
    ...{ backup, cluster, collection, reader, at: new Date().toISOString() },
  };
  const body = Buffer.from(documentText(document));
  await store.put(key, body, { contentType: 'application/json' });
  written.set(known, { monotonic: performance.now(), wall: Date.now() });
  await outlastRemoval(store, of);
}

function isFresh(at: { monotonic: number; wall: number } | undefined): boolean {
  if (at === undefined) return false;
  const passed = Math.max(performance.now() - at.monotonic, Date.now() - at.wall);
  return passed < RENEWED_EVERY_MS;
}

/** What is not removed stops counting after a day. */
export async function removeReader(store: ObjectStore, of: OfCollection, reader: string): Promise<void> {
  const key = keyOf(of, reader);
  written.delete(`${store.alias} ${key}`);
  try {
    await store.delete(key);
  } catch (error) {
    if (!(error instanceof FerryError)) throw error;
  }
}

/** By the store's time: those of the backups of a cluster that count, and the objects of those that no longer do. */
export async function readersOf(
  store: ObjectStore,
  now: Date,
  cluster: string,
  of?: { backup: string; collection: string },
): Promise<{ readers: Reader[]; expired: StoredObject[] }> {
  const readers: Reader[] = [];
  const expired: StoredObject[] = [];
  for await (const object of store.list(readersFolder(cluster, of?.backup, of?.collection))) {
    const named = readBackupOf(object.key);
    if (named === undefined) continue;
    const isExpired = now.getTime() - new Date(object.modifiedAt).getTime() > COUNTS_FOR_MS;
    if (isExpired) expired.push(object);
    else readers.push({ key: object.key, ...named, reader: await nameIn(store, object.key) });
  }
  return { readers, expired };
}

/** Of one that is damaged, or of a newer ferry, only its place is known, and that is enough. */
async function nameIn(store: ObjectStore, key: string): Promise<string> {
  try {
    const text = await readIfThere(store, key);
    return text === undefined ? 'a job' : parseDocument(readerSchema, text, key).reader;
  } catch (error) {
    if (error instanceof FerryError && !error.retryable) return 'a job';
    throw error;
  }
}

/** A prune that looked for readers and pins a moment before may still delete the manifest; one that was cut off will not. */
export async function outlastRemoval(
  store: ObjectStore,
  { cluster, backup, collection }: OfCollection,
): Promise<void> {
  const isBegun = async () => (await store.head(prunedKey(cluster, backup, collection))) !== undefined;
  const isThere = async () => (await store.head(manifestKey(cluster, backup, collection))) !== undefined;
  for (const until = performance.now() + REMOVAL_MS; performance.now() < until; await pause(LOOK_EVERY_MS))
    if (!(await isBegun()) || !(await isThere())) return;
}

function keyOf({ cluster, backup, collection }: OfCollection, reader: string): string {
  const hash = createHash('sha256').update(reader).digest('hex').slice(0, 16);
  return readerKey(cluster, backup, collection, hash);
}
