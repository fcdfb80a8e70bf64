// Activities of capture and catalogue as the workflows see them. Those that touch a store run on the queue that
// `resolveBackup` names, for a disk may be seen by some workers only.

import type { CollectionRef, Pin, ReadPlan } from './collections.js';
import type { ForeignFiles } from './foreign-source.js';
import type { RangeDigest } from './digest.js';
import type { RecallRef } from './manifest.js';
import type { RecallShares } from './recall.js';
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
  /** Not a backup of ferry's: these files, and no manifest. */
  foreign?: ForeignFiles | undefined;
}

// ---- capture --------------------------------------------------------------------------------------------------

export interface ResolveBackupInput {
  cluster: string;
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string;
  /** Names, Qdrant aliases, or patterns with `*` and `?`; absent: all. */
  collections?: string[];
  /** Asked for: refused with `InvalidInput` where the cluster has several nodes. */
  nodeSnapshot?: boolean;
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

/** Searches of the source, written down beside the snapshots; a rehearsal replays them. */
export interface WriteRecallInput extends CollectionBackupRef {
  pin: Pin;
  /** Points to search by, for each vector name. */
  queries: number;
}
export interface WriteRecallResult {
  /** Absent where nothing could be searched. */
  recall?: RecallRef;
  /** Over all vector names. */
  queries?: number;
  /** What was left out, and why: a sentence each. */
  notes: string[];
}

export interface WriteManifestInput extends CollectionBackupRef {
  pin: Pin;
  /** How many shards were planned: so many must be there. */
  planned: number;
  mode: CaptureMode;
  points: number;
  startedAt: string;
  notes: string[];
  recall?: RecallRef;
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
  recall?: RecallShares;
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
  /** `recall`: of a rehearsal that replayed searches. */
  proof: { kind: 'rehearsed' | 'quiesced' | 'none'; at?: string; recall?: RecallShares };
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
  writeRecall(input: WriteRecallInput): Promise<WriteRecallResult>;
  writeManifest(input: WriteManifestInput): Promise<WriteManifestResult>;
  checkObjects(input: CheckObjectsInput): Promise<CheckObjectsResult>;
  writeBackup(input: WriteBackupInput): Promise<WriteBackupResult>;
  writeProof(input: WriteProofInput): Promise<void>;
  listBackups(input: ListBackupsInput): Promise<ListBackupsResult>;
  showBackup(input: ShowBackupInput): Promise<CatalogueEntry>;
}
