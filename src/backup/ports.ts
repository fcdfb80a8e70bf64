// What backup/ needs of a cluster's nodes, in its own words; qdrant/ implements it. A node that is opened was found to
// hold, as Active, what is asked of it: never a balancer that leads elsewhere.

/** A shard of a collection, or the whole storage of a single node. */
export type SnapshotSource = { collection: string; shard: number } | 'storage';

export interface NodeFile {
  name: string;
  bytes: number;
  /** Qdrant's own, where it keeps snapshots on a disk; absent where it keeps them in S3. */
  sha256?: string;
}

export interface Download {
  /** Changes when the file does. */
  etag: string;
  /** Of the whole file. */
  bytes: number;
  body: AsyncIterable<Uint8Array>;
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
  /** Answers when the snapshot lies on the node. Not idempotent: each call makes another. */
  create(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile>;
  list(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile[]>;
  /** From a position on. A body that ends early throws. `undefined` when the node has no such file. */
  download(
    source: SnapshotSource,
    name: string,
    from: number,
    signal: AbortSignal,
  ): Promise<Download | undefined>;
  /** By its own name only. Absent is no error. */
  remove(source: SnapshotSource, name: string, signal: AbortSignal): Promise<void>;
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
