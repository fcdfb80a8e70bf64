// What lies under a store on a disk: where its files are, the steps after which something is on the disk even if the power
// fails (contents first, then the name, then the folder that holds the name), and what the errors of a disk mean.

import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { link, mkdir, open, rename, rm, rmdir, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FerryError, type ErrorCode } from '../model/errors.js';
import { fileNameFor } from '../model/format/file-names.js';
import type { ByteRange, StoredObject } from './object-store.js';

const CHUNK_BYTES = 256 * 1024;
const COPY_BYTES = 1024 * 1024;

/** Where the objects of a store lie, and where uploads that are under way do. */
export interface FilePlace {
  root: string;
  /** Hidden: no key has such a name. */
  uploads: string;
  pathOf(key: string): string;
}

export function filePlace(url: string): FilePlace {
  const root = fileURLToPath(url).replace(/(?<=.)\/+$/, '');
  return { root, uploads: join(root, '.uploads'), pathOf: (key) => join(root, fileNameFor(key)) };
}

/** Throws ENOENT; also where the key leads below a file, or to a folder. */
export async function statObject(place: FilePlace, key: string): Promise<StoredObject> {
  const found = await stat(place.pathOf(key), { bigint: true }).catch((error: unknown) => {
    throw isErrno(error, 'ENOTDIR') ? absent() : error;
  });
  if (!found.isFile()) throw absent();
  return statedObject(key, found);
}

export function statedObject(key: string, found: BigIntStats): StoredObject {
  return {
    key,
    bytes: Number(found.size),
    etag: `${found.ino.toString(16)}-${found.mtimeNs.toString(16)}-${found.size.toString(16)}`,
    modifiedAt: found.mtime.toISOString(),
  };
}

function absent(): Error {
  return Object.assign(new Error('no such object'), { code: 'ENOENT' });
}

export async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, 'r');
  try {
    await opened.sync();
  } catch (error) {
    // Some network disks cannot; they keep names safe by themselves.
    if (!isErrno(error, 'EINVAL', 'ENOTSUP', 'EBADF')) throw error;
  } finally {
    await opened.close();
  }
}

/** With all folders above it. Not mkdir's own `recursive`: where a disk takes no folders at all, that never ends. */
export async function makeFolder(folder: string): Promise<void> {
  if (await isFolder(folder)) return;
  await makeFolder(dirname(folder));
  await mkdir(folder).catch((error: unknown) => {
    if (!isErrno(error, 'EEXIST')) throw error;
  });
  await syncFolder(dirname(folder));
}

/** Throws ENOTDIR where a file stands in its place. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (found === undefined || found.isDirectory()) return found !== undefined;
  throw Object.assign(new Error('a file is where a folder must be'), { code: 'ENOTDIR' });
}

/** A new file; there must be none. */
export async function writeDurably(path: string, body: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(body);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Gives a finished file its name, beside the one it has. Whole or not at all, at every moment; `onlyIfAbsent` fails with
 * EEXIST. Folders may vanish meanwhile, when another empties them: so twice.
 */
export async function publish(finished: string, path: string, onlyIfAbsent: boolean): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolder(dirname(path));
    try {
      await (onlyIfAbsent ? nameNew(finished, path) : replace(finished, path));
      return await syncFolder(dirname(path));
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || attempt === 3) throw error;
    }
  }
}

const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'];

/** Whether this disk gives a file two names; without, "only if absent" cannot be told at the same moment. */
export async function hasHardLinks(file: string): Promise<boolean> {
  try {
    await link(file, `${file}.linked`);
    await rm(`${file}.linked`);
    return true;
  } catch (error) {
    if (isErrno(error, ...NO_LINKS)) return false;
    throw error;
  }
}

async function nameNew(finished: string, path: string): Promise<void> {
  try {
    await link(finished, path);
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error;
    if (await exists(path)) throw Object.assign(new Error('exists'), { code: 'EEXIST' });
    await rename(finished, path);
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function replace(finished: string, path: string): Promise<void> {
  const second = `${finished}.named`;
  await rm(second, { force: true });
  try {
    await link(finished, second);
  } catch (error) {
    if (!isErrno(error, ...NO_LINKS)) throw error;
    return rename(finished, path);
  }
  await rename(second, path);
  // Renaming a file to another name of itself does nothing at all.
  await rm(second, { force: true });
}

/** Removes folders from `folder` upwards as long as they are empty, never `root` itself. */
export async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let at = folder; at.length > root.length; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'EBUSY')) return;
      throw error;
    }
  }
}

/** Gives the SHA-256 of what is really there. */
export async function copyBytes(
  path: string,
  { offset, bytes }: { offset: number; bytes: number },
  take: (piece: Uint8Array, done: number) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  const from = await open(path, 'r');
  const buffer = Buffer.allocUnsafe(COPY_BYTES);
  try {
    for (let done = 0; done < bytes;) {
      const wanted = Math.min(COPY_BYTES, bytes - done);
      const { bytesRead } = await from.read(buffer, 0, wanted, offset + done);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      await take(buffer.subarray(0, bytesRead), done);
      done += bytesRead;
    }
  } finally {
    await from.close();
  }
  return hash.digest('hex');
}

export async function writeAll(file: FileHandle, body: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < body.byteLength;) {
    const { bytesWritten } = await file.write(body, done, body.byteLength - done, offset + done);
    done += bytesWritten;
  }
}

/**
 * A stream that is whole or throws: the file is measured when it is opened, and must give that many bytes. The next piece
 * is read while the receiver is busy with the one before. A file that is replaced meanwhile goes on as the old one.
 */
export async function* readFileRange(
  path: string,
  where: { root: string; key: string },
  options: { range?: ByteRange; signal?: AbortSignal } = {},
): AsyncGenerator<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, 'r');
    const { size } = await file.stat();
    const from = options.range?.from ?? 0;
    const to = options.range?.to ?? Math.max(size, from);
    if (to > size) throw tooShort(where, size, to);
    yield* chunks(file, from, to, where, options.signal);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw fileFailure(error, where.root, where.key);
  } finally {
    await file?.close();
  }
}

async function* chunks(
  file: FileHandle,
  from: number,
  to: number,
  where: { root: string; key: string },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let next = from < to ? readChunk(file, from, to) : undefined;
  for (let at = from; next !== undefined;) {
    const chunk = await next;
    signal?.throwIfAborted();
    if (chunk.byteLength === 0) throw tooShort(where, at, to);
    at += chunk.byteLength;
    next = at < to ? readChunk(file, at, to) : undefined;
    yield chunk;
  }
}

function readChunk(file: FileHandle, at: number, to: number): Promise<Uint8Array> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, to - at));
  const reading = file
    .read(chunk, 0, chunk.byteLength, at)
    .then(({ bytesRead }) => chunk.subarray(0, bytesRead));
  // Nobody may ask for it any more: who reads on gets the failure all the same.
  reading.catch(() => undefined);
  return reading;
}

function tooShort({ root, key }: { root: string; key: string }, bytes: number, wanted: number): FerryError {
  return new FerryError('ObjectDamaged', `The object has ${bytes} bytes where ${wanted} are wanted`, {
    context: { bucket: root, key },
  });
}

const BY_CODE: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'StoreAccessDenied',
  EPERM: 'StoreAccessDenied',
  EROFS: 'StoreAccessDenied',
  ENOENT: 'ObjectMissing',
  ENOSPC: 'StoreFull',
  EDQUOT: 'StoreFull',
  EFBIG: 'StoreFull',
  ENOTDIR: 'StoreRejected',
  EISDIR: 'StoreRejected',
  ENAMETOOLONG: 'StoreRejected',
  ELOOP: 'StoreRejected',
};
const HAPPENED: Partial<Record<ErrorCode, string>> = {
  StoreAccessDenied: 'The disk refused access',
  StoreUnreachable: 'The disk failed',
  StoreFull: 'The disk is full',
  StoreRejected: 'This name conflicts with an existing file or folder',
  ObjectMissing: 'The object does not exist',
};

/** `root` stands where other stores have their bucket. */
export function fileFailure(error: unknown, root: string, key: string): FerryError {
  if (error instanceof FerryError) return error;
  const said = codeOf(error);
  const code = BY_CODE[said] ?? 'StoreUnreachable';
  return new FerryError(code, `${HAPPENED[code]} (${said || String(error)})`, {
    cause: error,
    context: { bucket: root, key },
  });
}

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return codes.includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}
