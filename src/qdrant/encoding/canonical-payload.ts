// A payload in canonical form (docs/digest.md): from gRPC's bytes, and from REST's text, byte by byte where it lies. The same
// payload gives the same bytes from either, with one exception: over gRPC Qdrant turns integers of 2^63 and more into
// doubles. Both report when they saw a double that might be such an integer.

import { FerryError } from '../../model/errors.js';
import {
  type CanonicalBytes,
  DOUBLE,
  FALSE,
  INTEGER,
  LIST,
  NULL,
  OBJECT,
  STRING,
  TRUE,
  UNSIGNED,
} from './canonical-bytes.js';
import { isKeptByQdrant } from './number-text.js';
import { compareBytes, type EntryStack } from './entry-stack.js';
import { type JsonReader, LIST_START, OBJECT_START, QUOTE } from './json-reader.js';
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

/** Below that a number holds every integer. */
const SAFE_DIGITS = 15;
const TWO_TO_32 = 2 ** 32;

/**
 * Writes the value at the cursor, and moves over it. True when it holds a double that an integer of 2^63 and more may
 * have become: a node that does not hold the shard has asked another one over gRPC.
 */
export function writeJsonText(out: CanonicalBytes, reader: JsonReader): boolean {
  const byte = reader.peek();
  if (byte === OBJECT_START) return writeObject(out, reader);
  if (byte === LIST_START) return writeList(out, reader);
  if (byte !== QUOTE) return writeWord(out, reader.word());
  out.byte(STRING);
  writeString(out, reader.stringBytes());
  return false;
}

function writeObject(out: CanonicalBytes, reader: JsonReader): boolean {
  const entries: { key: Buffer; at: number }[] = [];
  reader.object((key) => {
    entries.push({ key, at: reader.at });
    reader.skip();
  });
  const end = reader.at;
  entries.sort((a, b) => compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length));
  out.byte(OBJECT);
  out.u32(entries.length);
  let sawSuspect = false;
  for (const { key, at } of entries) {
    writeString(out, key);
    reader.at = at;
    if (writeJsonText(out, reader)) sawSuspect = true;
  }
  reader.at = end;
  return sawSuspect;
}

function writeList(out: CanonicalBytes, reader: JsonReader): boolean {
  let sawSuspect = false;
  out.byte(LIST);
  const countAt = out.u32Later();
  const count = reader.list(() => {
    if (writeJsonText(out, reader)) sawSuspect = true;
  });
  out.setU32(countAt, count);
  return sawSuspect;
}

function writeString(out: CanonicalBytes, bytes: Buffer): void {
  out.string(bytes, 0, bytes.length);
}

function writeWord(out: CanonicalBytes, text: string): boolean {
  if (text === 'null') out.byte(NULL);
  else if (text === 'true' || text === 'false') out.byte(text === 'true' ? TRUE : FALSE);
  else if (isDouble(text)) {
    const value = Number(text);
    out.byte(DOUBLE);
    out.double(value);
    return isSuspect(value);
  } else if (text.length <= SAFE_DIGITS) {
    const value = Number(text);
    out.byte(INTEGER);
    out.u64(value >>> 0, Math.floor(value / TWO_TO_32) >>> 0);
  } else writeLongInteger(out, BigInt(text));
  return false;
}

/** Qdrant shows a double with a point or an exponent, and an integer without. */
function isDouble(text: string): boolean {
  return text.includes('.') || text.includes('e') || text.includes('E');
}

function writeLongInteger(out: CanonicalBytes, integer: bigint): void {
  if (integer < -(2n ** 63n) || integer >= 2n ** 64n) {
    throw new FerryError('QdrantRejected', 'A payload holds an integer that is not of 64 bits');
  }
  out.byte(integer >= 2n ** 63n ? UNSIGNED : INTEGER);
  const bits = BigInt.asUintN(64, integer);
  out.u64(Number(bits & 0xffffffffn), Number(bits >> 32n));
}
