// A payload in canonical form from REST's text, byte by byte where it lies: the same bytes that PayloadWriter makes of
// gRPC's, and exact where gRPC is not. Whether a number is an integer is said by its text.

import { FerryError } from '../model/errors.js';
import { compareBytes } from './entry-stack.js';
import {
  DOUBLE,
  FALSE,
  INTEGER,
  LIST,
  NULL,
  OBJECT,
  STRING,
  TRUE,
  UNSIGNED,
  type CanonicalBytes,
} from './canonical-bytes.js';
import { isSuspect } from './canonical-payload.js';
import { LIST_START, OBJECT_START, QUOTE, type JsonReader } from './json-reader.js';

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
