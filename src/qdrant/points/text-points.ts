// Points from REST's text to what gRPC would have sent, but for the payload, which stays the text it is. Promises the
// very bits of every float, and a refusal where the text has none: NaN and infinity are shown as null. A field that we
// do not know is refused, never dropped.

import { FerryError } from '../../model/errors.js';
import { isUuid, type PointId } from '../../model/point-id.js';
import { float32Of } from '../encoding/number-text.js';
import { JsonReader, LIST_START, OBJECT_START, QUOTE } from '../encoding/json-reader.js';
import { lengthDelimited, varint } from '../encoding/wire.js';
import type { WirePoint } from './point-page.js';

export interface TextAnswer {
  points: WirePoint[];
  /** Of a scroll. */
  next?: PointId;
}

/** `result` of a scroll is an object, of a read by ids a list. */
export function readTextAnswer(text: Buffer): TextAnswer {
  const answer: TextAnswer = { points: [] };
  const reader = new JsonReader(text);
  const addPoint = () => void answer.points.push(readPoint(reader));
  reader.object((field) => {
    if (field.toString() !== 'result') return reader.skip();
    if (reader.peek() === LIST_START) return void reader.list(addPoint);
    reader.object((key) => {
      const name = key.toString();
      if (name === 'points') return void reader.list(addPoint);
      if (name !== 'next_page_offset') throw unknownField('scroll', name);
      const next = readId(reader);
      if (next !== undefined) answer.next = next;
    });
  });
  return answer;
}

const EMPTY_OBJECT = Buffer.from('{}');

function readPoint(reader: JsonReader): WirePoint {
  let id: PointId | undefined;
  let payload: Buffer = EMPTY_OBJECT;
  let vectorAt: number | undefined;
  reader.object((key) => {
    const name = key.toString();
    if (name === 'id') id = readId(reader);
    else if (name === 'payload') payload = orEmpty(reader.raw());
    else if (name === 'vector') {
      vectorAt = reader.at;
      reader.skip();
    } else if (name === 'shard_key' || name === 'order_value') reader.skip();
    else throw unknownField('point', name);
  });
  if (id === undefined) throw unknownField('point without', 'id');
  const vectors = vectorAt === undefined ? NOTHING : readVectors(new JsonReader(reader.bytes, vectorAt), id);
  return { bytes: Buffer.concat([lengthDelimited(1, encodedId(id)), vectors]), payloadText: payload };
}

const NOTHING = Buffer.alloc(0);

function orEmpty(payload: Buffer): Buffer {
  return payload.equals(NULL) ? EMPTY_OBJECT : payload;
}

const NULL = Buffer.from('null');

/** Undefined for null. */
function readId(reader: JsonReader): PointId | undefined {
  if (reader.peek() === QUOTE) return reader.stringBytes().toString();
  const word = reader.word();
  return word === 'null' ? undefined : word;
}

function encodedId(id: PointId): Buffer {
  return isUuid(id) ? lengthDelimited(2, Buffer.from(id)) : Buffer.concat([ID_NUMBER, varint(BigInt(id))]);
}

const ID_NUMBER = Buffer.from([0x08]);

/** Field 4 of a point: one vector without a name, or several with. */
function readVectors(reader: JsonReader, id: PointId): Buffer {
  const kind = reader.peek();
  if (kind === LIST_START) return lengthDelimited(4, lengthDelimited(1, readVector(reader, id, '')));
  if (kind !== OBJECT_START) return NOTHING; // null
  const named: Buffer[] = [];
  reader.object((name) => {
    const vector = readVector(reader, id, name.toString());
    named.push(lengthDelimited(1, Buffer.concat([lengthDelimited(1, name), lengthDelimited(2, vector)])));
  });
  return lengthDelimited(4, lengthDelimited(2, Buffer.concat(named)));
}

const DENSE = 101;
const SPARSE = 102;
const MULTI = 103;

function readVector(reader: JsonReader, id: PointId, name: string): Buffer {
  if (reader.peek() === OBJECT_START) return readSparse(reader, id, name);
  const rows: Buffer[] = [];
  const floats: number[] = [];
  reader.list(() => {
    if (reader.peek() === LIST_START) rows.push(lengthDelimited(1, readFloats(reader, id, name)));
    else floats.push(readFloat(reader, id, name));
  });
  if (rows.length > 0) return lengthDelimited(MULTI, Buffer.concat(rows));
  return lengthDelimited(DENSE, packed(floats));
}

function readSparse(reader: JsonReader, id: PointId, name: string): Buffer {
  const indices: Buffer[] = [];
  let values: Buffer = NOTHING;
  reader.object((key) => {
    const field = key.toString();
    if (field === 'indices') reader.list(() => void indices.push(varint(BigInt(reader.word()))));
    else if (field === 'values') values = readFloats(reader, id, name);
    else throw unknownField('vector', field);
  });
  return lengthDelimited(SPARSE, Buffer.concat([values, lengthDelimited(2, Buffer.concat(indices))]));
}

function readFloats(reader: JsonReader, id: PointId, name: string): Buffer {
  const floats: number[] = [];
  reader.list(() => void floats.push(readFloat(reader, id, name)));
  return packed(floats);
}

function packed(floats: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(floats.length * 4);
  for (let i = 0; i < floats.length; i++) bytes.writeFloatLE(floats[i] as number, i * 4);
  return lengthDelimited(1, bytes);
}

function readFloat(reader: JsonReader, id: PointId, name: string): number {
  const word = reader.word();
  if (word === 'null') throw notANumber(id, name);
  return float32Of(word);
}

export function notANumber(id: PointId, name: string): FerryError {
  const vector = name === '' ? 'its vector' : `its vector "${name}"`;
  return new FerryError(
    'VectorNotNumbers',
    `Point ${id} has NaN or infinity in ${vector}, for which REST has no number`,
    { context: { point: id, vector: name } },
  );
}

function unknownField(what: string, name: string): FerryError {
  return new FerryError('UnknownPointField', `A ${what} has a field that this ferry does not know`, {
    context: { field: name },
  });
}
