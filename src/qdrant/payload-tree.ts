// A payload as nested maps whose leaves are canonical bytes: enough to say which path differs, and nothing more.

import { CanonicalBytes } from './canonical-bytes.js';
import { writeJsonText } from './canonical-json.js';
import { PayloadWriter } from './canonical-payload.js';
import { EntryStack } from './entry-stack.js';
import { JsonReader, OBJECT_START } from './json-reader.js';
import { WireReader } from './wire.js';

export type PayloadTree = Buffer | Map<string, PayloadTree>;

/** `payloadText` (REST's) counts, where there is one. */
export function decodePayload(point: Uint8Array, payloadText: Buffer | undefined): PayloadTree {
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
