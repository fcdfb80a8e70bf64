// The calls of Qdrant's service Points that ferry makes, over the session that Connect manages. Large buffers are used
// again: an upsert's when Qdrant has answered, so when all was sent; an answer's when its points were given back.

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
import { type CallOptions, callUnary, FRAME_HEADER_BYTES, type UnaryCall } from './unary-call.js';
import { Points, UpsertPointsSchema, type ShardKeySelector } from './gen/points_pb.js';
import { SpareBuffers } from './spare-buffers.js';

/** As many as there are pages under way on one connection: two or three being written, one being read. */
const SPARE_BUFFERS = 4;
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
  /** Of every path. */
  prefix?: string;
  readMaxBytes: number;
}

export function createPointCalls(sessions: Http2SessionManager, settings: CallSettings) {
  const { scroll, get, delete: remove, upsert } = Points.method;
  const [frames, answers] = [new SpareBuffers(SPARE_BUFFERS), new SpareBuffers(SPARE_BUFFERS)];
  const takeBuffer = (bytes: number) => answers.take(bytes);
  const shared = { ...settings, takeBuffer };
  return {
    scroll: encoding(sessions, shared, scroll),
    get: encoding(sessions, shared, get),
    delete: encoding(sessions, shared, remove),
    /** With `wait=true`. */
    upsert: async ({ points, ...rest }: UpsertRequest, options: CallOptions) => {
      const head = toBinary(UpsertPointsSchema, create(UpsertPointsSchema, { ...rest, wait: true }));
      const frame = upsertFrame(frames, head, points);
      const answer = await callUnary(sessions, {
        ...shared,
        ...options,
        path: pathOf(upsert, settings),
        frame,
      });
      frames.giveBack(frame.buffer);
      return fromBinary(upsert.output, answer);
    },
    /** These points came in one answer, and nobody reads them any more. */
    giveBack: ([first]: readonly Uint8Array[]) => {
      if (first !== undefined) answers.giveBack(first.buffer);
    },
  };
}

function encoding<I extends DescMessage, O extends DescMessage>(
  sessions: Http2SessionManager,
  settings: CallSettings & Pick<UnaryCall, 'takeBuffer'>,
  method: DescMethodUnary<I, O>,
): (request: MessageInitShape<I>, options: CallOptions) => Promise<MessageShape<O>> {
  return async (request, options) => {
    const frame = framed(toBinary(method.input, create(method.input, request)));
    const call = { ...settings, ...options, path: pathOf(method, settings), frame };
    return fromBinary(method.output, await callUnary(sessions, call));
  };
}

function pathOf(method: DescMethodUnary, { prefix = '' }: Pick<CallSettings, 'prefix'>): string {
  return `${prefix}/${method.parent.typeName}/${method.name}`;
}

function framed(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + message.length);
  writeHeader(frame, message.length);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

function upsertFrame(spare: SpareBuffers, head: Uint8Array, points: readonly Uint8Array[]): Uint8Array {
  const bytes = head.length + points.reduce((sum, { length }) => sum + 1 + varintSize(length) + length, 0);
  const frame = spare.take(FRAME_HEADER_BYTES + bytes);
  writeHeader(frame, bytes);
  frame.set(head, FRAME_HEADER_BYTES);
  let at = FRAME_HEADER_BYTES + head.length;
  for (const point of points) {
    frame[at++] = POINTS_TAG;
    at = writeVarint(frame, at, point.length);
    frame.set(point, at);
    at += point.length;
  }
  return frame;
}

/** Not compressed; the message's length. */
function writeHeader(frame: Uint8Array, length: number): void {
  frame[0] = 0;
  new DataView(frame.buffer, frame.byteOffset).setUint32(1, length);
}

function writeVarint(into: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) into[at++] = (rest & 0x7f) | 0x80;
  into[at++] = rest;
  return at;
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) size++;
  return size;
}
