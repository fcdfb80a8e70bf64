// A point as the JSON text that a REST upsert takes, from its canonical bytes (docs/digest.md): what was hashed is what is
// written. Also which of its vectors hold what JSON has no number for (NaN and infinity). Promises that Qdrant reads the
// same bits: a double always has a point or an exponent, or Qdrant would make an integer of it.

import { isUuid, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import {
  CanonicalBytes,
  DOUBLE,
  FALSE,
  INTEGER,
  LIST,
  NULL,
  OBJECT,
  STRING,
  TRUE,
  UNSIGNED,
} from '../encoding/canonical-bytes.js';
import { PayloadWriter } from '../encoding/canonical-payload.js';
import { DENSE, holdsNumbers, pushVectors, SPARSE, writeVector } from '../encoding/canonical-vectors.js';
import { doubleText, exactlyReadable } from '../encoding/number-text.js';
import { EntryStack } from '../encoding/entry-stack.js';
import type { WirePoint } from './point-page.js';
import { pointId } from '../encoding/point-wire.js';
import type { TextBytes } from '../encoding/text-bytes.js';
import { notANumber } from './text-points.js';
import { WireReader } from '../encoding/wire.js';

const scratch = new CanonicalBytes();
const entries = new EntryStack();

/** Its vectors hold numbers only. */
export function writePointText(out: TextBytes, point: WirePoint): void {
  const { bytes } = point;
  out.text(`{"id":${idText(pointId(bytes))},"vector":`);
  writeVectors(out, bytes);
  out.text(',"payload":');
  if (point.payloadText === undefined) out.text(payloadText(canonicalPayload(bytes)));
  else out.raw(exactlyReadable(point.payloadText));
  out.text('}');
}

export function idText(id: PointId): string {
  return isUuid(id) ? `"${id}"` : id;
}

/** Throws `VectorNotNumbers` for a point that has no text. */
export function requireNumbers({ bytes }: WirePoint): void {
  eachVector(bytes, (name, vector) => {
    if (!holdsNumbers(vector)) throw notANumber(pointId(bytes), name);
  });
}

function writeVectors(out: TextBytes, point: Uint8Array): void {
  let separator = '{';
  eachVector(point, (name, vector, isAlone) => {
    if (isAlone) return writeVectorText(out, vector);
    out.text(`${separator}${JSON.stringify(name)}:`);
    writeVectorText(out, vector);
    separator = ',';
  });
  if (separator === ',') out.text('}');
  else if (!hasVectors(point)) out.text('{}');
}

/** Canonical bytes of each vector by name; the one without a name has the empty one. */
export function canonicalVectors(point: Uint8Array): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  eachVector(point, (name, vector) => void found.set(name, Buffer.from(vector)));
  return found;
}

/** `vector` is valid until the call returns; `isAlone`: it is the only one and has no name. */
function eachVector(
  point: Uint8Array,
  visit: (name: string, vector: Buffer, isAlone: boolean) => void,
): void {
  const mark = entries.mark();
  try {
    pushAll(point);
    const end = entries.mark();
    for (let at = mark; at < end; at += 4) {
      scratch.reset();
      writeVector(scratch, point, entries.at(at + 2), entries.at(at + 3));
      const name = Buffer.from(point.subarray(entries.at(at), entries.at(at + 1))).toString();
      visit(name, scratch.view(), name === '' && end - mark === 4);
    }
  } finally {
    entries.release(mark);
  }
}

function hasVectors(point: Uint8Array): boolean {
  const mark = entries.mark();
  pushAll(point);
  const count = entries.countSince(mark);
  entries.release(mark);
  return count > 0;
}

function pushAll(point: Uint8Array): void {
  const reader = new WireReader(point);
  while (reader.next()) if (reader.field === 4) pushVectors(entries, point, reader.start, reader.end);
}

function canonicalPayload(point: Uint8Array): Buffer {
  const mark = entries.mark();
  const reader = new WireReader(point);
  while (reader.next())
    if (reader.field === 2 || reader.field === 3) entries.pushEntry(point, reader.start, reader.end);
  scratch.reset();
  new PayloadWriter(scratch, entries).writeObject(point, mark);
  return Buffer.from(scratch.view());
}

export function pointsPath(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}/points`;
}

/** The last field of a body, with the comma before it; nothing without a shard key. */
export function shardKeyField(key: ShardKey | undefined): string {
  if (key === undefined) return '';
  return `,"shard_key":${'keyword' in key ? JSON.stringify(key.keyword) : key.number}`;
}

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
