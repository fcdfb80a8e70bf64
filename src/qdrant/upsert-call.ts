// Upserts over the session that Connect manages, but put together here: Connect copies a request of 2 MiB six times, and
// the buffers it leaves behind make V8 mark the whole heap every few pages. Promises the same bytes, the same answer and
// the same errors. A buffer is used again only after Qdrant answered, so after all of it was sent.

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Http2SessionManager } from '@connectrpc/connect-node';
import {
  PointsOperationResponseSchema,
  UpsertPointsSchema,
  type PointsOperationResponse,
  type ShardKeySelector,
} from './gen/points_pb.js';
import { callUnary, FRAME_HEADER_BYTES, type CallOptions } from './unary-call.js';

const PATH = '/qdrant.Points/Upsert';
const POINTS_TAG = 0x1a;
/** As many as there are writes under way on one connection. */
const SPARE_BUFFERS = 3;
const BUFFER_STEP_BYTES = 1 << 18;

export interface UpsertRequest {
  collectionName: string;
  shardKeySelector?: ShardKeySelector;
  /** Each a PointStruct. */
  points: readonly Uint8Array[];
}

export type Upsert = (request: UpsertRequest, options: CallOptions) => Promise<PointsOperationResponse>;

/** Writes with `wait=true`. */
export function createUpsert(sessions: Http2SessionManager, headers: Record<string, string>): Upsert {
  const spare: Buffer[] = [];
  return async ({ points, ...rest }, options) => {
    const head = toBinary(UpsertPointsSchema, create(UpsertPointsSchema, { ...rest, wait: true }));
    const bytes = FRAME_HEADER_BYTES + head.length + sizeOf(points);
    const buffer = take(spare, bytes);
    writeFrame(buffer, head, points, bytes);
    const answer = await callUnary(sessions, PATH, headers, buffer.subarray(0, bytes), options);
    if (spare.length < SPARE_BUFFERS) spare.push(buffer);
    return fromBinary(PointsOperationResponseSchema, answer);
  };
}

function take(spare: Buffer[], bytes: number): Buffer {
  const kept = spare.pop();
  if (kept !== undefined && kept.length >= bytes) return kept;
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES);
}

function writeFrame(buffer: Buffer, head: Uint8Array, points: readonly Uint8Array[], bytes: number): void {
  buffer[0] = 0; // not compressed
  buffer.writeUInt32BE(bytes - FRAME_HEADER_BYTES, 1);
  buffer.set(head, FRAME_HEADER_BYTES);
  let at = FRAME_HEADER_BYTES + head.length;
  for (const point of points) {
    buffer[at++] = POINTS_TAG;
    for (let rest = point.length; ; rest >>>= 7) {
      buffer[at++] = rest < 0x80 ? rest : (rest & 0x7f) | 0x80;
      if (rest < 0x80) break;
    }
    buffer.set(point, at);
    at += point.length;
  }
}

/** Of the points as a repeated field: tag, length, bytes. */
function sizeOf(points: readonly Uint8Array[]): number {
  return points.reduce((sum, { length }) => sum + 1 + varintSize(length) + length, 0);
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
}
