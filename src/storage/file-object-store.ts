// Backups on a disk: file:///path. Keeps the promises of the port with files anybody can read: an object is a file under
// its own key (escaped where a disk needs it), and it appears by getting its name when all of it is on the disk. One
// thing S3 can do and this cannot: hold "a" beside "a/b"; that is refused.

import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FerryError } from '../model/errors.js';
import type { StoreConnection } from '../model/ferry-config.js';
import { fileNameFor, keyOfFileName } from '../model/format/file-names.js';
import { isSameContent } from './content-hash.js';
import {
  fileFailure,
  filePlace,
  hasHardLinks,
  isErrno,
  makeFolder,
  readFileRange,
  removeEmptyFolders,
  statObject,
  syncFolder,
  writeDurably,
  type FilePlace,
} from './disk.js';
import { beginFileUpload, FileUpload } from './file-upload.js';
import type { ByteRange, ObjectStore, StoredObject, UnfinishedUpload, Upload } from './object-store.js';

const UPLOAD_ID = /^[0-9a-f]{32}$/;

export class FileObjectStore implements ObjectStore {
  readonly alias: string;
  readonly #place: FilePlace;
  #limitations: string[] = [];

  constructor(store: StoreConnection) {
    this.alias = store.alias;
    this.#place = filePlace(store.url);
  }

  get limitations(): readonly string[] {
    return this.#limitations;
  }

  /** Throws when nothing can be written here. */
  async probe(): Promise<void> {
    const path = join(this.#place.uploads, `probe-${randomBytes(8).toString('hex')}`);
    await this.#asking('', async () => {
      await makeFolder(this.#place.uploads).catch((error: unknown) => {
        throw isErrno(error, 'ENOENT') ? this.#noFolder('') : error;
      });
      try {
        await writeDurably(path, Buffer.from('probe'));
        this.#limitations = (await hasHardLinks(path)) ? [] : [NO_HARD_LINKS];
      } finally {
        await rm(path, { force: true });
      }
    });
  }

  async put(
    key: string,
    body: Uint8Array,
    options: { ifAbsent?: boolean; contentType?: string } = {},
  ): Promise<StoredObject> {
    const upload = await this.upload(key);
    try {
      return await upload.complete([await upload.putPart(1, body)], options);
    } catch (error) {
      await upload.abort().catch(() => undefined);
      const there = isExists(error) ? await this.head(key) : undefined;
      if (there?.bytes === body.byteLength && (await isSameContent(this.read(key), body))) return there;
      throw error;
    }
  }

  async upload(key: string): Promise<Upload> {
    return this.#asking(key, async () => {
      // A key that a disk cannot hold is refused before its bytes are sent.
      this.#place.pathOf(key);
      return beginFileUpload(this.#place, key).catch((error: unknown) => {
        throw isErrno(error, 'ENOENT') ? this.#noFolder(key) : error;
      });
    });
  }

  async resumeUpload(key: string, id: string): Promise<Upload | undefined> {
    if (!UPLOAD_ID.test(id) || (await this.#keyOfUpload(id)) !== key) return undefined;
    return new FileUpload(this.#place, key, id);
  }

  async *uploads(prefix: string): AsyncGenerator<UnfinishedUpload> {
    const ids = await this.#asking(prefix, () => readdir(this.#place.uploads).catch(emptyWhereAbsent));
    for (const id of ids.filter((name) => UPLOAD_ID.test(name))) {
      const key = await this.#keyOfUpload(id);
      const begun = await stat(join(this.#place.uploads, id, 'key')).catch(() => undefined);
      if (!key?.startsWith(prefix) || begun === undefined) continue;
      yield { key, id, startedAt: begun.mtime.toISOString() };
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    return this.#asking(key, () => statObject(this.#place, key)).catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
  }

  read(key: string, options: { range?: ByteRange; signal?: AbortSignal } = {}): AsyncIterable<Uint8Array> {
    return readFileObject(this.#place, key, options);
  }

  async *list(prefix: string, options: { after?: string } = {}): AsyncGenerator<StoredObject> {
    const after = Buffer.from(options.after ?? '');
    for (const key of await this.#asking(prefix, () => keysBelow(this.#place.root, prefix))) {
      if (options.after !== undefined && Buffer.compare(Buffer.from(key), after) <= 0) continue;
      const found = await this.head(key);
      if (found !== undefined) yield found;
    }
  }

  async *folders(prefix: string): AsyncGenerator<string> {
    let last: string | undefined;
    for (const key of await this.#asking(prefix, () => keysBelow(this.#place.root, prefix))) {
      const slash = key.indexOf('/', prefix.length);
      const name = slash < 0 ? undefined : key.slice(prefix.length, slash);
      if (name !== undefined && name !== last) yield name;
      last = name ?? last;
    }
  }

  async delete(key: string): Promise<void> {
    await this.#asking(key, async () => {
      const path = this.#place.pathOf(key);
      if ((await this.head(key)) === undefined) return;
      await rm(path, { force: true });
      await syncFolder(dirname(path)).catch(() => undefined);
      await removeEmptyFolders(dirname(path), this.#place.root);
    });
  }

  async presignedUrl(): Promise<undefined> {
    return undefined;
  }

  #noFolder(key: string): FerryError {
    const context = { bucket: this.#place.root, key };
    return new FerryError('StoreRejected', 'The folder of this store cannot be created', { context });
  }

  async #keyOfUpload(id: string): Promise<string | undefined> {
    return readFile(join(this.#place.uploads, id, 'key'), 'utf8').catch(() => undefined);
  }

  async #asking<T>(key: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw fileFailure(error, this.#place.root, key);
    }
  }
}

const NO_HARD_LINKS =
  'This disk has no hard links: ferry looks for an object before it writes one that must not be overwritten; two writers at the same moment are not told apart.';

function isExists(error: unknown): boolean {
  return error instanceof FerryError && error.code === 'ObjectExists';
}

function isAbsent(error: unknown): boolean {
  return error instanceof FerryError && error.code === 'ObjectMissing';
}

function emptyWhereAbsent(error: unknown): string[] {
  if (isErrno(error, 'ENOENT')) return [];
  throw error;
}

async function* readFileObject(
  place: FilePlace,
  key: string,
  options: { range?: ByteRange; signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  const where = { root: place.root, key };
  try {
    await statObject(place, key);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw fileFailure(error, where.root, where.key);
  }
  yield* readFileRange(place.pathOf(key), where, options);
}

/**
 * Keys that begin with `prefix`, in S3's order: ascending by the bytes of UTF-8. Holds the names in memory, not their
 * contents. What no key can be named (a hidden folder, somebody's own file) is passed over.
 */
async function keysBelow(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // "a/" is the folder a, whose name a key in it shows.
  const path = folder === '' ? '' : fileNameFor(`${folder}x`).slice(0, -2);
  const keys: { key: string; bytes: Buffer }[] = [];
  for await (const file of filesBelow(root, path)) {
    const key = keyOfFileName(file);
    if (key?.startsWith(prefix)) keys.push({ key, bytes: Buffer.from(key) });
  }
  return keys.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ key }) => key);
}

async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(join(root, path))) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory() && !entry.name.startsWith('.')) yield* filesBelow(root, name);
    else if (entry.isFile()) yield name;
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // Removed meanwhile, or never there: no objects.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
