// A Cosine vector as it has to be written so that Qdrant stores the bits that it shows. It divides by the length, always,
// unless that is 0 or 1: a vector that had infinity in it is shown with NaN there and zeros beside, and written again as
// that, it becomes NaN in every place. So NaN beside zeros goes as infinity, which is divided into the same. NaN in every
// place stays as it is. Anything else with NaN in it cannot have come from Qdrant's own division; the proof names it.

import { FloatRun, pushVectors } from '../encoding/canonical-vectors.js';
import { EntryStack } from '../encoding/entry-stack.js';
import type { WirePoint } from './point-page.js';
import { WireReader } from '../encoding/wire.js';

const DENSE = 101;
const MULTI = 103;
const OLD_ROWS = 3;

/** The point's bytes, or a copy with other floats in the vectors of these names. */
export function beforeNormalising({ bytes, notNumbers }: WirePoint, cosine: ReadonlySet<string>): Uint8Array {
  if (!notNumbers || cosine.size === 0) return bytes;
  const copy = Buffer.from(bytes);
  const entries = new EntryStack();
  const reader = new WireReader(copy);
  while (reader.next()) if (reader.field === 4) pushVectors(entries, copy, reader.start, reader.end);
  for (let at = 0; at < entries.mark(); at += 4) {
    const name = copy.toString('utf8', entries.at(at), entries.at(at + 1));
    if (cosine.has(name)) changeVector(copy, entries.at(at + 2), entries.at(at + 3));
  }
  return copy;
}

/** One `VectorOutput`, in the layout of either version. */
function changeVector(bytes: Buffer, start: number, end: number): void {
  const data = new FloatRun(bytes, start, end);
  const rest = new WireReader(bytes, data.end, end);
  let rows = 1;
  while (rest.next()) {
    if (rest.field === OLD_ROWS) rows = Math.max(1, rest.low);
    else if (rest.field === DENSE) changeRow(bytes, FloatRun.alone(bytes, rest.start, rest.end));
    else if (rest.field === MULTI) changeRows(bytes, rest);
  }
  const width = data.count / rows;
  for (let row = 0; row < rows; row++) changeRow(bytes, data, row * width, (row + 1) * width);
}

function changeRows(bytes: Buffer, field: WireReader): void {
  const reader = new WireReader(bytes, field.start, field.end);
  while (reader.next()) changeRow(bytes, FloatRun.alone(bytes, reader.start, reader.end));
}

function changeRow(bytes: Buffer, floats: FloatRun, from = 0, to = floats.count): void {
  const nans: number[] = [];
  for (let i = from; i < to; i++) {
    const at = floats.offsetOf(i);
    const value = bytes.readFloatLE(at);
    if (Number.isNaN(value)) nans.push(at);
    else if (value !== 0) return;
  }
  if (nans.length === to - from) return;
  for (const at of nans) bytes.writeFloatLE(Number.POSITIVE_INFINITY, at);
}
