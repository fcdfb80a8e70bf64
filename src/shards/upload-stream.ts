// From a stream to the parts of an upload, with read-ahead: while one part is filled, others are on their way, so that a
// store that is slow for a moment does not stall the node. Promises that memory holds 24 MiB of parts, or two where they
// are larger, whatever the size of the stream, and that parts are confirmed in order. Cuts the parts where
// model/part-sizes.ts says.

import { FerryError } from '../model/errors.js';
import { partSizeFor, S3_PARTS, type PartRules } from '../model/format/part-sizes.js';
import type { StoredPart, Upload } from '../storage/object-store.js';
import { PartBuffers } from './part-buffers.js';

/** Parts at a time, with the one that is filled. */
const MOST_PARTS = 3;
const MOST_BYTES = 24 * 1024 ** 2;

const buffers = new PartBuffers();

export interface UploadStream {
  upload: Upload;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Already in the store: contiguous, from the first. */
  before: readonly StoredPart[];
  expectedBytes?: number;
  /** Of the store. */
  rules?: PartRules | undefined;
  signal: AbortSignal;
  /** Resolves when so many bytes may go. */
  pace(bytes: number): Promise<void>;
  /** Every byte, in order. */
  onBytes(piece: Uint8Array): void;
  /** At the end of part `number`, before it is sent. */
  onCut(number: number): void;
  /** So many parts, from the first, are in the store. */
  onParts(confirmed: number): void;
}

/** All parts, when the stream has ended. */
export async function uploadStream(work: UploadStream): Promise<StoredPart[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([work.signal, stop.signal]);
  const sender = new PartSender(work, signal, (failure) => stop.abort(failure));
  try {
    let part: FillingPart | undefined;
    for await (const chunk of work.open(signal)) {
      signal.throwIfAborted();
      await work.pace(chunk.length);
      for (let at = 0; at < chunk.length;) {
        part ??= sender.next();
        const piece = part.take(chunk, at);
        at += piece.length;
        work.onBytes(piece);
        if (!part.full) continue;
        await sender.send(part);
        part = undefined;
      }
    }
    signal.throwIfAborted();
    if (part !== undefined) await sender.send(part);
    return await sender.end();
  } catch (error) {
    stop.abort(error);
    await sender.settle();
    work.signal.throwIfAborted();
    throw sender.failure ?? error;
  } finally {
    buffers.rest();
  }
}

/** The next part is made when the one before is full: what ends there needs none. */
function tooManyParts(key: string, { maxParts, partSizeBytes }: PartRules): FerryError {
  const of = partSizeBytes === undefined ? '' : ` of ${partSizeBytes} bytes`;
  const happened = `The object needs more than the ${maxParts} parts${of} that the store takes`;
  return new FerryError('StorePartsRefused', happened, { context: { key } });
}

/** One part being filled. */
class FillingPart {
  readonly number: number;
  readonly buffer: Uint8Array;
  readonly #size: number;
  #filled = 0;

  constructor(number: number, size: number, buffer: Uint8Array) {
    this.number = number;
    this.buffer = buffer;
    this.#size = size;
  }

  get full(): boolean {
    return this.#filled === this.#size;
  }

  get body(): Uint8Array {
    return this.buffer.subarray(0, this.#filled);
  }

  /** What of the chunk found room. */
  take(chunk: Uint8Array, from: number): Uint8Array {
    const piece = chunk.subarray(from, from + this.#size - this.#filled);
    this.buffer.set(piece, this.#filled);
    this.#filled += piece.length;
    return piece;
  }
}

class PartSender {
  failure: unknown;
  readonly #work: UploadStream;
  readonly #signal: AbortSignal;
  readonly #onFailure: (failure: unknown) => void;
  readonly #onTheirWay = new Set<Promise<void>>();
  readonly #sent: StoredPart[];
  #number: number;
  #confirmed: number;

  constructor(work: UploadStream, signal: AbortSignal, onFailure: (failure: unknown) => void) {
    this.#work = work;
    this.#signal = signal;
    this.#onFailure = onFailure;
    this.#sent = [...work.before];
    this.#number = work.before.length;
    this.#confirmed = work.before.length;
  }

  next(): FillingPart {
    this.#number += 1;
    const { expectedBytes, rules = S3_PARTS, upload } = this.#work;
    if (this.#number > rules.maxParts) throw tooManyParts(upload.key, rules);
    const size = partSizeFor(this.#number, expectedBytes, rules);
    return new FillingPart(this.#number, size, buffers.take(size));
  }

  /** Resolves when there is room for the next part. */
  async send(part: FillingPart): Promise<void> {
    this.#work.onCut(part.number);
    const sending: Promise<void> = this.#put(part).finally(() => this.#onTheirWay.delete(sending));
    this.#onTheirWay.add(sending);
    const most = Math.max(2, Math.min(MOST_PARTS, Math.floor(MOST_BYTES / part.buffer.byteLength)));
    while (this.#onTheirWay.size >= most && this.failure === undefined) {
      await Promise.race(this.#onTheirWay);
    }
    this.#signal.throwIfAborted();
  }

  async end(): Promise<StoredPart[]> {
    await this.settle();
    if (this.failure !== undefined) throw this.failure;
    return this.#sent;
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#onTheirWay);
  }

  /** Never rejects: a failure ends the reading. */
  async #put(part: FillingPart): Promise<void> {
    try {
      const stored = await this.#work.upload.putPart(part.number, part.body, this.#signal);
      this.#sent[part.number - 1] = stored;
      buffers.giveBack(part.buffer);
      while (this.#sent[this.#confirmed] !== undefined) this.#confirmed += 1;
      this.#work.onParts(this.#confirmed);
    } catch (error) {
      if (this.failure !== undefined || this.#signal.aborted) return;
      this.failure = error;
      this.#onFailure(error);
    }
  }
}
