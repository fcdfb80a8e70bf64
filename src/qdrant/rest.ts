// One REST connection to one node. It promises text, byte for byte as Qdrant sent it, and every failure as a
// FerryError that tells whether another attempt can help. It does not retry (Temporal does) and knows no endpoint.
// Calls whose answers have no number over 2^53 go through @qdrant/js-client-rest, over the same connection and with the
// same failures; why not the others: docs/decisions/0001-rest-by-text.md.

import type { Readable } from 'node:stream';
import { QdrantClient } from '@qdrant/js-client-rest';
import { parse } from 'lossless-json';
import { Agent, request as send, type Dispatcher } from 'undici';
import { tlsOf, type ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import type { OfficialApi } from './openapi.js';
import {
  answerFailure,
  asLostAnswer,
  isQdrants,
  isUnsent,
  officialFailure,
  tlsAlertOf,
  transportFailure,
} from './rest-failures.js';

export interface RestRequest {
  /** JSON text; numbers in it are never parsed on the way. */
  body?: string | Buffer;
  signal?: AbortSignal | undefined;
  /** Longest silence of the node, in milliseconds; 0 for a call that may take as long as it takes. */
  timeoutMs?: number;
  contentType?: string;
  /** Called before the last byte of the body goes out; when it throws, the node gets no whole request. */
  beforeEnd?: (() => void) | undefined;
  /** An answer over this size fails as `isAnswerTooLarge` instead of filling the memory. */
  maxBytes?: number;
  /** The node carries it out even when its client is gone: without an answer of Qdrant's own it fails as `LostAnswer`. */
  goesOn?: boolean;
}

export type OpenAnswer = Dispatcher.ResponseData;
export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const CONNECT_TIMEOUT_MS = 2_000;
const SILENCE_TIMEOUT_MS = 60_000;
const CHUNK_BYTES = 1 << 16;

export class RestNode {
  readonly url: string;
  readonly connection: ClusterConnection;
  readonly #agent: Agent;
  #client: QdrantClient | undefined;

  constructor(url: string, connection: ClusterConnection) {
    this.url = url.replace(/\/+$/, '');
    this.connection = connection;
    this.#agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...tlsOf(connection) } });
  }

  /** The answer's text. */
  async request(method: RestMethod, path: string, options: RestRequest = {}): Promise<string> {
    return (await this.bytes(method, path, options)).toString();
  }

  /** The answer's text as it came, UTF-8. */
  async bytes(method: RestMethod, path: string, options: RestRequest = {}): Promise<Buffer> {
    options.signal?.throwIfAborted();
    try {
      return await this.#exchange(method, path, options);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (error instanceof FerryError) throw error;
      const failure = transportFailure(await this.#withTlsAlert(error), this.#where);
      throw options.goesOn && !isUnsent(error) ? asLostAnswer(failure) : failure;
    }
  }

  /** The answer as it comes, for what is too large for one text. Leaving its body early closes the connection. */
  async open(path: string, options: RestRequest & { headers?: Record<string, string> }): Promise<OpenAnswer> {
    options.signal?.throwIfAborted();
    try {
      const answer = await this.#send('GET', path, options);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
      const text = await answer.body.text();
      throw answerFailure(answer.statusCode, text, answer.headers['retry-after'], path, this.#where);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (error instanceof FerryError) throw error;
      throw transportFailure(await this.#withTlsAlert(error), this.#where);
    }
  }

  /** The answer's `result`, every number a LosslessNumber. */
  async json<T = unknown>(method: RestMethod, path: string, options: RestRequest = {}): Promise<T> {
    const answer = parse(await this.request(method, path, options));
    return (answer as { result?: unknown }).result as T;
  }

  /** A call of the official client: for bodies and answers in which no number that matters is over 2^53. */
  async official<T>(
    call: (api: OfficialApi, init: RequestInit) => Promise<{ data: T }>,
    { signal, timeoutMs = SILENCE_TIMEOUT_MS }: Pick<RestRequest, 'signal' | 'timeoutMs'> = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    const late = AbortSignal.timeout(timeoutMs);
    const init = {
      dispatcher: this.#agent,
      redirect: 'manual',
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    };
    try {
      return (await call(this.#official(), init as unknown as RequestInit)).data;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw officialFailure(late.aborted ? late.reason : await this.#withTlsAlert(error), this.#where);
    }
  }

  #official(): OfficialApi {
    this.#client ??= officialClient(this.url, this.connection.apiKey);
    return this.#client.api();
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  async #exchange(method: RestMethod, path: string, options: RestRequest): Promise<Buffer> {
    const answer = await this.#send(method, path, options);
    const where = this.#where;
    const bytes = await readBody(answer.body, options.maxBytes, where);
    const isSuccess = answer.statusCode >= 200 && answer.statusCode < 300;
    if (isSuccess && !options.goesOn) return bytes;
    const text = bytes.toString();
    const isHeard = !options.goesOn || isQdrants(text) || isNotPassedOn(answer.statusCode);
    if (isHeard && isSuccess) return bytes;
    const failure = answerFailure(answer.statusCode, text, answer.headers['retry-after'], path, where);
    throw isHeard ? failure : asLostAnswer(failure);
  }

  #send(method: RestMethod, path: string, options: RestRequest & { headers?: Record<string, string> }) {
    const silence = options.timeoutMs ?? SILENCE_TIMEOUT_MS;
    const { body, beforeEnd } = options;
    const held = body === undefined || beforeEnd === undefined ? undefined : asBuffer(body);
    const length = held === undefined ? {} : { 'content-length': String(held.length) };
    return send(`${this.url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#headers(options), ...length, ...options.headers },
      // undici takes an iterable, and asks it for more only after the socket has drained; its types know only streams.
      body: held === undefined ? (body ?? null) : (heldBack(held, beforeEnd) as unknown as Readable),
      signal: options.signal ?? null,
      headersTimeout: silence,
      bodyTimeout: silence,
    });
  }

  get #where() {
    return { cluster: this.connection.alias, node: this.url };
  }

  /** Of a connection that was closed: the TLS alert, if the node rejected our certificate with one. */
  async #withTlsAlert(error: unknown): Promise<unknown> {
    const { code: own, cause } = error as { code?: unknown; cause?: { code?: unknown } };
    const isClosed = (own ?? cause?.code) === 'UND_ERR_SOCKET';
    if (!isClosed || !this.url.startsWith('https:')) return error;
    const code = await tlsAlertOf(this.url, this.connection);
    return code === undefined ? error : Object.assign(new Error(code, { cause: error }), { code });
  }

  #headers({ body, contentType }: RestRequest): Record<string, string> {
    const { apiKey } = this.connection;
    return {
      'accept-encoding': 'identity',
      ...(apiKey === undefined ? {} : { 'api-key': apiKey }),
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
    };
  }
}

/** Without its check of versions, its own time-out, and its warning about keys over plain HTTP. */
function officialClient(url: string, apiKey: string | undefined): QdrantClient {
  const { origin, pathname, port, protocol } = new URL(url);
  return new QdrantClient({
    url: origin,
    port: Number(port) || (protocol === 'https:' ? 443 : 80),
    prefix: pathname.replace(/\/+$/, ''),
    headers: { 'accept-encoding': 'identity', ...(apiKey === undefined ? {} : { 'api-key': apiKey }) },
    timeout: Number.POSITIVE_INFINITY,
    checkCompatibility: false,
  });
}

function asBuffer(body: string | Buffer): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

/**
 * A whole body that was handed over goes out although the process is stopped, or runs again and has not looked at a
 * clock. So the last byte is held back until the others have been taken, and is given by code that has just asked.
 */
async function* heldBack(body: Buffer, beforeEnd: (() => void) | undefined): AsyncGenerator<Buffer> {
  for (let at = 0; at < body.length - 1; at += CHUNK_BYTES)
    yield body.subarray(at, Math.min(at + CHUNK_BYTES, body.length - 1));
  await new Promise(setImmediate);
  beforeEnd?.();
  yield body.subarray(-1);
}

async function readBody(
  body: AsyncIterable<Buffer>,
  maxBytes = Number.POSITIVE_INFINITY,
  where: { cluster: string; node: string },
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) {
      const happened = `An answer of ${where.node} is larger than ${maxBytes} bytes`;
      throw new FerryError('QdrantUnavailable', happened, { context: where, cause: TOO_LARGE });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const TOO_LARGE = new Error('answer over the limit');

/** True when we ourselves refused an answer over `maxBytes`. */
export function isAnswerTooLarge(error: unknown): boolean {
  return error instanceof FerryError && error.cause === TOO_LARGE;
}

/** Who refuses a request like this, a proxy or Qdrant itself, does not begin it. */
function isNotPassedOn(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408;
}

/** `lane` chooses the node, modulo their number. */
export function restNode(connection: ClusterConnection, lane = 0): RestNode {
  const node = connection.nodes[lane % connection.nodes.length];
  if (!node) throw new FerryError('InvalidConfig', `The cluster "${connection.alias}" has no nodes`);
  return new RestNode(node.url, connection);
}
