// A point as bytes: its id, and the step from what a read returns (RetrievedPoint) to what a write takes (PointStruct).
// The two differ in the number of the payload's field (2, then 3) and in `shard_key` and `order_value`, which a write
// does not have. Vectors and payload values are passed on without being decoded. A field we do not know is refused.

import type { PointId } from '../../model/point-id.js';
import { unknownField, WireReader } from './wire.js';

const READ_PAYLOAD_TAG = 0x12;
const WRITE_PAYLOAD_TAG = 0x1a;

/** Id of a RetrievedPoint or PointStruct. */
export function pointId(point: Uint8Array): PointId {
  const reader = new WireReader(point);
  while (reader.next()) if (reader.field === 1) return readId(point, reader.start, reader.end);
  throw unknownField('RetrievedPoint without id', reader);
}

/** The `PointId` between two offsets. */
export function readId(bytes: Uint8Array, start: number, end: number): PointId {
  const reader = new WireReader(bytes, start, end);
  if (!reader.next()) throw unknownField('PointId', reader);
  if (reader.field === 1) return u64Text(reader.low, reader.high);
  if (reader.field === 2)
    return Buffer.from(bytes.buffer, bytes.byteOffset + reader.start, reader.end - reader.start).toString();
  throw unknownField('PointId', reader);
}

function u64Text(low: number, high: number): string {
  if (high < 1 << 21) return String(high * 2 ** 32 + low);
  return String((BigInt(high) << 32n) | BigInt(low));
}

/** The same point for a write. Changes the tags of `point` in place and returns it, or the part of it that a write takes. */
export function asPointStruct(point: Uint8Array): Uint8Array {
  const reader = new WireReader(point);
  let kept = 0;
  for (let tagAt = reader.position; reader.next(); tagAt = reader.position) {
    if (reader.field === 2 && point[tagAt] === READ_PAYLOAD_TAG) point[tagAt] = WRITE_PAYLOAD_TAG;
    else if (reader.field === 5 || reader.field === 6) continue;
    else if (reader.field !== 1 && reader.field !== 3 && reader.field !== 4)
      throw unknownField('RetrievedPoint', reader);
    // Qdrant writes fields in ascending order, so what a write takes is a prefix; anything else would be a new layout.
    if (tagAt !== kept) throw unknownField('RetrievedPoint in another order', reader);
    kept = reader.position;
  }
  return kept === point.length ? point : point.subarray(0, kept);
}

/** Id and vectors alone, for a write whose payload follows over REST. */
export function withoutPayload(point: Uint8Array): Uint8Array {
  const reader = new WireReader(point);
  const kept: Uint8Array[] = [];
  for (let tagAt = reader.position; reader.next(); tagAt = reader.position) {
    if (reader.field === 1 || reader.field === 4) kept.push(point.subarray(tagAt, reader.position));
  }
  return Buffer.concat(kept);
}
