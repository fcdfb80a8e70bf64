// A point as the JSON text that a REST upsert takes, and which of its vectors hold what JSON has no number for (NaN and
// infinity). Promises that Qdrant reads the same bits.

import { isUuid, type PointId } from '../model/point-id.js';
import { CanonicalBytes } from './canonical-bytes.js';
import { PayloadWriter } from './canonical-payload.js';
import { payloadText, writeVectorText } from './canonical-text.js';
import { holdsNumbers, pushVectors, writeVector } from './canonical-vectors.js';
import { exactlyReadable } from './double-text.js';
import { EntryStack } from './entry-stack.js';
import type { WirePoint } from './point-page.js';
import { pointId } from './point-wire.js';
import type { TextBytes } from './text-bytes.js';
import { notANumber } from './text-points.js';
import { WireReader } from './wire.js';

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
