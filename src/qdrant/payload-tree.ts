// A payload as nested maps whose leaves are canonical bytes: enough to say which path differs, and nothing more.

import { LosslessNumber } from 'lossless-json';
import { CanonicalBytes } from './canonical-bytes.js';
import { PayloadWriter, writeJson } from './canonical-payload.js';
import { EntryStack } from './entry-stack.js';
import { WireReader } from './wire.js';

export type PayloadTree = Buffer | Map<string, PayloadTree>;

/** `exactPayload` (lossless-json's) counts, where there is one. */
export function decodePayload(point: Uint8Array, exactPayload: unknown): PayloadTree {
  if (exactPayload !== undefined) return fromJson(exactPayload);
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

function fromJson(value: unknown): PayloadTree {
  if (
    value !== null &&
    typeof value === 'object' &&
    !Array.isArray(value) &&
    !(value instanceof LosslessNumber)
  ) {
    return new Map(Object.entries(value).map(([key, inner]) => [key, fromJson(inner)]));
  }
  const out = new CanonicalBytes();
  writeJson(out, value);
  return Buffer.from(out.view());
}
