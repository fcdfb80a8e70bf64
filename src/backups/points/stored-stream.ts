// Objects that are written piece by piece while something else is read, and read back only as they were written. Promises
// that an object appears whole or not at all, with memory that does not depend on its size, and that not one byte of it is
// given before the whole of it was found to be what its reference names.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { FerryError } from '../../model/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { uploadStream } from '../../shards/upload-stream.js';

/** As a manifest or a slice's document names it. */
export interface ObjectRef {
  key: string;
  bytes: number;
  sha256: string;
}

/** Up to here an object is one request. */
const SMALL_BYTES = 1 << 20;

/** Throws `ObjectExists` where another object stands under the key. */
export async function storeStream(
  store: ObjectStore,
  key: string,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<ObjectRef> {
  const hash = createHash('sha256');
  let bytes = 0;
  const pass = (piece: Uint8Array) => {
    hash.update(piece);
    bytes += piece.length;
  };
  const pieces = content[Symbol.asyncIterator]();
  const { first, isAll } = await firstOf(pieces);
  if (isAll) {
    signal.throwIfAborted();
    pass(first);
    await store.put(key, first, { ifAbsent: true });
    return { key, bytes, sha256: hash.digest('hex') };
  }
  const open = () => joined(first, pieces);
  const upload = await store.upload(key);
  try {
    const flow = { open, check: { pass, finish: () => undefined }, signal };
    const parts = await uploadStream(flow, { upload, rules: store.partRules });
    await upload.complete(parts, { ifAbsent: true });
  } catch (error) {
    await upload.abort().catch(() => undefined); // the end of the job looks for what stays
    throw error;
  }
  return { key, bytes, sha256: hash.digest('hex') };
}

async function firstOf(pieces: AsyncIterator<Uint8Array>): Promise<{ first: Buffer; isAll: boolean }> {
  const read: Uint8Array[] = [];
  for (let bytes = 0; bytes <= SMALL_BYTES;) {
    const next = await pieces.next();
    if (next.done === true) return { first: Buffer.concat(read), isAll: true };
    read.push(next.value);
    bytes += next.value.length;
  }
  return { first: Buffer.concat(read), isAll: false };
}

async function* joined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/** For a loop that writes several objects at once. Ends with `end` or `abort`. */
export class ObjectWriter {
  readonly #pipe = new PassThrough({ highWaterMark: SMALL_BYTES });
  readonly #stored: Promise<ObjectRef>;
  #failure: unknown;
  written = 0;

  constructor(store: ObjectStore, key: string, signal: AbortSignal) {
    this.#stored = storeStream(store, key, this.#pipe, signal);
    this.#stored.catch((error: unknown) => {
      this.#failure = error ?? new Error('aborted');
      this.#pipe.destroy();
    });
  }

  /** The piece must not change afterwards. Resolves when there is room for more. */
  async write(piece: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.written += piece.length;
    if (piece.length === 0 || this.#pipe.write(piece)) return;
    await Promise.race([once(this.#pipe, 'drain'), this.#stored]);
  }

  async end(): Promise<ObjectRef> {
    this.#pipe.end();
    return this.#stored;
  }

  async abort(): Promise<void> {
    this.#pipe.destroy(new Error('aborted'));
    await this.#stored.catch(() => undefined);
  }
}

/** Reads it twice: what is absent from some objects is deleted at a recovery, so a part of one must not be believed. */
export async function* readChecked(
  store: ObjectStore,
  { key, bytes, sha256 }: ObjectRef,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const read = () => store.read(key, { range: { from: 0, to: bytes }, signal });
  const hash = createHash('sha256');
  for await (const chunk of read()) hash.update(chunk);
  if (hash.digest('hex') !== sha256) {
    throw new FerryError('ObjectDamaged', 'The object is not what was written: it has another SHA-256', {
      context: { store: store.alias, key },
    });
  }
  yield* read();
}
