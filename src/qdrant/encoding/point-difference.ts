// What differs between two points of one id, named by paths and never by values: payloads stay where they are.
// Compares canonical bytes part by part, so it cannot disagree with the digest.

import { CanonicalBytes } from './canonical-bytes.js';
import { PayloadWriter, writeJsonText } from './canonical-payload.js';
import { EntryStack } from './entry-stack.js';
import { JsonReader, OBJECT_START } from './json-reader.js';
import type { WirePoint } from '../points/point-page.js';
import { canonicalVectors } from '../points/point-text.js';
import { WireReader } from './wire.js';

/** "payload.price", "vector image"; the one unnamed vector is "vector". */
export function differingFields(a: WirePoint, b: WirePoint): string[] {
  return [
    ...differingVectors(a, b).map(vectorLabel),
    ...differingPaths(payloadOf(a), payloadOf(b), 'payload'),
  ];
}

/**
 * True when nothing but vectors named in `candidates` differs, and those by no more than the rounding of float16: Qdrant
 * encodes them again on upsert (float16 with Cosine, unless |len² − 1| ≤ 1e-6; turbo4 always).
 */
export function isRenormalised(a: WirePoint, b: WirePoint, candidates: ReadonlySet<string>): boolean {
  const names = differingVectors(a, b);
  if (names.length === 0 || differingPaths(payloadOf(a), payloadOf(b), 'payload').length > 0) return false;
  const [ofA, ofB] = [canonicalVectors(a.bytes), canonicalVectors(b.bytes)];
  return names.every((name) => candidates.has(name) && isWithinFloat16Rounding(ofA.get(name), ofB.get(name)));
}

/** Two units in the last place of a 10-bit mantissa: the factor's own rounding and the element's. */
const FLOAT16_ROUNDING = 2 ** -9;
const SMALLEST_NORMAL_FLOAT16 = 2 ** -14;

function isWithinFloat16Rounding(a: Buffer | undefined, b: Buffer | undefined): boolean {
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  if (!a.subarray(0, 5).equals(b.subarray(0, 5))) return false;
  for (let at = 5; at + 4 <= a.length; at += 4) {
    const [x, y] = [a.readFloatLE(at), b.readFloatLE(at)];
    // Not "greater than": NaN is neither near a number nor far from it.
    if (!(Math.abs(x - y) <= FLOAT16_ROUNDING * Math.max(Math.abs(x), SMALLEST_NORMAL_FLOAT16))) return false;
  }
  return true;
}

function vectorLabel(name: string): string {
  return name === '' ? 'vector' : `vector ${name}`;
}

function differingVectors(a: WirePoint, b: WirePoint): string[] {
  const [ofA, ofB] = [canonicalVectors(a.bytes), canonicalVectors(b.bytes)];
  const names = [...new Set([...ofA.keys(), ...ofB.keys()])].sort();
  return names.filter((name) => {
    const [x, y] = [ofA.get(name), ofB.get(name)];
    return x === undefined || y === undefined || !x.equals(y);
  });
}

function payloadOf(point: WirePoint): PayloadTree {
  return decodePayload(point.bytes, point.payloadText);
}

function differingPaths(a: PayloadTree | undefined, b: PayloadTree | undefined, path: string): string[] {
  if (a instanceof Map && b instanceof Map) {
    const keys = [...new Set([...a.keys(), ...b.keys()])].sort();
    return keys.flatMap((key) => differingPaths(a.get(key), b.get(key), `${path}.${key}`));
  }
  if (a instanceof Map || b instanceof Map || a === undefined || b === undefined)
    return a === b ? [] : [path];
  return a.equals(b) ? [] : [path];
}

/** A payload as nested maps whose leaves are canonical bytes: enough to name the path that differs. */
type PayloadTree = Buffer | Map<string, PayloadTree>;

/** `payloadText` (REST's) counts, where there is one. */
function decodePayload(point: Uint8Array, payloadText: Buffer | undefined): PayloadTree {
  if (payloadText !== undefined) return fromJson(new JsonReader(payloadText));
  const fields = new Map<string, PayloadTree>();
  const reader = new WireReader(point);
  while (reader.next()) {
    if (reader.field === 2 || reader.field === 3) addEntry(fields, point, reader.start, reader.end);
  }
  return fields;
}

function addEntry(fields: Map<string, PayloadTree>, bytes: Uint8Array, start: number, end: number): void {
  const entry = new EntryStack();
  entry.pushEntry(bytes, start, end);
  const key = Buffer.from(bytes.subarray(entry.at(0), entry.at(1))).toString();
  fields.set(key, fromValue(bytes, entry.at(2), entry.at(3)));
}

function fromValue(bytes: Uint8Array, start: number, end: number): PayloadTree {
  const reader = new WireReader(bytes, start, end);
  if (reader.next() && reader.field === 6) {
    const fields = new Map<string, PayloadTree>();
    const struct = new WireReader(bytes, reader.start, reader.end);
    while (struct.next()) addEntry(fields, bytes, struct.start, struct.end);
    return fields;
  }
  const out = new CanonicalBytes();
  new PayloadWriter(out, new EntryStack()).writeValue(bytes, start, end);
  return Buffer.from(out.view());
}

function fromJson(reader: JsonReader): PayloadTree {
  if (reader.peek() === OBJECT_START) {
    const fields = new Map<string, PayloadTree>();
    reader.object((key) => fields.set(key.toString(), fromJson(reader)));
    return fields;
  }
  const out = new CanonicalBytes();
  writeJsonText(out, reader);
  return Buffer.from(out.view());
}
