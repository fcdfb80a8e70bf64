// What planning needs of a cluster besides its points; qdrant/control.ts implements it. Every call throws FerryError
// (`CollectionNotFound` for a missing collection) and may be repeated: creating what exists is the caller's to avoid.

import type { CollectionInfo } from '../model/settings/collection-settings.js';
import type { Json, JsonObject } from '../model/json.js';
import type { PointId } from '../model/point-id.js';
import type { ShardKey } from '../model/state/slice.js';

export interface Alias {
  alias: string;
  collection: string;
}

export interface Replica {
  peer: string;
  /** "Active", "Dead", "Partial", … */
  state: string;
}

export interface Shard {
  id: number;
  key?: ShardKey;
  replicas: Replica[];
}

/** What a node reports of the replicas that it holds itself. */
export interface NodeReplicas {
  /** Position among the addresses of ferry.yaml: `lane` of a connection. */
  lane: number;
  /** For people: "n0:6333". */
  node: string;
  peer?: string;
  shards: { id: number; state: string; points: number }[];
}

export interface Layout {
  /** In order of their ids, which is the order of creation. */
  shards: Shard[];
  transfers: number;
  resharding: number;
}

export interface NewShardKey {
  key: ShardKey;
  shards?: number;
  replicas?: number;
}

export interface ClusterFacts {
  readonly alias: string;
  /** Nodes named in the configuration. */
  readonly nodeUrls: readonly string[];
  /** The configuration has `grpc: false`. */
  readonly restOnly?: boolean;
  version(signal?: AbortSignal, timeoutMs?: number): Promise<string>;
  /** Whether a gRPC server answers at each configured address; throws within about two seconds. */
  checkGrpcReachable(signal?: AbortSignal): Promise<void>;
  /** Peer ids as decimal text; empty where Qdrant runs without clustering. */
  peers(signal?: AbortSignal): Promise<string[]>;
  /**
   * Peer ids as decimal text; without clustering the one that the node gives itself, which it keeps over restarts
   * (`peer_id` in `GET /collections/{name}/cluster`). Asks by way of `collection`, or of any that is there; empty where
   * there is none.
   */
  identity(collection?: string, signal?: AbortSignal): Promise<string[]>;
  /** A value that two addresses of one process share; undefined where the key has no right to it. */
  processId(signal?: AbortSignal): Promise<string | undefined>;
  /** Qdrant's own id of a collection; undefined without clustering, or where the key may not ask. */
  collectionUuid(collection: string, signal?: AbortSignal): Promise<string | undefined>;
  collections(signal?: AbortSignal): Promise<string[]>;
  aliases(signal?: AbortSignal): Promise<Alias[]>;
}

export interface CollectionFacts {
  info(collection: string, signal?: AbortSignal): Promise<CollectionInfo>;
  /** The same as Qdrant's own JSON: what a backup keeps of a collection. */
  infoText(collection: string, signal?: AbortSignal): Promise<string>;
  layout(collection: string, signal?: AbortSignal): Promise<Layout>;
  /** Exact; over all shard keys when none is given. */
  count(collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number>;
  /** Of each address of ferry.yaml that answers, from that node itself. */
  replicas(collection: string, signal?: AbortSignal): Promise<NodeReplicas[]>;
  /** Exact, and through this node: of shards that it holds, its own replicas are counted. */
  countOn(lane: number, collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number>;
  /** Ids of random points, at most so many, unordered. */
  sample(
    collection: string,
    key: ShardKey | undefined,
    most: number,
    signal?: AbortSignal,
  ): Promise<PointId[]>;
}

export interface CollectionChanges {
  create(collection: string, settings: JsonObject, signal?: AbortSignal): Promise<void>;
  change(collection: string, patch: JsonObject, signal?: AbortSignal): Promise<void>;
  /** Also when it does not exist. Its aliases go with it. */
  remove(collection: string, signal?: AbortSignal): Promise<void>;
  createShardKey(collection: string, key: NewShardKey, signal?: AbortSignal): Promise<void>;
  /** Replaces an index of that field with other parameters. */
  createIndex(collection: string, field: string, schema: Json, signal?: AbortSignal): Promise<void>;
  /** Also when there is none of that field. */
  deleteIndex(collection: string, field: string, signal?: AbortSignal): Promise<void>;
  /** All in one call; an alias that exists is moved. */
  pointAliases(aliases: readonly string[], collection: string, signal?: AbortSignal): Promise<void>;
}

export type ClusterControl = ClusterFacts & CollectionFacts & CollectionChanges;

export interface Controls {
  /** Throws `UnknownAlias`, naming those that exist. */
  of(cluster: string): ClusterControl;
  taskQueueOf(cluster: string): string | undefined;
}
