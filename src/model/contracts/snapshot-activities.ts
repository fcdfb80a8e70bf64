// What the administration of snapshots asks of its activities, and what its workflows answer. Nothing in here is a
// secret, and everything is small.

/** A collection, a shard of it, or, without both, the whole storage of a node. */
export interface SnapshotScope {
  collection?: string;
  shard?: number;
}

/**
 * `snapshot`: the snapshot wins, other replicas are synchronised from it. `replica`: other replicas win, the snapshot
 * only helps. `no_sync`: into this node alone, nothing goes to or comes from the others.
 */
export const priorities = ['snapshot', 'replica', 'no_sync'] as const;
export type Priority = (typeof priorities)[number];

export interface NodeRef {
  /** Its address: "http://n0:6333". */
  node: string;
  /** Absent where Qdrant runs without clustering. */
  peer?: string;
}

export interface ListedSnapshot extends NodeRef {
  name: string;
  bytes: number;
  /** ISO 8601 */
  createdAt?: string;
  /** Qdrant's own; absent where it keeps snapshots in S3. */
  sha256?: string;
}

export interface RemovedSnapshot extends NodeRef {
  name: string;
}

/** A node that should have answered. */
export interface SilentNode {
  /** Its address, or "peer …" where none is known. */
  node: string;
  code: string;
  message: string;
}

export interface ListSnapshotsResult extends SnapshotScope {
  cluster: string;
  /** By node, then by name. */
  snapshots: ListedSnapshot[];
  /** Of all nodes that belong to the cluster and did not answer. */
  silent: SilentNode[];
  notes: string[];
  /** How many of each node a workflow has left out of a long list. */
  leftOut?: { node: string; count: number }[];
}

export interface CreateSnapshotResult extends SnapshotScope {
  cluster: string;
  made: ListedSnapshot[];
  /** With `keepOnNode`: older ones that were deleted. */
  removed?: RemovedSnapshot[];
  /** With `keepOnNode`: how many on each node ferry did not record; they stay. */
  notOurs?: (NodeRef & { count: number })[];
  notes: string[];
  seconds: number;
}

export interface DeleteSnapshotResult extends SnapshotScope, NodeRef {
  cluster: string;
  name: string;
  deleted: true;
}

export interface DownloadSnapshotResult extends SnapshotScope, NodeRef {
  cluster: string;
  name: string;
  store: string;
  object: string;
  bytes: number;
  /** Of what now lies in the store. */
  sha256: string;
  /** Whether Qdrant's own checksum is the same; `none` where it gives none. */
  checksum: 'equal' | 'none';
  seconds: number;
}

export interface RecoverSnapshotResult extends SnapshotScope, NodeRef {
  cluster: string;
  collection: string;
  priority: Priority;
  /** Points of the collection; `before` absent when there was none. */
  points: { before?: number; after: number };
  /** Of the file, where it passed through a worker. */
  bytes?: number;
  sha256?: string;
  notes: string[];
  seconds: number;
}

// ---- activities, queue ferry-control --------------------------------------------------------------------------

export interface LocateSnapshotsInput {
  cluster: string;
  /** Null: `defaults.store`. Absent: none is needed. */
  store?: string | null;
  /** Refuses a store that ferry.yaml marks `readOnly`. */
  writes?: true;
}
export interface LocateSnapshotsResult {
  /** Queue whose workers are near the cluster. */
  dataQueue: string;
  store?: string;
  /** Queue whose workers see the store. */
  storeQueue?: string;
}

export interface ListOnNodesInput extends SnapshotScope {
  cluster: string;
  node?: string;
  name?: string;
}

/** Which nodes hold a part of it, all of it Active. */
export interface FindHoldersInput extends SnapshotScope {
  cluster: string;
  node?: string;
}
export interface FindHoldersResult extends SnapshotScope {
  holders: NodeRef[];
  notes: string[];
}

export interface DeleteOnNodeInput extends SnapshotScope {
  cluster: string;
  node: string;
  name: string;
}

export interface PlanSnapshotRecoveryInput extends SnapshotScope {
  cluster: string;
  collection: string;
  node?: string;
  /** Name of one that must lie on the node. */
  name?: string;
  priority?: Priority;
  replace: boolean;
}
export interface SnapshotRecoveryPlan extends NodeRef {
  exists: boolean;
  before?: number;
  /** Qdrant's own, of the snapshot by that name. */
  sha256?: string;
  notes: string[];
}

export interface LookAtRecoveredInput extends SnapshotScope, NodeRef {
  cluster: string;
  collection: string;
}
export interface LookAtRecoveredResult {
  /** Undefined when there is no such collection. */
  points?: number;
  /** Of the shard on this node, when one was asked for. */
  shardPoints?: number;
}

/** Removes a collection that a failed recovery left empty, and no other. */
export interface RemoveEmptyInput {
  cluster: string;
  collection: string;
}
export interface RemoveEmptyResult {
  removed: boolean;
}

export interface SnapshotControlActivities {
  locateSnapshots(input: LocateSnapshotsInput): Promise<LocateSnapshotsResult>;
  listOnNodes(input: ListOnNodesInput): Promise<ListSnapshotsResult>;
  findHolders(input: FindHoldersInput): Promise<FindHoldersResult>;
  deleteOnNode(input: DeleteOnNodeInput): Promise<DeleteSnapshotResult>;
  planSnapshotRecovery(input: PlanSnapshotRecoveryInput): Promise<SnapshotRecoveryPlan>;
  lookAtRecovered(input: LookAtRecoveredInput): Promise<LookAtRecoveredResult>;
  removeEmpty(input: RemoveEmptyInput): Promise<RemoveEmptyResult>;
}

// ---- activities near the cluster or the store; they heartbeat -------------------------------------------------

export interface CreateOnNodeInput extends SnapshotScope, NodeRef {
  what: string;
  cluster: string;
}
export interface CreateOnNodeResult {
  made: ListedSnapshot;
  notes: string[];
}

export interface RecoverOnNodeInput extends SnapshotScope, NodeRef {
  what: string;
  cluster: string;
  collection: string;
  from: { name: string } | { url: string } | { store: string; object: string };
  priority: Priority;
  sha256?: string;
}
export interface RecoverOnNodeResult {
  bytes?: number;
  sha256?: string;
}

export interface DownloadToStoreInput extends SnapshotScope {
  what: string;
  cluster: string;
  node?: string;
  name: string;
  store: string;
  object: string;
  maxMegabytesPerSecond?: number;
}
export type DownloadToStoreResult = Omit<DownloadSnapshotResult, 'seconds'>;

/** That a job made it, so that a later one may delete it. */
export interface RecordSnapshotInput extends SnapshotScope {
  what: string;
  cluster: string;
  store: string;
  made: ListedSnapshot;
}

/** All but the newest `keep` of those that are recorded on the node of `made`, which stays in any case. */
export interface RemoveOlderInput extends RecordSnapshotInput {
  keep: number;
}
export interface RemoveOlderResult {
  /** Names, the oldest first. */
  removed: string[];
  notOurs: number;
  notes: string[];
}

export interface SnapshotDataActivities {
  createOnNode(input: CreateOnNodeInput): Promise<CreateOnNodeResult>;
  recoverOnNode(input: RecoverOnNodeInput): Promise<RecoverOnNodeResult>;
  downloadToStore(input: DownloadToStoreInput): Promise<DownloadToStoreResult>;
  recordSnapshot(input: RecordSnapshotInput): Promise<void>;
  removeOlder(input: RemoveOlderInput): Promise<RemoveOlderResult>;
}
