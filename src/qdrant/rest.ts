// One REST connection to one node. It promises text, byte for byte as Qdrant sent it, and every failure as a
// FerryError that says whether trying again can help. It does not retry (Temporal does) and knows no endpoint.
// Why not @qdrant/js-client-rest: docs/decisions/0001-rest-by-text.md.

import { parse } from 'lossless-json';
import { Agent, request as send, type Dispatcher } from 'undici';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { answerFailure, asUnheard, isQdrants, isUnsent, transportFailure } from './rest-failures.js';

export interface RestRequest {
  /** JSON text; numbers in it are never parsed on the way. */
  body?: string;
  signal?: AbortSignal | undefined;
  /** Longest silence of the node, in milliseconds; 0 for a call that may take as long as it takes. */
  timeoutMs?: number;
  contentType?: string;
  /** The node goes on with it when its client has left: without an answer of Qdrant's own it fails as `UnheardCall`. */
  goesOn?: boolean;
}

export type OpenAnswer = Dispatcher.ResponseData;
export type RestMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const CONNECT_TIMEOUT_MS = 2_000;
const SILENCE_TIMEOUT_MS = 60_000;

export class RestNode {
  readonly url: string;
  readonly connection: ClusterConnection;
  readonly #agent: Agent;

  constructor(url: string, connection: ClusterConnection) {
    this.url = url.replace(/\/+$/, '');
    this.connection = connection;
    const trust = connection.ca === undefined ? {} : { ca: connection.ca };
    this.#agent = new Agent({ connect: { timeout: CONNECT_TIMEOUT_MS, ...trust } });
  }

  /** The answer's text. */
  async request(method: RestMethod, path: string, options: RestRequest = {}): Promise<string> {
    options.signal?.throwIfAborted();
    try {
      return await this.#exchange(method, path, options);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (error instanceof FerryError) throw error;
      const failure = transportFailure(error, { cluster: this.connection.alias, node: this.url });
      throw options.goesOn && !isUnsent(error) ? asUnheard(failure) : failure;
    }
  }

  /** The answer as it comes, for what is too large for one text. Leaving its body early closes the connection. */
  async open(path: string, options: RestRequest & { headers?: Record<string, string> }): Promise<OpenAnswer> {
    options.signal?.throwIfAborted();
    const where = { cluster: this.connection.alias, node: this.url };
    try {
      const answer = await this.#send('GET', path, options);
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer;
      const text = await answer.body.text();
      throw answerFailure(answer.statusCode, text, answer.headers['retry-after'], path, where);
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (error instanceof FerryError) throw error;
      throw transportFailure(error, where);
    }
  }

  /** The answer's `result`, every number a LosslessNumber. */
  async json(method: RestMethod, path: string, options: RestRequest = {}): Promise<unknown> {
    const answer = parse(await this.request(method, path, options));
    return (answer as { result?: unknown }).result;
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  async #exchange(method: RestMethod, path: string, options: RestRequest): Promise<string> {
    const answer = await this.#send(method, path, options);
    const text = await answer.body.text();
    const isHeard = !options.goesOn || isQdrants(text) || isNotPassedOn(answer.statusCode);
    if (isHeard && answer.statusCode >= 200 && answer.statusCode < 300) return text;
    const where = { cluster: this.connection.alias, node: this.url };
    const failure = answerFailure(answer.statusCode, text, answer.headers['retry-after'], path, where);
    throw isHeard ? failure : asUnheard(failure);
  }

  #send(method: RestMethod, path: string, options: RestRequest & { headers?: Record<string, string> }) {
    const silence = options.timeoutMs ?? SILENCE_TIMEOUT_MS;
    return send(`${this.url}${path}`, {
      method,
      dispatcher: this.#agent,
      headers: { ...this.#headers(options), ...options.headers },
      body: options.body ?? null,
      signal: options.signal ?? null,
      headersTimeout: silence,
      bodyTimeout: silence,
    });
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
