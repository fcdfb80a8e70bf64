// A point's vectors in canonical form: sorted by name, floats by their bits. Understands both layouts of a vector on
// the wire: Qdrant up to 1.16 sends `data`, `indices` and `vectors_count`; 1.17 sends `dense`, `sparse` or `multi`.
// The same vector gives the same bytes from either. Fields out of their usual order are refused, not guessed at.

import type { CanonicalBytes } from './canonical-bytes.js';
import type { EntryStack } from './entry-stack.js';
import { LENGTH_DELIMITED, unknownField, WireReader } from './wire.js';

export const DENSE = 1;
export const SPARSE = 2;
export const MULTI = 3;

/**
 * Writes the `VectorsOutput` between two offsets: one without a name, or several with. False where one of them holds NaN
 * or infinity.
 */
export function writeVectors(
  out: CanonicalBytes,
  entries: EntryStack,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  let numbersOnly = true;
  const mark = entries.mark();
  pushVectors(entries, bytes, start, end);
  entries.sort(bytes, mark);
  out.u32(entries.countSince(mark));
  for (let at = mark; at < entries.mark(); at += EntryWidth) {
    out.string(bytes, entries.at(at), entries.at(at + 1));
    const vectorAt = out.length;
    writeVector(out, bytes, entries.at(at + 2), entries.at(at + 3));
    if (!holdsNumbers(out.view(vectorAt))) numbersOnly = false;
  }
  entries.release(mark);
  return numbersOnly;
}

const EntryWidth = 4;

/** Pushes name and content of each vector; the one without a name has the empty name. */
export function pushVectors(entries: EntryStack, bytes: Uint8Array, start: number, end: number): void {
  const reader = new WireReader(bytes, start, end);
  while (reader.next()) {
    if (reader.field === 1) entries.push(0, 0, reader.start, reader.end);
    else if (reader.field === 2) pushNamed(entries, bytes, reader.start, reader.end);
    else throw unknownField('Vectors', reader);
  }
}

function pushNamed(entries: EntryStack, bytes: Uint8Array, start: number, end: number): void {
  const reader = new WireReader(bytes, start, end);
  while (reader.next()) {
    if (reader.field !== 1) throw unknownField('NamedVectors', reader);
    entries.pushEntry(bytes, reader.start, reader.end);
  }
}

/** Writes one `VectorOutput`. */
export function writeVector(out: CanonicalBytes, bytes: Uint8Array, start: number, end: number): void {
  const data = new FloatRun(bytes, start, end);
  const rest = new WireReader(bytes, data.end, end);
  let indices: number[] | undefined;
  let rows = 0;
  while (rest.next()) {
    if (rest.field === 2) indices = oldIndices(rest);
    else if (rest.field === 3) rows = rest.low;
    else if (rest.field === 101) return writeDense(out, FloatRun.alone(bytes, rest.start, rest.end));
    else if (rest.field === 102) return writeNewSparse(out, rest);
    else if (rest.field === 103) return writeNewMulti(out, rest);
    else throw unknownField('Vector', rest);
  }
  if (indices !== undefined) writeSparse(out, indices, data);
  else if (rows > 0) writeRows(out, data, rows);
  else writeDense(out, data);
}

function writeDense(out: CanonicalBytes, floats: FloatRun): void {
  out.byte(DENSE);
  out.u32(floats.count);
  floats.write(out);
}

/** Qdrant up to 1.16: all rows of a multivector in one run. */
function writeRows(out: CanonicalBytes, floats: FloatRun, rows: number): void {
  const width = floats.count / rows;
  out.byte(MULTI);
  out.u32(rows);
  for (let row = 0; row < rows; row++) {
    out.u32(width);
    floats.write(out, row * width, (row + 1) * width);
  }
}

function writeNewMulti(out: CanonicalBytes, field: WireReader): void {
  const rows: FloatRun[] = [];
  const reader = new WireReader(field.bytes, field.start, field.end);
  while (reader.next()) {
    if (reader.field !== 1) throw unknownField('MultiDenseVector', reader);
    rows.push(FloatRun.alone(field.bytes, reader.start, reader.end));
  }
  out.byte(MULTI);
  out.u32(rows.length);
  for (const row of rows) {
    out.u32(row.count);
    row.write(out);
  }
}

function writeNewSparse(out: CanonicalBytes, field: WireReader): void {
  const values = new FloatRun(field.bytes, field.start, field.end);
  const rest = new WireReader(field.bytes, values.end, field.end);
  const indices: number[] = [];
  while (rest.next()) {
    if (rest.field !== 2) throw unknownField('SparseVector', rest);
    readIndices(rest, indices);
  }
  writeSparse(out, indices, values);
}

/** `SparseIndices` is a message around the numbers. */
function oldIndices(field: WireReader): number[] {
  const indices: number[] = [];
  const reader = new WireReader(field.bytes, field.start, field.end);
  while (reader.next()) readIndices(reader, indices);
  return indices;
}

/** By ascending index, whatever the order on the wire. */
function writeSparse(out: CanonicalBytes, indices: number[], values: FloatRun): void {
  const order = [...indices.keys()].sort((a, b) => (indices[a] as number) - (indices[b] as number));
  out.byte(SPARSE);
  out.u32(indices.length);
  for (const position of order) {
    out.u32(indices[position] as number);
    values.write(out, position, position + 1);
  }
}

/** False for a vector with NaN or infinity in it, for which JSON has no number. */
export function holdsNumbers(canonical: Buffer): boolean {
  const kind = canonical[0];
  const count = canonical.readUInt32LE(1);
  if (kind === DENSE) return areFinite(canonical, 5, count, 4);
  if (kind === SPARSE) return areFinite(canonical, 9, count, 8);
  for (let row = 0, at = 5; row < count; row++) {
    const width = canonical.readUInt32LE(at);
    if (!areFinite(canonical, at + 4, width, 4)) return false;
    at += 4 + width * 4;
  }
  return true;
}

/** An exponent of ones: the bits below the sign of the last byte, and the first bit of the one before. */
function areFinite(bytes: Buffer, first: number, count: number, width: number): boolean {
  for (let i = 0, at = first; i < count; i++, at += width) {
    if (((bytes[at + 3] as number) & 0x7f) === 0x7f && (bytes[at + 2] as number) >= 0x80) return false;
  }
  return true;
}

const PACKED_TAG = 0x0a;
const UNPACKED_TAG = 0x0d;
const UNPACKED_WIDTH = 5;

/** The floats of a vector where they stand on the wire, packed in one run, or each behind a tag as Qdrant 1.16 sends them. */
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
