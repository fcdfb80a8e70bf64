// Our own way to make a gRPC call, against a server that fails in every way a gRPC server can.

import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  asFerryError,
  connectGrpc,
  isPageTooLarge,
  type GrpcConnection,
} from '../../src/qdrant/points/grpc.js';
import {
  PointsOperationResponseSchema,
  UpdateResultSchema,
  UpsertPointsSchema,
  type UpsertPoints,
} from '../../src/qdrant/points/gen/points_pb.js';
import { grpcFrame } from '../support/grpc-frame.js';

let server: Http2Server;
let grpc: GrpcConnection;
let answer: (stream: ServerHttp2Stream, request: UpsertPoints, headers: Record<string, unknown>) => void;

beforeEach(async () => {
  server = createServer();
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () =>
      answer(stream, fromBinary(UpsertPointsSchema, Buffer.concat(chunks).subarray(5)), headers),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const cluster = { alias: 'b', nodes: [{ url, grpcUrl: url }], apiKey: 'k' };
  grpc = connectGrpc(cluster, 0, { readMaxBytes: 1 << 20 });
});

afterEach(() => {
  grpc.close();
  server.close();
});

const points = [1, 127, 128, 70_000].map((length) => new Uint8Array(length).fill(length));
const never = new AbortController().signal;
const upsert = (options: { timeoutMs?: number; signal?: AbortSignal } = {}) =>
  grpc.points.upsert({ collectionName: 'c', points }, { timeoutMs: 5_000, signal: never, ...options });

/** The error as the rest of the program sees it. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => asFerryError(error, { cluster: 'b', node: 'n' }),
  );
}

function complete(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const result = create(UpdateResultSchema, { status: 2 });
  const message = create(PointsOperationResponseSchema, { result });
  stream.end(grpcFrame(toBinary(PointsOperationResponseSchema, message)));
}

/** Byte after byte, each in a frame of its own, and all is well at the end. */
function answerInBytes(stream: ServerHttp2Stream, bytes: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  stream.end();
}

function refuse(stream: ServerHttp2Stream, status: number, message: string): void {
  const headers = { ':status': 200, 'grpc-status': String(status), 'grpc-message': message };
  stream.respond(headers, { endStream: true });
}

describe('a call over gRPC', () => {
  it('sends every point as it is, call after call over the same buffers, with the key in a header', async () => {
    const seen: UpsertPoints[] = [];
    answer = (stream, request, headers) => {
      expect(headers['api-key']).toBe('k');
      seen.push(request);
      complete(stream);
    };
    for (let call = 0; call < 4; call++) expect((await upsert()).result?.status).toBe(2);
    await Promise.all([upsert(), upsert(), upsert(), upsert(), upsert()]);
    for (const request of seen) {
      expect(request).toMatchObject({ collectionName: 'c', wait: true });
      expect(request.points.map(({ length }) => length)).toEqual(points.map(({ length }) => length));
      expect(Buffer.concat(request.points).equals(Buffer.concat(points))).toBe(true);
    }
    expect(seen).toHaveLength(9);
  });

  it.each([
    [16, 'ClusterKeyRefused'],
    [7, 'ClusterUnauthorized'],
    [5, 'CollectionNotFound'],
    [3, 'QdrantRejected'],
    [8, 'QdrantThrottled'],
    [13, 'QdrantUnavailable'],
  ])('names what the server means by status %i', async (status, code) => {
    answer = (stream) => refuse(stream, status, 'na%C3%AFve reason');
    expect(await failure(upsert())).toMatchObject({ code, message: expect.stringContaining('naïve reason') });
  });

  it('takes a reset, a lost connection and an end without a status for an outage', async () => {
    answer = (stream) => stream.close(8);
    expect(await failure(upsert())).toMatchObject({ code: 'QdrantUnavailable' });
    answer = (stream) => stream.session?.destroy();
    expect(await failure(upsert())).toMatchObject({ code: 'QdrantUnavailable' });
    answer = (stream) => stream.respond({ ':status': 502 }, { endStream: true });
    expect(await failure(upsert())).toMatchObject({ code: 'QdrantUnavailable' });
    answer = complete;
    expect((await upsert()).result?.status).toBe(2);
  });

  it('puts an answer together from any chunks, and takes none that is cut or too large', async () => {
    const message = toBinary(
      PointsOperationResponseSchema,
      create(PointsOperationResponseSchema, { result: create(UpdateResultSchema, { status: 2 }) }),
    );
    answer = (stream) => answerInBytes(stream, grpcFrame(message));
    expect((await upsert()).result?.status).toBe(2);
    answer = (stream) => answerInBytes(stream, grpcFrame(message).subarray(0, -1));
    expect(await failure(upsert())).toMatchObject({ code: 'QdrantUnavailable' });
    answer = (stream) => answerInBytes(stream, Buffer.from([0, 0x7f, 0, 0, 0, 1]));
    expect(isPageTooLarge(await upsert().catch((error: unknown) => error))).toBe(true);
  });

  it('gives up at its dead-line, and at once when requested', async () => {
    answer = () => undefined;
    expect(await failure(upsert({ timeoutMs: 50 }))).toMatchObject({ code: 'QdrantUnavailable' });
    const stop = new AbortController();
    const stopped = failure(upsert({ signal: stop.signal }));
    stop.abort(new Error('enough'));
    expect(await stopped).toBeDefined();
  });
});
