// A payload in canonical form, from gRPC's bytes. From REST's text (canonical-json.ts) the same payload gives the same
// bytes, with one exception: over gRPC Qdrant turns integers of 2^63 and more into doubles. Reports when it saw a double
// that might be such an integer.

import { isKeptByQdrant } from './double-text.js';
import type { EntryStack } from './entry-stack.js';
import {
  DOUBLE,
  FALSE,
  INTEGER,
  LIST,
  NULL,
  OBJECT,
  STRING,
  TRUE,
  type CanonicalBytes,
} from './canonical-bytes.js';
import { FIXED64, LENGTH_DELIMITED, unknownField, VARINT, WireReader } from './wire.js';

const TWO_TO_63 = 2 ** 63;
const TWO_TO_64 = 2 ** 64;
const ENTRY_WIDTH = 4;
/** Qdrant decodes 100 nested messages in a write, and a level of a payload takes up to three; a read has no limit. */
const MAX_DEPTH = 28;

/** By the field's number: null, double, integer, string, bool, struct, list. Mistaking one for another would hash nothing. */
const WIRE_TYPE_OF_KIND = [
  undefined,
  VARINT,
  FIXED64,
  VARINT,
  LENGTH_DELIMITED,
  VARINT,
  LENGTH_DELIMITED,
  LENGTH_DELIMITED,
] as const;

export class PayloadWriter {
  /** True when gRPC may not carry this payload: it is deep, or holds a double that is a suspect. */
  sawSuspect = false;
  readonly #out: CanonicalBytes;
  readonly #entries: EntryStack;
  #depth = 0;

  constructor(out: CanonicalBytes, entries: EntryStack) {
    this.#out = out;
    this.#entries = entries;
  }

  reset(): void {
    this.sawSuspect = false;
    this.#depth = 0;
  }

  /** Writes the entries pushed since `mark` as one object, and releases them. */
  writeObject(bytes: Uint8Array, mark: number): void {
    const entries = this.#entries;
    entries.sort(bytes, mark);
    const end = entries.mark();
    this.#out.byte(OBJECT);
    this.#out.u32(entries.countSince(mark));
    for (let at = mark; at < end; at += ENTRY_WIDTH) {
      this.#out.string(bytes, entries.at(at), entries.at(at + 1));
      this.writeValue(bytes, entries.at(at + 2), entries.at(at + 3));
    }
    entries.release(mark);
  }

  /** Writes one `Value`. One without a kind is null, as Qdrant reads it. */
  writeValue(bytes: Uint8Array, start: number, end: number): void {
    const reader = new WireReader(bytes, start, end);
    if (!reader.next()) return this.#out.byte(NULL);
    if (reader.type !== WIRE_TYPE_OF_KIND[reader.field] || reader.position !== end)
      throw unknownField('Value', reader);
    switch (reader.field) {
      case 1:
        return this.#out.byte(NULL);
      case 2:
        return this.#double(bytes, reader.start);
      case 3:
        this.#out.byte(INTEGER);
        return this.#out.u64(reader.low, reader.high);
      case 4:
        this.#out.byte(STRING);
        return this.#out.string(bytes, reader.start, reader.end);
      case 5:
        return this.#out.byte(reader.low === 0 ? FALSE : TRUE);
      case 6:
        return this.#struct(bytes, reader.start, reader.end);
      case 7:
        return this.#list(bytes, reader.start, reader.end);
      default:
        throw unknownField('Value', reader);
    }
  }

  #double(bytes: Uint8Array, start: number): void {
    const value = new DataView(bytes.buffer, bytes.byteOffset + start, 8).getFloat64(0, true);
    if (isSuspect(value)) this.sawSuspect = true;
    this.#out.byte(DOUBLE);
    this.#out.double(value);
  }

  #struct(bytes: Uint8Array, start: number, end: number): void {
    if (++this.#depth > MAX_DEPTH) this.sawSuspect = true;
    const mark = this.#entries.mark();
    const reader = new WireReader(bytes, start, end);
    while (reader.next()) {
      if (reader.field !== 1) throw unknownField('Struct', reader);
      this.#entries.pushEntry(bytes, reader.start, reader.end);
    }
    this.writeObject(bytes, mark);
    this.#depth--;
  }

  #list(bytes: Uint8Array, start: number, end: number): void {
    if (++this.#depth > MAX_DEPTH) this.sawSuspect = true;
    let count = 0;
    for (const counting = new WireReader(bytes, start, end); counting.next(); count++);
    this.#out.byte(LIST);
    this.#out.u32(count);
    const reader = new WireReader(bytes, start, end);
    while (reader.next()) {
      if (reader.field !== 1) throw unknownField('ListValue', reader);
      this.writeValue(bytes, reader.start, reader.end);
    }
    this.#depth--;
  }
}

/** What an integer of 2^63 … 2^64−1 becomes over gRPC lies here, a true double may, too; or Qdrant would not keep it. */
export function isSuspect(double: number): boolean {
  return (double >= TWO_TO_63 && double <= TWO_TO_64) || !isKeptByQdrant(double);
}
