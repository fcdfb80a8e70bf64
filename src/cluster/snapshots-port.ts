// What the rooms need of a cluster's nodes; qdrant/ implements it. A node that is opened was found to hold, as Active,
// what is wanted of it: never a balancer that leads elsewhere.

import type { SilentNode } from '../model/contracts/snapshot-activities.js';
import type { PointId } from '../model/point-id.js';
import type { Answers } from '../model/format/recall.js';
import type { ShardKey } from '../model/state/slice.js';
import type { ShardNode } from './receiver-port.js';

/** A shard of a collection, the part of a collection that a node holds, or the whole storage of a node. */
export type SnapshotSource = { collection: string; shard?: number } | 'storage';

export interface NodeFile {
  name: string;
  bytes: number;
  /** Qdrant's own, where it keeps snapshots on a disk; absent where it keeps them in S3. */
  sha256?: string;
  /** ISO 8601 */
  createdAt?: string;
}

export interface Download {
  /** Changes when the file does; empty where Qdrant keeps snapshots in S3. */
  etag: string;
  /** Of the whole file; absent where Qdrant keeps snapshots in S3, and then only the list has it. */
  bytes?: number;
  body: AsyncIterable<Uint8Array>;
}

/** What a node reports of the snapshots that it makes. Measured on 1.16.3 and 1.17.0. */
export interface CreationSigns {
  /**
   * Of this collection or a shard of it; of all collections for the whole storage, where nothing runs while the files are
   * put into one archive at the end.
   */
  running: number;
  /** Begun since the node's start, counted when they begin; snapshots of a shard are not. */
  begun: number;
  /** How often it has answered calls of this kind since its start, by status; also those whose client had left. */
  answers: Record<string, number>;
  /** When its process started: no creation outlives it. */
  startedAt?: string;
}

/** One node. Close it. */
export interface SnapshotNode {
  /** Absent where Qdrant runs without clustering. */
  readonly peer?: string;
  /** For people: "http://n0:6333". */
  readonly url: string;
  /**
   * A snapshot made while it is sent; nothing stays on the node. `ShardBusy` when another reads this shard. Ends as if
   * whole when it was cut: check it. Not resumable.
   */
  stream(source: SnapshotSource, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Answers when the snapshot lies on the node. Not idempotent: each call makes another, also when its client has left.
   * `LostAnswer` where no answer of Qdrant's came: through settled-create.ts only.
   */
  create(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile>;
  list(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile[]>;
  /** Undefined where that is refused (the key's rights, an ingress). */
  creations(source: SnapshotSource, signal: AbortSignal): Promise<CreationSigns | undefined>;
  /**
   * From a position on. A body that ends early throws, where the length is known. `undefined` when the node has no such
   * file.
   */
  download(
    source: SnapshotSource,
    name: string,
    from: number,
    signal: AbortSignal,
  ): Promise<Download | undefined>;
  /**
   * Where another Qdrant may fetch it, and the key it then needs: a secret, in no error and no history. Where the node asks
   * for a client certificate, only a Qdrant that asks for them too shows one, its own.
   */
  locate(source: SnapshotSource, name: string): { url: string; apiKey?: string; asksForCertificate?: true };
  /** By its own name only. False when the node has no such file, which is no error. */
  remove(source: SnapshotSource, name: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Number of the last operation that changed this shard's points, as far as its segments show: it grows with every
   * write, whatever the optimizer does. Exact when the collection is not being optimized. `undefined` where Qdrant does
   * not report it.
   */
  lastOperation(source: SnapshotSource, signal: AbortSignal): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface WantedShard {
  collection: string;
  shard: number;
  /** Preferred; another node with an Active replica is as good when this one has none any more. */
  peer?: string;
}

export interface SnapshotNodes {
  /** Throws `NodesUnknown`, `ReplicaNotActive`, `ClusterUnreachable`. */
  holding(cluster: string, wanted: WantedShard, signal: AbortSignal): Promise<SnapshotNode>;
  /** The only node of a cluster; throws `InvalidInput` where there are several. */
  only(cluster: string, signal: AbortSignal): Promise<SnapshotNode>;
}

export interface HeldShard {
  id: number;
  /** "Active", "Dead", "Partial", … */
  state: string;
  /** Roughly; exact enough to tell none from some. */
  points: number;
}

/** One of all nodes of a cluster, by its own address; it has just reported its peer id. Close it. */
export interface ClusterNode {
  /** Absent where Qdrant runs without clustering. */
  readonly peer?: string;
  readonly url: string;
  readonly snapshots: SnapshotNode;
  /** Shards of the collection on this very node; `undefined` when the cluster has no such collection. */
  shardsOf(collection: string, signal: AbortSignal): Promise<HeldShard[] | undefined>;
  /** To put a snapshot in. Close it. */
  receiver(into: { collection: string; shard?: number }): ShardNode;
  close(): Promise<void>;
}

export interface WholeCluster {
  nodes: ClusterNode[];
  silent: SilentNode[];
}

/** Throws `NodesUnknown` where two addresses lead to one node, or an address to a balancer. */
export type ClusterNodes = (cluster: string, signal: AbortSignal) => Promise<WholeCluster>;

export interface SearchPlace {
  collection: string;
  /** Empty for the unnamed one. */
  vector: string;
  /** Always with custom sharding: there an id alone may mean several points. */
  shardKey?: ShardKey;
}

/** Searches of one cluster, over whichever of its nodes answers. Reading, so they may be repeated. */
export interface Searches {
  /** Ids of random points that have this vector, at most so many, unordered. */
  sample(place: SearchPlace, most: number, signal: AbortSignal): Promise<PointId[]>;
  /**
   * What lies nearest to the vector of a stored point, the point itself left out. `undefined` when there is no such
   * point, or it has no such vector. Strict mode may forbid it: `QdrantRejected`.
   */
  nearest(
    place: SearchPlace,
    point: PointId,
    limit: number,
    signal: AbortSignal,
  ): Promise<Answers | undefined>;
}

/** Throws `UnknownAlias`, naming those that exist. */
export type SearchesOf = (cluster: string) => Searches;
