// Opens the snapshot files that a recovery was planned with, and knows what is inside them. Promises that a file is the
// very one that was planned with: its etag and its length are asked for again. What was found inside is remembered, for
// every step of a recovery needs it.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { ExternalFile } from '../model/externals/source.js';
import { indexSnapshot, type SnapshotIndex, type StorageIndex } from '../qdrant/files/snapshot-index.js';
import { within } from '../qdrant/files/segments.js';
import type { ExternalPlace, ExternalPlaces } from './external-ports.js';
import type { Passing } from '../shards/recoverable-collection.js';
import { readAll, unreadable, type ByteFile } from '../qdrant/files/tar-walk.js';

const REMEMBERED = 256;

export interface Where {
  isUrl: boolean;
  store: string;
}

export class SnapshotFiles {
  readonly #places: ExternalPlaces;
  readonly #indexes = new Map<string, Promise<SnapshotIndex>>();

  constructor(places: ExternalPlaces) {
    this.#places = places;
  }

  place({ isUrl, store }: Where): ExternalPlace {
    return isUrl ? this.#places.urls : this.#places.ofStore(store);
  }

  /** What a file is called by whoever wrote it. */
  pathOf({ isUrl }: Where, key: string): string {
    return isUrl ? this.#places.pathOf(key) : key;
  }

  /** The file as it is now. */
  async find(where: Where, key: string, signal: AbortSignal): Promise<ExternalFile> {
    const found = await this.place(where).head(key, signal);
    if (found) return { path: key, etag: found.etag, bytes: found.bytes };
    throw new FerryError('ObjectMissing', 'There is no such file', { context: { file: key } });
  }

  /** The file that was planned with, or `ObjectDamaged`. */
  async open(where: Where, planned: ExternalFile, signal: AbortSignal): Promise<ByteFile> {
    const { path, etag, bytes, inner } = planned;
    const now = await this.find(where, path, signal);
    if (now.etag !== etag || now.bytes !== bytes) {
      const happened = 'The file was replaced after this recovery was planned';
      throw new FerryError('ObjectDamaged', happened, { context: { file: path } });
    }
    const file = this.fileOf(where, planned);
    if (inner === undefined) return file;
    const outer = await this.index(where, { path, etag, bytes }, file, signal);
    return outer.kind === 'storage' ? innerFile(file, outer, inner) : file;
  }

  fileOf(where: Where, { path, bytes }: ExternalFile): ByteFile {
    const place = this.place(where);
    return {
      name: path,
      bytes,
      read: (from, to, signal) => place.read(path, { range: { from, to }, signal }),
    };
  }

  index(where: Where, planned: ExternalFile, file: ByteFile, signal: AbortSignal): Promise<SnapshotIndex> {
    const name = JSON.stringify([where, planned]);
    const known = this.#indexes.get(name);
    if (known) return known;
    const index = indexSnapshot(file, signal);
    this.#indexes.set(name, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= REMEMBERED) break;
      this.#indexes.delete(oldest);
    }
    index.catch(() => this.#indexes.delete(name));
    return index;
  }
}

function innerFile(file: ByteFile, storage: StorageIndex, inner: string): ByteFile {
  const entry = storage.files.get(inner);
  if (entry) return within(file, inner, entry);
  throw unreadable(file, `should hold ${inner}, but does not`);
}

/** Every byte, against the sum that Qdrant left beside the file, where there is one. */
export async function readWholeFile(
  files: SnapshotFiles,
  where: Where,
  planned: ExternalFile,
  passing: Passing,
): Promise<void> {
  const file = files.fileOf(where, planned);
  const hash = createHash('sha256');
  for await (const chunk of file.read(0, file.bytes, passing.signal)) {
    hash.update(chunk);
    await passing.onBytes?.(chunk.length);
  }
  // Beside a URL there is nothing.
  const wanted = where.isUrl ? undefined : await sumBeside(files.place(where), file, passing.signal);
  const found = hash.digest('hex');
  if (wanted === undefined || wanted === found) return;
  const happened = `"${file.name}" has another SHA-256 than "${file.name}.checksum" says`;
  throw new FerryError('ObjectDamaged', happened, { context: { file: file.name } });
}

async function sumBeside(
  place: ExternalPlace,
  { name }: ByteFile,
  signal: AbortSignal,
): Promise<string | undefined> {
  const key = `${name}.checksum`;
  const found = await place.head(key, signal);
  if (!found || found.bytes > 1_000) return undefined;
  const read: ByteFile['read'] = (from, to) => place.read(key, { range: { from, to }, signal });
  const text = (await readAll({ name: key, bytes: found.bytes, read }, 0, found.bytes, signal)).toString();
  return /^\s*([0-9a-f]{64})\b/i.exec(text)?.[1]?.toLowerCase();
}
