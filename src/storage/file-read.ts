// Reads a file as a stream that is whole or throws: it is measured when it is opened, and must give that many bytes. The
// next piece is read while the receiver is busy with the one before.
// A file that is replaced meanwhile goes on as the old one, for the open file is.

import { open, type FileHandle } from 'node:fs/promises';
import { FerryError } from '../model/errors.js';
import { fileFailure } from './file-failures.js';
import { statObject, type FilePlace } from './file-place.js';
import type { ByteRange } from './object-store.js';

const CHUNK_BYTES = 256 * 1024;

export async function* readFileObject(
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
  yield* readPathRange(place.pathOf(key), where, options);
}

/** The same of a path that may be no key's. */
export async function* readPathRange(
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
