// One gRPC call with one request, already framed, and one answer, over a session that Connect manages. Promises: errors
// as Connect makes them, `grpc-status` in their metadata exactly when the server sent one; a dead-line that counts the
// connecting too; after it has settled, nothing is under way. Does not read compressed answers and does not ask for any.
// Why not Connect's own calls: they hand each chunk of an answer through several async iterators and copy a request
// six times; a sixth of our CPU went there (docs/decisions/0002-relay.md).

import { type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2';
import { Code, ConnectError } from '@connectrpc/connect';
import type { Http2SessionManager } from '@connectrpc/connect-node';

export interface CallOptions {
  timeoutMs: number;
  signal: AbortSignal;
  /** Called before the last byte goes out; when it throws, the server gets no whole request. */
  beforeEnd?: (() => void) | undefined;
}

export interface UnaryCall extends CallOptions {
  /** "/package.Service/Method" */
  path: string;
  headers: Record<string, string>;
  /** Header and message. */
  frame: Uint8Array;
  /** An answer over this size fails instead of filling the memory. */
  readMaxBytes: number;
  /** Where the answer's message is put; every byte of it is written. */
  takeBuffer: (bytes: number) => Uint8Array;
}

/** Resolves with the answer's message. */
export function callUnary(sessions: Http2SessionManager, call: UnaryCall): Promise<Uint8Array> {
  const { timeoutMs, signal } = call;
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
  sessions.request('POST', call.path, headersOf(call), {}).then((opened) => {
    stream = opened;
    readAnswer(opened, new AnswerMessage(call.readMaxBytes, call.takeBuffer), giveUp, settle);
    if (isSettled()) opened.close(constants.NGHTTP2_CANCEL);
    else sendFrame(opened, call, giveUp);
  }, giveUp);
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  });
}

/**
 * A whole frame that was handed over goes out although the process is stopped, or runs again and has not looked at a
 * clock. So the last byte is held back until the others have left, and is sent by code that has just asked.
 */
function sendFrame(
  stream: ClientHttp2Stream,
  { frame, beforeEnd }: UnaryCall,
  giveUp: (error: unknown) => void,
): void {
  if (beforeEnd === undefined) {
    stream.end(frame);
    return;
  }
  stream.write(frame.subarray(0, -1), (failed) => {
    if (failed || stream.destroyed) return; // its 'error' and 'close' say why
    try {
      beforeEnd();
      stream.end(frame.subarray(-1));
    } catch (error) {
      giveUp(error);
    }
  });
}

function headersOf({ headers, timeoutMs }: UnaryCall): Record<string, string> {
  const fixed = { 'content-type': 'application/grpc+proto', te: 'trailers' };
  return { ...headers, ...fixed, 'grpc-timeout': `${timeoutMs}m` };
}

/** Calls `done` when the stream has ended, in whatever way. */
function readAnswer(
  stream: ClientHttp2Stream,
  message: AnswerMessage,
  giveUp: (error: unknown) => void,
  done: (answer: () => Promise<Uint8Array>) => void,
): void {
  const received = new Headers();
  const note = (headers: IncomingHttpHeaders) => {
    for (const [name, value] of Object.entries(headers))
      if (!name.startsWith(':') && value !== undefined) received.set(name, String(value));
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => {
    try {
      message.add(chunk);
    } catch (error) {
      giveUp(error);
    }
  });
  stream.on('error', (error) => done(() => Promise.reject(ConnectError.from(error, Code.Unavailable))));
  stream.on('close', () =>
    done(async () => {
      requireSuccess(received, stream.rstCode);
      return message.whole();
    }),
  );
}

function requireSuccess(received: Headers, resetCode: number): void {
  const status = received.get('grpc-status');
  if (status === '0') return;
  if (status !== null)
    throw new ConnectError(decoded(received.get('grpc-message') ?? ''), codeOf(status), received);
  throw new ConnectError(`the stream ended without a status (reset code ${resetCode})`, Code.Unavailable);
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

export const FRAME_HEADER_BYTES = 5;

/**
 * The one message of an answer, put together from chunks as they come, in one buffer of its size. A message that is too
 * large, compressed, or not whole is an error, never a shorter message.
 */
class AnswerMessage {
  readonly #maxBytes: number;
  readonly #take: (bytes: number) => Uint8Array;
  #header: Buffer = Buffer.alloc(0);
  #message: Uint8Array | undefined;
  #filled = 0;

  constructor(maxBytes: number, take: (bytes: number) => Uint8Array) {
    this.#maxBytes = maxBytes;
    this.#take = take;
  }

  add(chunk: Buffer): void {
    let rest = chunk;
    if (this.#message === undefined) {
      const known = this.#header.length;
      this.#header = Buffer.concat([this.#header, chunk.subarray(0, FRAME_HEADER_BYTES - known)]);
      if (this.#header.length < FRAME_HEADER_BYTES) return;
      this.#message = this.#allocate();
      rest = chunk.subarray(FRAME_HEADER_BYTES - known);
    }
    if (this.#filled + rest.length > this.#message.length) throw broken('more than one message');
    this.#message.set(rest, this.#filled);
    this.#filled += rest.length;
  }

  whole(): Uint8Array {
    if (this.#message === undefined || this.#filled < this.#message.length)
      throw broken('not a whole message');
    return this.#message;
  }

  #allocate(): Uint8Array {
    if (this.#header[0] !== 0) throw broken('a compressed message');
    const length = this.#header.readUInt32BE(1);
    if (length > this.#maxBytes) {
      throw new ConnectError(
        `the answer has ${length} bytes, more than the limit of ${this.#maxBytes}`,
        Code.ResourceExhausted,
      );
    }
    return this.#take(length);
  }
}

function broken(what: string): ConnectError {
  return new ConnectError(`the answer is ${what}`, Code.Internal);
}
