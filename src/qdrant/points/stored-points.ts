// A point as it lies in a store: the PointStruct that a write takes, and its payload as REST's text where gRPC would not
// carry it exactly. Promises that a page made of stored points is written, and hashed, bit for bit as the page that they
// were taken from.
//
//   message StoredPoint {
//     bytes point = 1;         // qdrant.PointStruct
//     bytes payload_text = 2;  // JSON; then the payload of `point` does not count
//   }

import { FerryError } from '../../model/errors.js';
import type { PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { PointCodec, PointPage } from '../../cluster/points-port.js';
import { asPointStruct, pointId } from '../encoding/point-wire.js';
import { LENGTH_DELIMITED, lengthDelimited, WireReader } from '../encoding/wire.js';
import { asWirePage, hashedPage, type WirePage, type WirePoint } from './point-page.js';

const POINT = 1;
const PAYLOAD_TEXT = 2;

export const pointCodec: PointCodec = {
  encode(page: PointPage, position: number): Uint8Array {
    const point = asWirePage(page).points[position];
    if (point === undefined) throw new RangeError(`no point at position ${position}`);
    const encoded = lengthDelimited(POINT, asPointStruct(point.bytes));
    if (point.payloadText === undefined) return encoded;
    return Buffer.concat([encoded, lengthDelimited(PAYLOAD_TEXT, point.payloadText)]);
  },

  idOf: (stored: Uint8Array): PointId => readable(() => pointId(readStored(stored).bytes)),

  async decode(stored: readonly Uint8Array[], shardKey: ShardKey | undefined): Promise<WirePage> {
    const points = readable(() => stored.map(readStored));
    return hashedPage(points, shardKey).catch((cause: unknown) => {
      throw damaged(cause);
    });
  },
};

function readStored(stored: Uint8Array): WirePoint {
  const reader = new WireReader(stored);
  let bytes: Uint8Array | undefined;
  let payloadText: Buffer | undefined;
  while (reader.next()) {
    if (reader.type !== LENGTH_DELIMITED) throw damaged();
    const content = stored.subarray(reader.start, reader.end);
    if (reader.field === POINT) bytes = content;
    else if (reader.field === PAYLOAD_TEXT)
      payloadText = Buffer.from(content.buffer, content.byteOffset, content.length);
    else throw damaged();
  }
  if (bytes === undefined) throw damaged();
  return { bytes, ...(payloadText === undefined ? {} : { payloadText }) };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): FerryError {
  if (cause instanceof FerryError && cause.code === 'ObjectDamaged') return cause;
  return new FerryError('ObjectDamaged', 'A stored point cannot be read', { cause });
}
