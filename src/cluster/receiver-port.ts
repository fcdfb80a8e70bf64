// A node that takes a shard's snapshot.

import type { Priority } from '../model/contracts/snapshot-activities.js';

export interface SnapshotFile {
  name: string;
  /** Absent for a stream: it ends with its archive. */
  bytes?: number;
  body: AsyncIterable<Uint8Array>;
}

export interface Placing {
  /** Of the whole file, where it is known: Qdrant refuses any other. */
  sha256?: string;
  /**
   * `snapshot`: Qdrant brings it to the other replicas. `no_sync`: into this replica only, each gets the file itself.
   * `replica`: what living replicas hold counts more.
   */
  priority: Priority;
  /** With which the node fetches from another Qdrant. */
  apiKey?: string;
  /** Of a push: called before the closing boundary, without which Qdrant takes nothing. */
  beforeEnd?: () => void;
}

/** What a node tells of the recoveries that it carries out. */
export interface RecoverySigns {
  /**
   * Running recoveries of the collection. Measured on 1.16.3 and 1.17.0: of a shard's recovery the download does not count,
   * of a collection's it does.
   */
  running: number;
  /** How often it has answered calls of this kind since its start, by status; also those whose client had left. */
  answers: Record<string, number>;
  /** When its process started: no recovery outlives it. */
  startedAt?: string;
}

/** A node that holds a replica of the shard, or takes a snapshot of a whole collection. Close it. */
export interface ShardNode {
  /**
   * The node fetches the file itself. Replaces the content; may be repeated. Answers when the content is there. The
   * location is a secret and in no error. Another hash than the one that was said is `SnapshotDamaged`. `LostAnswer` where
   * no answer of Qdrant's came: through settled-call.ts only.
   */
  pull(location: string, options: Placing, signal: AbortSignal): Promise<void>;
  /** The same with a file that is sent. When its body throws, the node refuses the file and the shard stays as it was. */
  push(file: SnapshotFile, options: Placing, signal: AbortSignal): Promise<void>;
  /** As the node counts the shard: exact enough to tell none from some. Undefined when it does not say. */
  points(signal: AbortSignal): Promise<number | undefined>;
  /** Undefined where that may not be asked (the key's rights, an ingress). */
  signs(signal: AbortSignal): Promise<RecoverySigns | undefined>;
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
