// What a cluster says of itself: version, peers, collections, aliases. Asks one node after the other when a node
// cannot be reached at all; any answer, also a refusal, is final.

import { parse } from 'lossless-json';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { objectAt, textAt, writeJson, type Json } from '../model/json.js';
import type { Alias, ClusterFacts } from '../cluster/control-port.js';
import { list } from './control-layout.js';
import { checkGrpcReachable } from './grpc-reachable.js';
import { restNode, type RestMethod, type RestNode, type RestRequest } from './rest.js';

export interface Call extends Omit<RestRequest, 'body' | 'contentType'> {
  body?: Json;
}

export class QdrantCluster implements ClusterFacts {
  readonly alias: string;
  readonly nodeUrls: readonly string[];
  readonly restOnly: boolean;
  readonly #connection: ClusterConnection;
  readonly #nodes: RestNode[];

  constructor(connection: ClusterConnection) {
    this.alias = connection.alias;
    this.restOnly = connection.grpc === false;
    this.#connection = connection;
    this.#nodes = connection.nodes.map((_, lane) => restNode(connection, lane));
    this.nodeUrls = this.#nodes.map((node) => node.url);
  }

  /** The answer's `result`. */
  async call(method: RestMethod, path: string, { body, ...options }: Call = {}): Promise<Json> {
    const request: RestRequest = body === undefined ? options : { ...options, body: writeJson(body) };
    return (await this.#onAnyNode((node) => node.json(method, path, request))) as Json;
  }

  /** The same of every node that answers, each by its own address. */
  protected async onEachNode<T>(ask: (node: RestNode, lane: number) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled(this.#nodes.map(ask));
    const given = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = answers.find((one) => one.status === 'rejected');
    if (given.length === 0 && failed) throw failed.reason;
    return given;
  }

  protected node(lane: number): RestNode {
    const node = this.#nodes[lane % this.#nodes.length];
    if (!node) throw new FerryError('InvalidConfig', `The cluster "${this.alias}" has no nodes`);
    return node;
  }

  async version(signal?: AbortSignal, timeoutMs = 60_000): Promise<string> {
    const text = await this.#onAnyNode((node) => node.request('GET', '/', { signal, timeoutMs }));
    const version = versionIn(text);
    if (version !== undefined) return version;
    throw new FerryError('QdrantRejected', `What answers at ${this.nodeUrls.join(', ')} is not Qdrant`, {
      context: { cluster: this.alias },
    });
  }

  async checkGrpcReachable(signal?: AbortSignal): Promise<void> {
    const nodes = this.#connection.nodes;
    await Promise.all(nodes.map((node, lane) => this.#checkReachable(node.grpcUrl, this.node(lane), signal)));
  }

  /** Of a node that is silent over REST, too, gRPC is not what is missing. */
  async #checkReachable(grpcUrl: string, node: RestNode, signal?: AbortSignal): Promise<void> {
    try {
      await checkGrpcReachable(grpcUrl, this.#connection, signal);
    } catch (error) {
      if (this.#nodes.length === 1 || (await answers(node, signal))) throw error;
      const happened = `Node ${node.url} of cluster "${this.alias}" does not answer, over REST or over gRPC; ${this.#nodes.length - 1} more are named in ferry.yaml`;
      throw new FerryError('NodeDown', happened, { cause: error, context: { cluster: this.alias } });
    }
  }

  async peers(signal?: AbortSignal): Promise<string[]> {
    const answer = await this.call('GET', '/cluster', { signal });
    return Object.keys(objectAt(answer, 'peers')).sort();
  }

  async identity(collection?: string, signal?: AbortSignal): Promise<string[]> {
    const peers = await this.peers(signal);
    if (peers.length > 0) return peers;
    const name = collection ?? (await this.collections(signal)).sort()[0];
    if (name === undefined) return [];
    const answer = await this.call('GET', `/collections/${encodeURIComponent(name)}/cluster`, { signal });
    const own = textAt(answer, 'peer_id');
    return own === undefined ? [] : [own];
  }

  async processId(signal?: AbortSignal): Promise<string | undefined> {
    try {
      return textAt(await this.call('GET', '/telemetry', { signal }), 'id');
    } catch (error) {
      // A key without global rights may not ask; peers and URLs are compared too.
      if (error instanceof FerryError && !error.retryable) return undefined;
      throw error;
    }
  }

  async collectionUuid(collection: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      const answer = await this.call('GET', '/telemetry?details_level=2', { signal });
      const all = list(objectAt(answer, 'collections').collections);
      return textAt(all.find((one) => textAt(one, 'id') === collection) ?? null, 'config', 'uuid');
    } catch (error) {
      if (error instanceof FerryError && !error.retryable) return undefined;
      throw error;
    }
  }

  async collections(signal?: AbortSignal): Promise<string[]> {
    const answer = await this.call('GET', '/collections', { signal });
    return list(objectAt(answer).collections).map((one) => textAt(one, 'name') ?? '');
  }

  async aliases(signal?: AbortSignal): Promise<Alias[]> {
    const answer = await this.call('GET', '/aliases', { signal });
    return list(objectAt(answer).aliases).map((one) => ({
      alias: textAt(one, 'alias_name') ?? '',
      collection: textAt(one, 'collection_name') ?? '',
    }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
  }

  async #onAnyNode<T>(ask: (node: RestNode) => Promise<T>): Promise<T> {
    let unreachable: unknown;
    for (const node of this.#nodes) {
      try {
        return await ask(node);
      } catch (error) {
        if (!(error instanceof FerryError) || error.code !== 'ClusterUnreachable') throw error;
        unreachable = error;
      }
    }
    throw unreachable ?? new FerryError('InvalidConfig', `The cluster "${this.alias}" has no nodes`);
  }
}

const ANSWERS_WITHIN_MS = 2_000;

async function answers(node: RestNode, signal?: AbortSignal): Promise<boolean> {
  try {
    await node.request('GET', '/', { signal, timeoutMs: ANSWERS_WITHIN_MS });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    return error instanceof FerryError && !['ClusterUnreachable', 'QdrantUnavailable'].includes(error.code);
  }
}

function versionIn(text: string): string | undefined {
  try {
    return textAt(parse(text) as Json, 'version');
  } catch {
    return undefined;
  }
}
