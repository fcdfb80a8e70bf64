// The calls of Qdrant's service Points that ferry makes, over the session that Connect manages. Upserts are put together
// here: Connect's encoder doubles its buffer up to 2 MiB and copies it twice, and what it leaves behind makes V8 mark the
// whole heap every few pages. Their buffers are used again, only after Qdrant answered, so after all was sent.

import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import type { Http2SessionManager } from '@connectrpc/connect-node';
import { FRAME_HEADER_BYTES } from './answer-message.js';
import { Points, UpsertPointsSchema, type ShardKeySelector } from './gen/points_pb.js';
import { callUnary, type CallOptions } from './unary-call.js';

/** As many as there are writes under way on one connection. */
const SPARE_BUFFERS = 3;
const BUFFER_STEP_BYTES = 1 << 18;
const POINTS_TAG = 0x1a;

export type PointCalls = ReturnType<typeof createPointCalls>;

export interface UpsertRequest {
  collectionName: string;
  shardKeySelector?: ShardKeySelector;
  /** Each a PointStruct. */
  points: readonly Uint8Array[];
}

export interface CallSettings {
  headers: Record<string, string>;
  readMaxBytes: number;
}

export function createPointCalls(sessions: Http2SessionManager, settings: CallSettings) {
  const { scroll, get, delete: remove, upsert } = Points.method;
  const spare: Buffer[] = [];
  return {
    scroll: encoding(sessions, settings, scroll),
    get: encoding(sessions, settings, get),
    delete: encoding(sessions, settings, remove),
    /** With `wait=true`. */
    upsert: async ({ points, ...rest }: UpsertRequest, options: CallOptions) => {
      const head = toBinary(UpsertPointsSchema, create(UpsertPointsSchema, { ...rest, wait: true }));
      const { buffer, frame } = upsertFrame(spare, head, points);
      const call = { ...settings, ...options, path: pathOf(upsert), frame };
      const answer = await callUnary(sessions, call);
      if (spare.length < SPARE_BUFFERS) spare.push(buffer);
      return fromBinary(upsert.output, answer);
    },
  };
}

function encoding<I extends DescMessage, O extends DescMessage>(
  sessions: Http2SessionManager,
  settings: CallSettings,
  method: DescMethodUnary<I, O>,
): (request: MessageInitShape<I>, options: CallOptions) => Promise<MessageShape<O>> {
  return async (request, options) => {
    const frame = framed(toBinary(method.input, create(method.input, request)));
    const call = { ...settings, ...options, path: pathOf(method), frame };
    return fromBinary(method.output, await callUnary(sessions, call));
  };
}

function pathOf(method: DescMethodUnary): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + message.length);
  writeHeader(frame, message.length);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

function upsertFrame(spare: Buffer[], head: Uint8Array, points: readonly Uint8Array[]) {
  const bytes = head.length + points.reduce((sum, { length }) => sum + 1 + varintSize(length) + length, 0);
  const buffer = take(spare, FRAME_HEADER_BYTES + bytes);
  writeHeader(buffer, bytes);
  buffer.set(head, FRAME_HEADER_BYTES);
  let at = FRAME_HEADER_BYTES + head.length;
  for (const point of points) {
    buffer[at++] = POINTS_TAG;
    at = writeVarint(buffer, at, point.length);
    buffer.set(point, at);
    at += point.length;
  }
  return { buffer, frame: buffer.subarray(0, at) };
}

function take(spare: Buffer[], bytes: number): Buffer {
  const kept = spare.pop();
  if (kept !== undefined && kept.length >= bytes) return kept;
  return Buffer.allocUnsafeSlow(Math.ceil(bytes / BUFFER_STEP_BYTES) * BUFFER_STEP_BYTES);
}

/** Not compressed; the message's length. */
function writeHeader(frame: Buffer, length: number): void {
  frame[0] = 0;
  frame.writeUInt32BE(length, 1);
}

function writeVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
  buffer[at++] = rest;
  return at;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
}
