// What a recovery needs besides the ports of transfer/: stores by their alias, and a node that takes a shard's snapshot.

import type { ObjectStore } from '../storage/object-store.js';

export interface Stores {
  /** Throws `UnknownAlias`, naming those that exist. */
  open(alias: string): ObjectStore;
}

export interface SnapshotFile {
  name: string;
  bytes: number;
  body: AsyncIterable<Uint8Array>;
}

export interface Placing {
  /** Of the whole file, where it is known: Qdrant refuses any other. */
  sha256?: string;
  /** `snapshot`: Qdrant brings it to the other replicas. `no_sync`: into this replica only, each gets the file itself. */
  priority: 'snapshot' | 'no_sync';
}

/** A node that holds a replica of the shard. Close it. */
export interface ShardNode {
  /**
   * The node fetches the file itself. Replaces the shard's content; may be repeated. Answers when the shard has it. The
   * location is a secret and in no error.
   */
  pull(location: string, options: Placing, signal: AbortSignal): Promise<void>;
  /** The same with a file that is sent. When its body throws, the node refuses the file and the shard stays as it was. */
  push(file: SnapshotFile, options: Placing, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ShardNodes {
  /** Throws `NodesUnknown` when no node that ferry.yaml leads to holds the shard. */
  holding(
    cluster: string,
    wanted: { collection: string; shard: number; peer?: string },
    signal: AbortSignal,
  ): Promise<ShardNode>;
}
