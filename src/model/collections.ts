// What the planning of a job finds out and every later step is held to.

/** A collection of one cluster, by the cluster's alias in ferry.yaml and the collection's real name (never a Qdrant alias). */
export interface CollectionRef {
  cluster: string;
  collection: string;
}

/** What was behind a CollectionRef when the job was planned. Each later step checks it, or throws `ClusterChanged`. */
export interface Pin {
  /** Qdrant's version, "1.16.3". */
  version: string;
  /** Peer ids as decimal text; empty where Qdrant runs without clustering. */
  peers: string[];
  /**
   * What the cluster is, whatever its alias leads to now: its peer ids, and without clustering the one that a node gives
   * itself. At least one must still be there. Empty where none could be had.
   */
  identity: string[];
  /** The random id in its stamp: another collection of the same name has another one, or none. */
  creation?: string;
  /** Of a target that this job fills: the job in its stamp. Another job that takes the target over writes its own id there. */
  job?: string;
  /** Qdrant's own id of the collection, where it has no creation id and Qdrant runs with clustering. */
  uuid?: string;
  /** Hash of what cannot change in a living collection: vectors (size, distance, datatype, multivector), sparse names, sharding method. */
  shape: string;
}

/** How points are read: `scroll` inside one shard, `idsFirst` where a scroll would make every shard read the whole limit. */
export type ReadMode = 'scroll' | 'idsFirst';

export interface ReadPlan {
  mode: ReadMode;
  /** The cluster's own limit on points in a request (strict mode), if it has one. */
  maxPoints?: number;
}

/** The settings that are held back while points are loaded, as Qdrant's own JSON text. */
export interface HeldBack {
  /** `optimizers_config.indexing_threshold` as it shall be at the end; "null" for Qdrant's default. */
  indexingThreshold: string;
  /** `strict_mode_config` as it shall be at the end; absent when it has none. */
  strictMode?: string;
  /** Aliases of a collection that is replaced: deleting it drops them. */
  aliases?: string[];
}

export type OnExisting = 'fail' | 'merge' | 'recreate';

/** What the target is before the first write. */
export type TargetState =
  | 'absent'
  /** exists, has no points, fits */
  | 'empty'
  /** open stamp of this migration: created by us, at an earlier attempt that did not succeed */
  | 'ours'
  /** open stamp of this migration: created by somebody else, empty when an earlier attempt began */
  | 'adopted'
  /** closed stamp of this migration: verified by an earlier run, and in use by its owner since */
  | 'known'
  /** somebody else's, and `onExisting` is `merge` */
  | 'merge'
  /** somebody else's, and `onExisting` is `recreate` */
  | 'recreate';

/** For messages: the first ten names, and how many more there are. */
export function listed(names: readonly string[]): string {
  const more = names.length > 10 ? `, and ${names.length - 10} more` : '';
  return `${names.slice(0, 10).join(', ') || 'nothing'}${more}`;
}
