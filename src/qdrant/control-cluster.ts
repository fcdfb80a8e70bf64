// What a cluster reports of itself: version, peers, collections, aliases. Tries one node after the other when a node
// cannot be reached at all; any answer, also a refusal, is final.

import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { requireCluster } from '../model/ferry-config.js';
import { writeJson, type Json } from '../model/json.js';
import type { Alias, ClusterFacts } from '../cluster/control-port.js';
import { clusterPath } from './control-layout.js';
import { checkGrpcReachable } from './grpc-reachable.js';
import { toList, toText, type OfficialApi, type Rest } from './openapi.js';
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
  async call<T = unknown>(method: RestMethod, path: string, { body, ...options }: Call = {}): Promise<T> {
    const request: RestRequest = body === undefined ? options : { ...options, body: writeJson(body) };
    return this.#onAnyNode((node) => node.json<T>(method, path, request));
  }

  /** The `result` of a call of the official client. */
  protected async official<T>(
    call: (api: OfficialApi, init: RequestInit) => Promise<{ data: { result?: T } }>,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    return (await this.#onAnyNode((node) => node.official(call, { signal }))).result;
  }

  /** The same of every node that answers, each by its own address. */
  protected async onEachNode<T>(call: (node: RestNode, lane: number) => Promise<T>): Promise<T[]> {
    const answers = await Promise.allSettled(this.#nodes.map(call));
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
    const root = await this.#onAnyNode((node) => node.official(rootOf, { signal, timeoutMs }));
    if (typeof root.version === 'string') return root.version;
    throw new FerryError('QdrantRejected', `The server at ${this.nodeUrls.join(', ')} is not Qdrant`, {
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
      const happened = `Node ${node.url} of cluster "${this.alias}" does not answer, over REST or over gRPC; ferry.yaml names ${this.#nodes.length} nodes of this cluster`;
      throw new FerryError('NodeDown', happened, { cause: error, context: { cluster: this.alias } });
    }
  }

  async peers(signal?: AbortSignal): Promise<string[]> {
    const status = await this.official((api, init) => api.clusterStatus({}, init), signal);
    return Object.keys((status?.status === 'enabled' && status.peers) || {}).sort();
  }

  async identity(collection?: string, signal?: AbortSignal): Promise<string[]> {
    const peers = await this.peers(signal);
    if (peers.length > 0) return peers;
    const name = collection ?? (await this.collections(signal)).sort()[0];
    if (name === undefined) return [];
    const answer = await this.call<Rest<'CollectionClusterInfo'>>('GET', clusterPath(name), { signal });
    const own = toText(answer.peer_id);
    return own === undefined ? [] : [own];
  }

  async processId(signal?: AbortSignal): Promise<string | undefined> {
    try {
      return (await this.official((api, init) => api.telemetry({}, init), signal))?.id;
    } catch (error) {
      // A key without global rights is refused; peers and URLs are compared too.
      if (error instanceof FerryError && !error.retryable) return undefined;
      throw error;
    }
  }

  async collectionUuid(collection: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      const all = await this.official((api, init) => api.telemetry({ details_level: 2 }, init), signal);
      const found = toList(all?.collections?.collections as TelemetryOfCollection[]).find(
        ({ id }) => id === collection,
      );
      return found?.config?.uuid ?? undefined;
    } catch (error) {
      if (error instanceof FerryError && !error.retryable) return undefined;
      throw error;
    }
  }

  async collections(signal?: AbortSignal): Promise<string[]> {
    const answer = await this.official((api, init) => api.getCollections({}, init), signal);
    return toList(answer?.collections).map(({ name }) => name);
  }

  async aliases(signal?: AbortSignal): Promise<Alias[]> {
    const answer = await this.official((api, init) => api.getCollectionsAliases({}, init), signal);
    return toList(answer?.aliases).map((one) => ({ alias: one.alias_name, collection: one.collection_name }));
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
  }

  async #onAnyNode<T>(call: (node: RestNode) => Promise<T>): Promise<T> {
    let unreachable: unknown;
    for (const node of this.#nodes) {
      try {
        return await call(node);
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

/** Whatever answers, it may be no Qdrant. */
async function rootOf(api: OfficialApi, init: RequestInit): Promise<{ data: { version?: unknown } }> {
  return api.root({}, init);
}

/** The OpenAPI leaves its form open. */
interface TelemetryOfCollection {
  id: string;
  config?: { uuid?: string | null };
}

/**
 * What is made once for a cluster and kept: one a connection. When ferry.yaml, or a file that it names, gives the cluster
 * another connection (another key, another address), the next caller gets another one; who holds the old one keeps it.
 * `clusters` may change under it: it is read each time.
 */
export function onePerConnection<T>(
  clusters: Readonly<Record<string, ClusterConnection>>,
  make: (connection: ClusterConnection) => T,
): (alias: string) => T {
  const made = new Map<string, { connection: ClusterConnection; one: T }>();
  return (alias) => {
    const connection = requireCluster({ clusters }, alias);
    const kept = made.get(alias);
    if (kept?.connection === connection) return kept.one;
    const one = make(connection);
    made.set(alias, { connection, one });
    return one;
  };
}
