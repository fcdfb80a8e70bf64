// A snapshot's object in the store and the document beside it. Promises the order: the object first, whole, then the
// document that lists its parts; so what has no document does not count. The key carries a nonce of the upload, so that
// no two attempts write under one key, except where the later one goes on with the upload of the earlier. Deletes only
// what an earlier attempt of the same activity left without a document: docs/decisions/0010-what-is-complete.md.

import { FerryError } from '../model/errors.js';
import type { ManifestPart } from '../model/format/manifest.js';
import { documentText } from '../model/format/document-text.js';
import type { ObjectStore, StoredPart, Upload } from '../storage/object-store.js';
import { readIfThere } from './read-text.js';

export interface SnapshotObject {
  store: ObjectStore;
  key: string;
  documentKey: string;
}

/** What an earlier attempt, whose answer was lost, wrote of the whole object. */
export async function earlierDocument<T>(
  { store, key, documentKey }: SnapshotObject,
  read: (text: string) => T,
  bytesIn: (document: T) => number,
): Promise<T | undefined> {
  const text = await readIfThere(store, documentKey);
  if (text === undefined) return undefined;
  const document = read(text);
  return (await store.head(key))?.bytes === bytesIn(document) ? document : undefined;
}

/** Takes away what an earlier attempt of this activity left under its key. An object with a document stays. */
export async function clearLeftovers({ store, key, documentKey }: SnapshotObject): Promise<void> {
  for await (const left of store.uploads(key)) {
    if (left.key === key) await (await store.resumeUpload(key, left.id))?.abort();
  }
  if ((await store.head(documentKey)) === undefined && (await store.head(key))) await store.delete(key);
}

export async function completeSnapshot(
  { key }: SnapshotObject,
  upload: Upload,
  parts: readonly StoredPart[],
): Promise<ManifestPart[]> {
  if (parts.length === 0) throw new FerryError('SnapshotIncomplete', 'The snapshot is empty');
  await upload.complete(parts, { ifAbsent: true });
  return listedParts(key, parts);
}

/** Returns the document that stands there: an attempt that completed the same upload may have been quicker. */
export async function writeDocument<T>(
  { store, documentKey }: SnapshotObject,
  document: T,
  read: (text: string) => T,
): Promise<T> {
  const body = Buffer.from(documentText(document));
  try {
    await store.put(documentKey, body, { ifAbsent: true, contentType: 'application/json' });
    return document;
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
    const earlier = await readIfThere(store, documentKey);
    if (earlier === undefined) throw error;
    return read(earlier);
  }
}

function listedParts(key: string, parts: readonly StoredPart[]): ManifestPart[] {
  let offset = 0;
  return parts.map(({ bytes, sha256 }) => {
    const part = { key, offset, bytes, sha256 };
    offset += bytes;
    return part;
  });
}

export function bytesOf(parts: readonly { bytes: number }[]): number {
  return parts.reduce((sum, part) => sum + part.bytes, 0);
}
