// A receiver of the pump: an upload in parts, with read-ahead. While one part is filled, others are being sent, so that a
// store that is slow for a moment does not stall the node. Promises that memory holds 24 MiB of parts, or two where they
// are larger, whatever the size of the stream, and that parts are confirmed in order. Cuts the parts where
// model/format/part-sizes.ts says.

import { FerryError } from '../model/errors.js';
import { partSizeFor, S3_PARTS, type PartRules } from '../model/format/part-sizes.js';
import type { StoredPart, Upload } from '../storage/object-store.js';
import { pump, type Flow } from './pump.js';

/** Parts at a time, with the one that is filled. */
const MOST_PARTS = 3;
const MOST_BYTES = 24 * 1024 ** 2;

export interface PartsUpload {
  upload: Upload;
  /** Already in the store: contiguous, from the first. */
  before?: readonly StoredPart[];
  expectedBytes?: number;
  /** Of the store. */
  rules?: PartRules | undefined;
  /** At the end of part `number`, before it is sent: all its bytes have passed the check, and none behind it. */
  onCut?(number: number): void;
  /** So many parts, from the first, are in the store, and so many bytes. */
  onParts?(confirmed: number, bytes: number): void;
}

/** All parts, when the stream has ended and its check has passed. */
export function uploadStream(flow: Flow, work: PartsUpload): Promise<StoredPart[]> {
  return pump(flow, async ({ body, signal, stop }) => {
    const sender = new PartSender(work, signal, stop);
    try {
      for await (const piece of body(() => sender.room)) await sender.take(piece);
      return await sender.end();
    } catch (error) {
      stop(error);
      await sender.settle();
      throw error;
    } finally {
      buffers.rest();
    }
  });
}

/** Those of an earlier attempt that can be kept: in a row from the first, and cut as they would be cut now. */
export function partsInRow(
  parts: readonly StoredPart[],
  expectedBytes: number,
  rules: PartRules | undefined,
): StoredPart[] {
  const gap = parts.findIndex(
    ({ number, bytes }, at) => number !== at + 1 || bytes !== partSizeFor(number, expectedBytes, rules),
  );
  return gap < 0 ? [...parts] : parts.slice(0, gap);
}

class PartSender {
  readonly #work: PartsUpload;
  readonly #signal: AbortSignal;
  readonly #stop: (failure: unknown) => void;
  readonly #underWay = new Set<Promise<void>>();
  readonly #sent: StoredPart[];
  #failure: unknown;
  #number: number;
  #confirmed: number;
  #confirmedBytes: number;
  /** The part that is filled, and how far. */
  #buffer: Uint8Array | undefined;
  #filled = 0;

  constructor(work: PartsUpload, signal: AbortSignal, stop: (failure: unknown) => void) {
    const { before = [] } = work;
    this.#work = work;
    this.#signal = signal;
    this.#stop = stop;
    this.#sent = [...before];
    this.#number = before.length;
    this.#confirmed = before.length;
    this.#confirmedBytes = before.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Begins the next part only when there is a byte for it: what ends where a part is full needs no other. */
  get room(): number {
    this.#buffer ??= this.#nextBuffer();
    return this.#buffer.byteLength - this.#filled;
  }

  /** Resolves when there is room for more. */
  async take(piece: Uint8Array): Promise<void> {
    const buffer = this.#buffer;
    buffer?.set(piece, this.#filled);
    this.#filled += piece.length;
    if (buffer?.byteLength === this.#filled) await this.#send(buffer);
  }

  async end(): Promise<StoredPart[]> {
    if (this.#buffer !== undefined) await this.#send(this.#buffer);
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#sent;
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  #nextBuffer(): Uint8Array {
    const { expectedBytes, rules = S3_PARTS, upload } = this.#work;
    this.#number += 1;
    if (this.#number > rules.maxParts) throw tooManyParts(upload.key, rules);
    return buffers.take(partSizeFor(this.#number, expectedBytes, rules));
  }

  async #send(buffer: Uint8Array): Promise<void> {
    const body = buffer.subarray(0, this.#filled);
    this.#buffer = undefined;
    this.#filled = 0;
    this.#work.onCut?.(this.#number);
    const sending: Promise<void> = this.#put(this.#number, body, buffer).finally(() =>
      this.#underWay.delete(sending),
    );
    this.#underWay.add(sending);
    const most = Math.max(2, Math.min(MOST_PARTS, Math.floor(MOST_BYTES / buffer.byteLength)));
    while (this.#underWay.size >= most && this.#failure === undefined) await Promise.race(this.#underWay);
    this.#signal.throwIfAborted();
  }

  /** Never rejects: a failure ends the reading. */
  async #put(number: number, body: Uint8Array, buffer: Uint8Array): Promise<void> {
    try {
      this.#sent[number - 1] = await this.#work.upload.putPart(number, body, this.#signal);
      buffers.giveBack(buffer);
      for (let next; (next = this.#sent[this.#confirmed]) !== undefined; this.#confirmed += 1)
        this.#confirmedBytes += next.bytes;
      this.#work.onParts?.(this.#confirmed, this.#confirmedBytes);
    } catch (error) {
      if (this.#failure !== undefined || this.#signal.aborted) return;
      this.#failure = error;
      this.#stop(error);
    }
  }
}

function tooManyParts(key: string, { maxParts, partSizeBytes }: PartRules): FerryError {
  const of = partSizeBytes === undefined ? '' : ` of ${partSizeBytes} bytes`;
  const happened = `The object needs more than the ${maxParts} parts${of} that the store takes`;
  return new FerryError('StorePartsRefused', happened, { context: { key } });
}

const KEPT_BUFFERS = 4;
const LARGEST_AT_REST = 8 * 1024 ** 2;

/**
 * Reused by all uploads of a worker: what each left behind would stay until V8 cleans up, and memory would grow with the
 * number of shards. At most four are kept that nobody uses, and none above 8 MiB once `rest` was called.
 */
class PartBuffers {
  #idle: Uint8Array[] = [];

  /** Its content is whatever was there before. */
  take(bytes: number): Uint8Array {
    const at = this.#idle.findIndex((one) => one.byteLength === bytes);
    const [found] = at < 0 ? [] : this.#idle.splice(at, 1);
    // Slow, because the pool of small buffers is not for these, and unsafe, because every byte is overwritten.
    return found ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** The caller must not touch it afterwards. */
  giveBack(buffer: Uint8Array): void {
    this.#idle = [...this.#idle, buffer].slice(-KEPT_BUFFERS);
  }

  rest(): void {
    this.#idle = this.#idle.filter((one) => one.byteLength <= LARGEST_AT_REST);
  }
}

const buffers = new PartBuffers();
