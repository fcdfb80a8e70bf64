// Reading protobuf by hand, over bytes that stay where they are. Promises: every read is bounds-checked and a broken
// message throws; nothing is allocated. Not a general decoder: it knows the three wire types that Qdrant's points use.

import { FerryError } from '../../model/errors.js';

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH_DELIMITED = 2;
export const FIXED32 = 5;

/** A cursor over one buffer. After `next()`, `field` and `type` say what stands there, `start`/`end` where its content is. */
export class WireReader {
  field = 0;
  type = 0;
  /** Content of the current field: of a length-delimited or fixed one its bytes, of a varint its digits. */
  start = 0;
  end = 0;
  /** Value of the last varint read, as two unsigned 32-bit halves. */
  low = 0;
  high = 0;

  readonly bytes: Uint8Array;
  #at: number;
  readonly #stop: number;

  constructor(bytes: Uint8Array, from = 0, to = bytes.length) {
    this.bytes = bytes;
    this.#at = from;
    this.#stop = to;
  }

  /** Offset of the tag that the next call of `next()` will read. */
  get position(): number {
    return this.#at;
  }

  /** Moves to the next field; false at the end. */
  next(): boolean {
    if (this.#at >= this.#stop) return false;
    this.#varint();
    this.type = this.low & 7;
    this.field = this.low >>> 3;
    this.#skipContent();
    return true;
  }

  /** Next varint inside packed content; false at the end. Use on a reader made for that content. */
  nextPacked(): boolean {
    if (this.#at >= this.#stop) return false;
    this.#varint();
    return true;
  }

  #skipContent(): void {
    if (this.type === LENGTH_DELIMITED) {
      this.#varint();
      this.start = this.#at;
      this.end = this.start + this.low;
      if (this.high !== 0) throw broken('a length over 4 GiB');
    } else if (this.type === VARINT) {
      this.start = this.#at;
      this.#varint();
      this.end = this.#at;
    } else {
      this.start = this.#at;
      this.end = this.start + fixedWidth(this.type);
    }
    if (this.end > this.#stop) throw broken('a field that ends outside its message');
    this.#at = this.end;
  }

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#stop) throw broken('a number that ends outside its message');
      const byte = this.bytes[this.#at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw broken('a number of more than ten bytes');
  }
}

function fixedWidth(type: number): number {
  if (type === FIXED32) return 4;
  if (type === FIXED64) return 8;
  throw broken(`wire type ${type}`);
}

function broken(what: string): FerryError {
  return new FerryError('QdrantUnavailable', `Qdrant's answer is not a whole message: ${what}`);
}

/** A field we do not know may hold something that must not be lost: refused, never dropped. */
export function unknownField(message: string, reader: WireReader): FerryError {
  return new FerryError('UnknownPointField', `${message} has a field that this ferry does not know`, {
    context: { field: reader.field, wireType: reader.type },
  });
}

/** A field with its length, as a message, a string, bytes or packed numbers are encoded. */
export function lengthDelimited(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(BigInt((field << 3) | 2)), varint(BigInt(content.length)), content]);
}

export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}
