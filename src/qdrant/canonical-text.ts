// Canonical bytes (docs/digest.md) as the JSON text that Qdrant reads to the very same value: what was hashed is what is
// written. A double always has a point or an exponent, or Qdrant would make an integer of it.

import { DOUBLE, FALSE, INTEGER, LIST, NULL, OBJECT, STRING, TRUE, UNSIGNED } from './canonical-bytes.js';
import { DENSE, SPARSE } from './canonical-vectors.js';
import { doubleText } from './double-text.js';
import type { TextBytes } from './text-bytes.js';

const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;

/** Writes a vector; its floats are finite. */
export function writeVectorText(out: TextBytes, canonical: Buffer): void {
  const view = new DataView(canonical.buffer, canonical.byteOffset, canonical.length);
  const kind = canonical[0];
  const count = view.getUint32(1, true);
  if (kind === DENSE) return out.floats(view, 5, count, 4);
  if (kind === SPARSE) {
    const indices = Array.from({ length: count }, (_, i) => canonical.readUInt32LE(5 + i * 8));
    out.text(`{"indices":[${indices.join()}],"values":`);
    out.floats(view, 9, count, 8);
    return out.text('}');
  }
  out.byte(OPEN);
  for (let row = 0, at = 5; row < count; row++) {
    const width = canonical.readUInt32LE(at);
    if (row > 0) out.byte(COMMA);
    out.floats(view, at + 4, width, 4);
    at += 4 + width * 4;
  }
  out.byte(CLOSE);
}

/** A value of a payload. */
export function payloadText(canonical: Buffer): string {
  return new ValueText(canonical).next();
}

class ValueText {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): string {
    const kind = this.#bytes[this.#at++];
    if (kind === NULL) return 'null';
    if (kind === FALSE || kind === TRUE) return kind === TRUE ? 'true' : 'false';
    if (kind === STRING) return this.#string();
    if (kind === LIST) return `[${this.#times(() => this.next()).join()}]`;
    if (kind === OBJECT) return `{${this.#times(() => `${this.#string()}:${this.next()}`).join()}}`;
    if (kind === DOUBLE) return doubleText(this.#bytes.readDoubleLE(this.#over(8)));
    if (kind === INTEGER) return String(this.#bytes.readBigInt64LE(this.#over(8)));
    if (kind === UNSIGNED) return String(this.#bytes.readBigUInt64LE(this.#over(8)));
    throw new TypeError(`canonical bytes have no kind ${kind}`);
  }

  #string(): string {
    const length = this.#bytes.readUInt32LE(this.#over(4));
    const start = this.#over(length);
    return JSON.stringify(this.#bytes.toString('utf8', start, start + length));
  }

  #times(read: () => string): string[] {
    const count = this.#bytes.readUInt32LE(this.#over(4));
    return Array.from({ length: count }, read);
  }

  /** Moves on; returns where it was. */
  #over(bytes: number): number {
    this.#at += bytes;
    return this.#at - bytes;
  }
}
