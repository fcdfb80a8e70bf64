// A snapshot's object in the store and the document beside it. Promises the order: the object first, whole, then the
// document that lists its parts; so what has no document does not count, and is taken away by whoever comes next. Keys
// below a backup's id belong to that backup alone.

import { FerryError } from '../../model/errors.js';
import type { ManifestPart } from '../../model/manifest.js';
import type { ObjectStore, StoredPart, Upload } from '../../storage/object-store.js';
import { readIfThere } from '../read-text.js';

export interface SnapshotObject {
  store: ObjectStore;
  key: string;
  documentKey: string;
}

/** What an earlier attempt, whose answer was lost, wrote of the whole object; what contradicts the object goes. */
export async function earlierDocument<T>(
  { store, key, documentKey }: SnapshotObject,
  read: (text: string) => T,
  bytesIn: (document: T) => number,
): Promise<T | undefined> {
  const text = await readIfThere(store, documentKey);
  if (text === undefined) return undefined;
  const document = read(text);
  if ((await store.head(key))?.bytes === bytesIn(document)) return document;
  await store.delete(documentKey);
  return undefined;
}

/** Takes away what dead attempts left under the key: uploads, and an object without a document. */
export async function clearLeftovers({ store, key }: SnapshotObject, keep?: string): Promise<void> {
  for await (const left of store.uploads(key)) {
    if (left.key === key && left.id !== keep) await (await store.resumeUpload(key, left.id))?.abort();
  }
  if (await store.head(key)) await store.delete(key);
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

export async function writeDocument(
  { store, documentKey }: SnapshotObject,
  document: unknown,
): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(document, null, 1)}\n`);
  await store.put(documentKey, body, { ifAbsent: true, contentType: 'application/json' });
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
