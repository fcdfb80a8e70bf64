// One gRPC call with one request, already framed, and one answer, over a session that Connect manages. Promises: errors
// as Connect makes them, `grpc-status` in their metadata exactly when the server sent one; a dead-line that counts the
// connecting too; after it has settled, nothing is under way. Does not read compressed answers and does not ask for any.

import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Http2SessionManager } from '@connectrpc/connect-node';

export const FRAME_HEADER_BYTES = 5;

export interface CallOptions {
  timeoutMs: number;
  signal: AbortSignal;
}

/** Resolves with the answer's message. */
export function callUnary(
  sessions: Http2SessionManager,
  path: string,
  headers: Record<string, string>,
  frame: Uint8Array,
  { timeoutMs, signal }: CallOptions,
): Promise<Uint8Array> {
  const { promise, settle, isSettled } = deferred<Uint8Array>();
  let stream: ClientHttp2Stream | undefined;
  const giveUp = (error: unknown) => {
    stream?.close(constants.NGHTTP2_CANCEL);
    settle(() => Promise.reject(ConnectError.from(error)));
  };
  const abort = () => giveUp(signal.reason);
  const late = () => giveUp(new ConnectError('the operation timed out', Code.DeadlineExceeded));
  const timer = setTimeout(late, timeoutMs);
  signal.addEventListener('abort', abort, { once: true });
  const all = {
    ...headers,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'grpc-timeout': `${timeoutMs}m`,
  };
  sessions.request('POST', path, all, {}).then((opened) => {
    stream = opened;
    readAnswer(opened, settle);
    if (isSettled()) opened.close(constants.NGHTTP2_CANCEL);
    else opened.end(frame);
  }, giveUp);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}

/** Calls back once, when the stream has ended in whatever way. */
function readAnswer(stream: ClientHttp2Stream, done: (answer: () => Promise<Uint8Array>) => void): void {
  const chunks: Uint8Array[] = [];
  const said = new Headers();
  const note = (headers: IncomingHttpHeaders) => {
    for (const [name, value] of Object.entries(headers))
      if (!name.startsWith(':') && value !== undefined) said.set(name, String(value));
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('error', (error) => done(() => Promise.reject(ConnectError.from(error, Code.Unavailable))));
  stream.on('close', () => done(async () => messageOf(chunks, said, stream.rstCode)));
}

function messageOf(chunks: Uint8Array[], said: Headers, resetCode: number): Uint8Array {
  const status = said.get('grpc-status');
  if (status === null) {
    throw new ConnectError(`the stream ended without a status (reset code ${resetCode})`, Code.Unavailable);
  }
  if (status !== '0') throw new ConnectError(decoded(said.get('grpc-message') ?? ''), codeOf(status), said);
  const frame = Buffer.concat(chunks);
  if (frame.length < FRAME_HEADER_BYTES || frame[0] !== 0) {
    throw new ConnectError('the answer is not one uncompressed message', Code.Internal);
  }
  return frame.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + frame.readUInt32BE(1));
}

/** Percent-encoded; a broken encoding is shown as it came. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

function codeOf(status: string): Code {
  const code = Number(status);
  return code in Code ? code : Code.Unknown;
}

/** A promise that is settled from outside, once; what comes later is ignored. */
function deferred<T>() {
  let resolve: (value: T | Promise<T>) => void = () => undefined;
  const promise = new Promise<T>((settled) => (resolve = settled));
  let done = false;
  const settle = (value: () => Promise<T>) => {
    if (done) return;
    done = true;
    resolve(value());
  };
  return { promise, settle, isSettled: () => done };
}
