// The floats of a vector where they stand on the wire: `repeated float data = 1`, in one packed run, or each behind a
// tag of its own as Qdrant up to 1.16 sends them.

import type { CanonicalBytes } from './canonical-bytes.js';
import { LENGTH_DELIMITED, unknownField, WireReader } from './wire.js';

const PACKED_TAG = 0x0a;
const UNPACKED_TAG = 0x0d;
const UNPACKED_WIDTH = 5;

export class FloatRun {
  readonly count: number;
  /** Offset behind the run. */
  readonly end: number;
  readonly #bytes: Uint8Array;
  readonly #first: number;
  readonly #isPacked: boolean;

  /** The run that begins at `start`; empty when none does. */
  constructor(bytes: Uint8Array, start: number, limit: number) {
    this.#bytes = bytes;
    this.#isPacked = start < limit && bytes[start] === PACKED_TAG;
    if (this.#isPacked) {
      const reader = new WireReader(bytes, start, limit);
      reader.next();
      this.#first = reader.start;
      this.end = reader.end;
      this.count = (reader.end - reader.start) / 4;
    } else {
      this.#first = start;
      this.end = endOfUnpacked(bytes, start, limit);
      this.count = (this.end - start) / UNPACKED_WIDTH;
    }
  }

  /** The message between two offsets holds floats and nothing else. */
  static alone(bytes: Uint8Array, start: number, end: number): FloatRun {
    const run = new FloatRun(bytes, start, end);
    if (run.end === end) return run;
    const rest = new WireReader(bytes, run.end, end);
    rest.next();
    throw unknownField('DenseVector', rest);
  }

  /** Offset of the four bytes of a float. */
  offsetOf(position: number): number {
    return this.#isPacked ? this.#first + position * 4 : this.#first + position * UNPACKED_WIDTH + 1;
  }

  /** Writes the floats at positions `[from, to)`, 4 bytes each, little-endian, their bits untouched. */
  write(out: CanonicalBytes, from = 0, to = this.count): void {
    if (this.#isPacked) return out.raw(this.#bytes, this.#first + from * 4, this.#first + to * 4);
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
    out.unpackedFloats(view, this.#first + from * UNPACKED_WIDTH, to - from);
  }
}

function endOfUnpacked(bytes: Uint8Array, start: number, limit: number): number {
  let at = start;
  while (at + UNPACKED_WIDTH <= limit && bytes[at] === UNPACKED_TAG) at += UNPACKED_WIDTH;
  return at;
}

/** `repeated uint32`, packed or not, appended to `into`. */
export function readIndices(reader: WireReader, into: number[]): void {
  if (reader.type !== LENGTH_DELIMITED) {
    into.push(reader.low);
    return;
  }
  const packed = new WireReader(reader.bytes, reader.start, reader.end);
  while (packed.nextPacked()) into.push(packed.low);
}
