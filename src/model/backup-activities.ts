// Activities of backup and recovery as the workflows see them. Those that touch a store run on the queue that
// `resolveBackup` and `resolveRecovery` name, for a disk may be seen by some workers only.

import type { Pace } from './activities.js';
import type { CollectionRef, Pin, ReadPlan } from './collections.js';
import type { RangeDigest } from './digest.js';
import type { ShardKey } from './slice.js';

// ---- what is where --------------------------------------------------------------------------------------------

export interface BackupRef {
  /** Alias of the store. */
  store: string;
  cluster: string;
  backup: string;
}
export interface CollectionBackupRef extends BackupRef {
  collection: string;
}

// ---- capture --------------------------------------------------------------------------------------------------

export interface ResolveBackupInput {
  cluster: string;
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string;
  /** Names, Qdrant aliases, or patterns with `*` and `?`; absent: all. */
  collections?: string[];
  after?: string;
}
export interface ResolveBackupResult {
  store: string;
  collections: string[];
  next?: string;
  dataQueue: string;
  qdrantVersion: string;
  searchAttributes?: boolean;
}

/** Writes, reads and deletes a small object; throws `StoreAccessDenied`, … before anything else happens. */
export interface ProbeStoreInput {
  store: string;
}
export interface ProbeStoreResult {
  limitations: string[];
}

export type CaptureMode = 'stream' | 'stored';

export interface PlanCaptureInput {
  source: CollectionRef;
  capture: 'auto' | CaptureMode;
  /** Go on with the shard at this position (see `next`). */
  fromShard?: number;
}
export interface ShardToCapture {
  id: number;
  shardKey?: ShardKey;
  ordinal: number;
  /** Peer to take it from: one with an Active replica. Absent without clustering. */
  peer?: string;
}
export interface PlanCaptureResult {
  pin: Pin;
  mode: CaptureMode;
  /** How the source is read for its digest. */
  read: ReadPlan;
  points: number;
  /** At most ~10 KiB; `next` is opaque. */
  shards: ShardToCapture[];
  next?: number;
  notes: string[];
}

export interface CaptureShardInput extends CollectionBackupRef {
  what: string;
  pin: Pin;
  mode: CaptureMode;
  shard: ShardToCapture;
  /** Of the collection's backup: names the snapshot. */
  startedAt: string;
  maxMegabytesPerSecond?: number;
  stallAfterAttempts: number;
}
export interface CaptureShardResult {
  name: string;
  bytes: number;
  parts: number;
  /** Snapshots that this attempt or a killed one left on the node and could not remove: named, never guessed at. */
  leftOnNode: string[];
}

/** Qdrant's own full storage snapshot of a single-node cluster. */
export interface CaptureNodeInput extends BackupRef {
  what: string;
  startedAt: string;
  maxMegabytesPerSecond?: number;
  stallAfterAttempts: number;
}
export type CaptureNodeResult = CaptureShardResult;

export interface WriteManifestInput extends CollectionBackupRef {
  pin: Pin;
  /** How many shards were planned: so many must be there. */
  planned: number;
  mode: CaptureMode;
  points: number;
  startedAt: string;
  notes: string[];
}
export interface WriteManifestResult {
  manifestSha256: string;
  bytes: number;
  shards: number;
}

export interface CheckObjectsInput extends CollectionBackupRef {
  what: string;
  /** `quick`: existence and size. `full`: every byte read and hashed again. */
  verify: 'quick' | 'full';
  /** Only the k-th of n parts of the objects, for a rolling check: "1/7". */
  share?: string;
  /** Position among the manifest's parts. */
  cursor?: number;
  budgetMs: number;
}
export interface CheckObjectsResult {
  cursor: number;
  done: boolean;
  objects: number;
  bytes: number;
  /** A sentence each, at most ten: "docs_….shard-0.snapshot: 12 of 4,096 bytes" */
  damage: string[];
}

/**
 * Names the failed ones; those with a manifest are found in the store. Repeated, it leaves the document that is there.
 */
export interface WriteBackupInput extends BackupRef {
  startedAt: string;
  qdrantVersion: string;
  workflowId: string;
  collections: {
    collection: string;
    outcome: 'complete' | 'failed';
    manifestSha256?: string;
    bytes?: number;
    points?: number;
    error?: string;
  }[];
}

export interface WriteBackupResult {
  /** Collections whose manifest is there. */
  complete: number;
  /** Uploads of this backup that nobody will complete, and that were taken away. */
  abortedUploads: number;
}

export interface WriteProofInput extends CollectionBackupRef {
  kind: 'quiesced' | 'rehearsed';
  digest: RangeDigest;
  recoverySeconds?: number;
  recall?: { exact: number; approximate: number; queries: number };
}

// ---- catalogue ------------------------------------------------------------------------------------------------

export interface ListBackupsInput {
  store: string;
  cluster?: string;
  after?: string;
}
export interface CollectionBackup {
  collection: string;
  /** `incomplete`: no manifest. `damaged`: one that cannot be believed, or objects that are not as it says. */
  state: 'complete' | 'incomplete' | 'damaged';
  /** Why, when it is not complete. */
  reason?: string;
  bytes: number;
  points?: number;
  finishedAt?: string;
  proof: { kind: 'rehearsed' | 'quiesced' | 'none'; at?: string };
}
export interface CatalogueEntry extends BackupRef {
  startedAt: string;
  /** True when backup.json is there and every collection it names is complete. */
  complete: boolean;
  collections: CollectionBackup[];
}

export interface ListBackupsResult {
  /** Newest first; without `collections`' objects being read: whether they are whole, `showBackup` tells. */
  backups: { cluster: string; backup: string; startedAt: string; finished: boolean; collections: number }[];
  next?: string;
}
export type ShowBackupInput = BackupRef;

// ---- the activities -------------------------------------------------------------------------------------------

/** Queue ferry-control. */
export interface BackupControlActivities {
  resolveBackup(input: ResolveBackupInput): Promise<ResolveBackupResult>;
  planCapture(input: PlanCaptureInput): Promise<PlanCaptureResult>;
}

/** The queue that `resolveBackup` names; all of them heartbeat. */
export interface BackupStoreActivities {
  probeStore(input: ProbeStoreInput): Promise<ProbeStoreResult>;
  captureShard(input: CaptureShardInput): Promise<CaptureShardResult>;
  captureNode(input: CaptureNodeInput): Promise<CaptureNodeResult>;
  writeManifest(input: WriteManifestInput): Promise<WriteManifestResult>;
  checkObjects(input: CheckObjectsInput): Promise<CheckObjectsResult>;
  writeBackup(input: WriteBackupInput): Promise<WriteBackupResult>;
  writeProof(input: WriteProofInput): Promise<void>;
  listBackups(input: ListBackupsInput): Promise<ListBackupsResult>;
  showBackup(input: ShowBackupInput): Promise<CatalogueEntry>;
}

// ---- recovery -------------------------------------------------------------------------------------------------

export interface LocateStoreInput {
  target: string;
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string;
}
export interface LocateStoreResult {
  store: string;
  /** Queue whose workers see the store. */
  dataQueue: string;
  searchAttributes?: boolean;
}

export interface ResolveRecoveryInput {
  target: string;
  store: string;
  /** Cluster whose backups are meant; absent: the one cluster of which the store has backups, or the target. */
  cluster?: string;
  /** Id; absent: per collection the latest complete one. */
  backup?: string;
  /** The latest complete one that began before this time. */
  before?: string;
  collections?: string[];
  as?: Record<string, string>;
  after?: string;
}
export interface ResolveRecoveryResult {
  recoveries: { from: CollectionBackupRef; target: string; points: number; bytes: number }[];
  next?: string;
  /** Backups that were passed over, and why; at most 10. */
  notes: string[];
}

export type OnExistingRecovery = 'fail' | 'swap' | 'replace';

export interface PlanRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  onExisting: OnExistingRecovery;
  via: 'auto' | 'pull' | 'push';
  precheck: 'quick' | 'full';
}
export interface RecoveryPlan {
  manifestSha256: string;
  /** The collection that is really written: with `swap` a dated one. */
  writes: string;
  exists: boolean;
  via: 'pull' | 'push';
  /** A shard that the node cannot pull is pushed. */
  mayPush: boolean;
  points: number;
  bytes: number;
  shards: number;
  /** Of a collection that is replaced: deleting it drops them. */
  aliases?: string[];
  proof?: { kind: 'rehearsed' | 'quiesced'; digest: RangeDigest };
  notes: string[];
}

export interface PrepareRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  manifestSha256: string;
  onExisting: OnExistingRecovery;
  /** The plan's: a collection that was there is deleted only for `replace`. */
  exists: boolean;
}
export interface PrepareRecoveryResult {
  targetPin: Pin;
  /**
   * The manifest's shard by position, and the target's shard it goes into; one entry for each replica. Where a shard has
   * several (`isReplica`), each gets the file: what Qdrant copies between them turns integers from 2^63 on into doubles.
   */
  shards: { position: number; into: number; peer?: string; isReplica?: boolean }[];
}

export interface RecoverShardInput {
  what: string;
  from: CollectionBackupRef;
  target: CollectionRef;
  targetPin: Pin;
  manifestSha256: string;
  via: 'pull' | 'push';
  mayPush: boolean;
  /** Every byte was hashed while planning. */
  isChecked: boolean;
  shard: PrepareRecoveryResult['shards'][number];
  stallAfterAttempts: number;
  maxMegabytesPerSecond?: Pace['maxMegabytesPerSecond'];
}
export interface RecoverShardResult {
  bytes: number;
  via: 'pull' | 'push';
}

/** Aliases, read fan-out, metadata, payload indexes; with `swap` the alias moves here, in one call, after the proof. */
export interface FinishRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  writes: string;
  manifestSha256: string;
  onExisting: OnExistingRecovery;
  /** Of the collection that was replaced. */
  replacedAliases: string[];
}
export interface FinishRecoveryResult {
  aliases: string[];
  notes: string[];
  /** The collection that `swap` left behind. */
  left?: string;
}

/** Removes what a failed recovery made, and nothing else. */
export interface UndoRecoveryInput {
  from: CollectionBackupRef;
  /** The collection that was written. */
  target: CollectionRef;
}
export interface UndoRecoveryResult {
  removed: boolean;
}

/** Queue ferry-control: asks nothing of the network. */
export interface RecoveryControlActivities {
  locateStore(input: LocateStoreInput): Promise<LocateStoreResult>;
}

/** The queue that `locateStore` names; all of them heartbeat. */
export interface RecoveryActivities {
  resolveRecovery(input: ResolveRecoveryInput): Promise<ResolveRecoveryResult>;
  planRecovery(input: PlanRecoveryInput): Promise<RecoveryPlan>;
  prepareRecovery(input: PrepareRecoveryInput): Promise<PrepareRecoveryResult>;
  recoverShard(input: RecoverShardInput): Promise<RecoverShardResult>;
  finishRecovery(input: FinishRecoveryInput): Promise<FinishRecoveryResult>;
  undoRecovery(input: UndoRecoveryInput): Promise<UndoRecoveryResult>;
}
