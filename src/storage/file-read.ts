// Reads a file as a stream that is whole or throws: it is measured when it is opened, and must give that many bytes.
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
  let file: FileHandle | undefined;
  try {
    await statObject(place, key);
    file = await open(place.pathOf(key), 'r');
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
  for (let at = from; at < to;) {
    signal?.throwIfAborted();
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, to - at));
    const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, at);
    if (bytesRead === 0) throw tooShort(where, at, to);
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function tooShort({ root, key }: { root: string; key: string }, bytes: number, wanted: number): FerryError {
  return new FerryError('ObjectDamaged', `The object has ${bytes} bytes where ${wanted} are wanted`, {
    context: { bucket: root, key },
  });
}
