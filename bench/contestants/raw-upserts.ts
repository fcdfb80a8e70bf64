// gRPC by hand, for requests that are encoded already: nothing is left to do but to send.

import { connect, type ClientHttp2Session } from 'node:http2';
import { once } from 'node:events';
import { fromBinary } from '@bufbuild/protobuf';
import { PointsOperationResponseSchema } from '../../src/qdrant/points/gen/points_pb.js';

const COMPLETED = 2;
const FRAME_HEADER_BYTES = 5;

export function grpcFrame(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEADER_BYTES);
  return frame;
}

export class RawUpserts {
  readonly #session: ClientHttp2Session;

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  static async open(grpcUrl: string): Promise<RawUpserts> {
    const session = connect(grpcUrl);
    await once(session, 'connect');
    return new RawUpserts(session);
  }

  /** Resolves when Qdrant has applied it. */
  async send(frame: Buffer): Promise<void> {
    const stream = this.#session.request({
      ':method': 'POST',
      ':path': '/qdrant.Points/Upsert',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let grpcStatus: unknown;
    stream.on('response', (headers) => (grpcStatus ??= headers['grpc-status']));
    stream.on('trailers', (trailers) => (grpcStatus = trailers['grpc-status']));
    stream.end(frame);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    if (String(grpcStatus) !== '0')
      throw new Error(`Qdrant answered an upsert with gRPC status ${grpcStatus}`);
    const answer = fromBinary(
      PointsOperationResponseSchema,
      Buffer.concat(chunks).subarray(FRAME_HEADER_BYTES),
    );
    if (answer.result?.status !== COMPLETED)
      throw new Error(`Qdrant answered with ${answer.result?.status}, not Completed`);
  }

  close(): void {
    this.#session.close();
  }
}
