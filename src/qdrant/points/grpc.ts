// One gRPC connection to one Qdrant node, at full speed. Promises: no compression (Qdrant would gzip every answer),
// wide flow-control windows, a dead-line on every call, errors as FerryError with a decision whether to try again.
// Not promised: keep-alive pings; connect-node 2.1 ends the process when one times out (connectrpc/connect-es#1795).

import type * as http2 from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import { Http2SessionManager } from '@connectrpc/connect-node';
import { tlsOf, type ClusterConnection, type NodeAddress } from '../../model/cluster.js';
import { FerryError, type ErrorCode } from '../../model/errors.js';
import { createPointCalls, type PointCalls } from './point-calls.js';
import { codeOfSentence, deadPeerIn, inOneLine } from '../refusal-sentences.js';

const STREAM_WINDOW_BYTES = 32 << 20;
const CONNECTION_WINDOW_BYTES = 128 << 20;
const LARGEST_FRAME_BYTES = (1 << 24) - 1;

export interface GrpcConnection {
  points: PointCalls;
  /** Where this connection leads, for messages. */
  where: { cluster: string; node: string };
  close(): void;
}

export interface GrpcOptions {
  /** An answer over this size fails as `PageTooLarge` instead of filling the memory. */
  readMaxBytes: number;
}

/** `lane` chooses the node, modulo their number. Connects on the first call. */
export function connectGrpc(cluster: ClusterConnection, lane: number, options: GrpcOptions): GrpcConnection {
  const node = nodeOf(cluster, lane);
  const sessions = new WideSessionManager(node.grpcUrl, undefined, {
    ...tlsOf(cluster),
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxFrameSize: LARGEST_FRAME_BYTES,
      enablePush: false,
    },
  });
  const where = { cluster: cluster.alias, node: node.grpcUrl };
  const headers: Record<string, string> = cluster.apiKey === undefined ? {} : { 'api-key': cluster.apiKey };
  return {
    points: createPointCalls(sessions, { headers, prefix: prefixOf(node.grpcUrl), ...options }),
    where,
    close: () => sessions.abort(),
  };
}

/** The path by which a proxy routes to this server, "" without one. */
function prefixOf(grpcUrl: string): string {
  return new URL(grpcUrl).pathname.replace(/\/+$/, '');
}

export function nodeOf(cluster: ClusterConnection, lane: number): NodeAddress {
  const node = cluster.nodes[Math.abs(lane) % cluster.nodes.length];
  if (node === undefined) throw new FerryError('InvalidConfig', `Cluster "${cluster.alias}" has no nodes`);
  return node;
}

/** HTTP/2's default window of 64 KiB allows 463 points/s at 20 ms of delay; the session's is widened once it stands. */
class WideSessionManager extends Http2SessionManager {
  #seen = new WeakSet<http2.ClientHttp2Session>();

  override async request(
    ...args: Parameters<Http2SessionManager['request']>
  ): Promise<http2.ClientHttp2Stream> {
    const stream = await super.request(...args);
    const session = stream.session as http2.ClientHttp2Session | undefined;
    if (session !== undefined && !this.#seen.has(session)) {
      this.#seen.add(session);
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      session.on('error', () => undefined); // the call that is under way reports it; without a listener the process would end
    }
    return stream;
  }
}

/** Turns whatever a call threw into a FerryError; the caller's own abort comes back as its reason. */
export function asFerryError(error: unknown, where: GrpcConnection['where'], signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason;
  if (error instanceof FerryError) return error;
  const connectError = ConnectError.from(error);
  const options = { cause: error, context: where };
  const sentence = inOneLine(withoutQueryStrings(connectError.rawMessage));
  if (causeCode(connectError).match(/CERT|SELF_SIGNED|TLS|SSL/)) {
    return new FerryError(
      'ClusterUntrusted',
      `The certificate of ${where.cluster} was not accepted: ${sentence}`,
      options,
    );
  }
  // A killed server shows as Canceled or Aborted; only a status that the server itself sent means what it says.
  if (!cameFromServer(connectError)) {
    return new FerryError(
      'QdrantUnavailable',
      `The connection to ${where.cluster} failed: ${sentence}`,
      options,
    );
  }
  return fromStatus(connectError, sentence, options);
}

function fromStatus(
  error: ConnectError,
  sentence: string,
  options: { cause: unknown; context: GrpcConnection['where'] },
): FerryError {
  switch (error.code) {
    case Code.Unauthenticated:
      return new FerryError(
        'ClusterKeyRefused',
        `"${options.context.cluster}" refused the API key over gRPC: ${sentence}`,
        options,
      );
    case Code.PermissionDenied:
      return new FerryError(
        'ClusterUnauthorized',
        `${options.context.cluster} refused the permissions of the API key: ${sentence}`,
        options,
      );
    case Code.NotFound:
      return new FerryError('CollectionNotFound', sentence, options);
    default:
      return new FerryError(
        codeOfSentence(sentence) ?? codeOfStatus(error.code),
        `${deadPeerIn(sentence)}${sentence}`,
        {
          ...options,
          ...retryAfter(error),
        },
      );
  }
}

function codeOfStatus(code: Code): ErrorCode {
  switch (code) {
    case Code.ResourceExhausted:
      return 'QdrantThrottled';
    case Code.InvalidArgument:
    case Code.FailedPrecondition:
    case Code.AlreadyExists:
    case Code.OutOfRange:
    case Code.Unimplemented:
      return 'QdrantRejected';
    default:
      return 'QdrantUnavailable';
  }
}

/** True when we ourselves refused an answer over `readMaxBytes`. */
export function isPageTooLarge(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.ResourceExhausted && !cameFromServer(error);
}

function cameFromServer(error: ConnectError): boolean {
  return error.metadata.has('grpc-status');
}

function causeCode(error: ConnectError): string {
  const cause = error.cause as { code?: unknown } | undefined;
  return typeof cause?.code === 'string' ? cause.code : '';
}

function retryAfter(error: ConnectError): { retryAfterMs?: number } {
  const seconds = Number(error.metadata.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? { retryAfterMs: seconds * 1_000 } : {};
}

function withoutQueryStrings(text: string): string {
  return text.replace(/(https?:\/\/[^\s?"']+)\?[^\s"']*/g, '$1?…').slice(0, 500);
}
