// Activities of capture and catalogue as the workflows see them. Those that touch a store run on the queue that
// `resolveBackup` names, for a disk may be seen by some workers only.

import type { CollectionRef, Pin, ReadPlan } from '../collections.js';
import type { RangeDigest } from '../format/digest.js';
import type { RecallRef } from '../format/manifest.js';
import type { IdsRef } from '../format/fields.js';
import type { RecallShares } from '../format/recall.js';
import type { ShardKey } from '../state/slice.js';
import type {
  BackupRef,
  CatalogueEntry,
  CollectionBackupRef,
  ListBackupsInput,
  ListBackupsResult,
  ShowBackupInput,
} from './backup-catalogue.js';

export interface ResolveBackupInput {
  cluster: string;
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string;
  /** Names, Qdrant aliases, or patterns with `*` and `?`; absent: all. */
  collections?: string[];
  /** Names or patterns. */
  exclude?: string[];
  onMissing?: 'fail' | 'continue';
  /** Asked for: refused with `InvalidInput` where the cluster has several nodes. */
  nodeSnapshot?: boolean;
  /** The source is digested; absent: it is. */
  digest?: boolean;
  after?: string;
}
export interface ResolveBackupResult {
  store: string;
  /** Worth knowing of the whole job, a sentence each. */
  notes?: string[];
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
  /** A collection that a job is still filling is refused with `SourceUnfinished`, unless this is set. */
  allowUnfinished?: boolean;
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
  /** When `points` were counted, ISO 8601. */
  countedAt: string;
  /** Shards, keys, replicas and their peers in one hash. */
  layout: string;
  /**
   * Through which addresses of ferry.yaml the collection is to be read, so that of each shard with several replicas the
   * captured one is read. Empty: through any. Absent: no address leads to a captured peer.
   */
  lanes?: number[];
  /** A job is still filling the collection. */
  partial?: { reason: string };
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
  /** Where it was taken from; absent without clustering. */
  peer?: string;
}

/** Qdrant's own full storage snapshot of a single-node cluster. */
export interface CaptureNodeInput extends BackupRef {
  what: string;
  startedAt: string;
  maxMegabytesPerSecond?: number;
  stallAfterAttempts: number;
}
export type CaptureNodeResult = CaptureShardResult;

/** Ids of all living points, read after the shards were captured. */
export interface WriteIdSetInput extends CollectionBackupRef {
  pin: Pin;
  maxPoints?: number;
  /** Read through these; absent or empty: through any. */
  lanes?: number[];
  stallAfterAttempts: number;
}
export interface WriteIdSetResult {
  ids: IdsRef;
}

/** The last operation of every shard, on the very replicas that are captured. */
export interface ReadOperationsInput extends CollectionBackupRef {
  pin: Pin;
  shards: ShardToCapture[];
}
export interface ReadOperationsResult {
  /** One hash over all shards; absent where Qdrant does not tell. */
  operations?: string;
}

/** Waits while the collection is being optimized, at most so long. */
export interface AwaitOptimizersInput {
  collection: CollectionRef;
  waitMs: number;
}
export interface AwaitOptimizersResult {
  isIdle: boolean;
  /** As in PlanCaptureResult, now. */
  layout: string;
}

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

/** What captureShard answered: the manifest is made of these, whatever else lies in the folder. */
export interface CapturedShard {
  /** Of the shard. */
  id: number;
  /** Of the snapshot. */
  name: string;
}

export interface WriteManifestInput extends CollectionBackupRef {
  pin: Pin;
  captured: CapturedShard[];
  mode: CaptureMode;
  points: number;
  /** When `points` were counted, ISO 8601. */
  countedAt: string;
  startedAt: string;
  partial?: { reason: string };
  notes: string[];
  ids?: IdsRef;
  recall?: RecallRef;
  /** Names of the documents of the digest index, in order of its slices. */
  index?: { before: string[]; after: string[] };
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

/** Says that the objects of this manifest were checked. Refused where the manifest is another one by now. */
export interface WriteCompleteInput extends CollectionBackupRef {
  manifestSha256: string;
  verify: 'quick' | 'full';
}

/**
 * Compares the cluster with the one that the alias led to when its last backup was taken, then writes started.json, the
 * first document of a run. Repeated, it leaves the document that is there.
 */
export interface OpenBackupInput extends BackupRef {
  /** As the user wrote them; absent: all. */
  collections?: string[];
  exclude?: string[];
  onMissing?: 'fail' | 'continue';
  /** Whose schedule started the job. */
  policy?: string;
  startedAt: string;
  workflowId: string;
  /** The operator says that the alias leads to another cluster now. */
  newCluster?: boolean;
}
export interface OpenBackupResult {
  /** Peer ids; empty where they could not be established. */
  clusterIdentity: string[];
  /** A sentence each. */
  notes: string[];
}

/**
 * Which collections are complete is read from the store. `failed` only says why others are not, as far as the job
 * remembers. Repeated, it leaves the document that is there.
 */
export interface WriteBackupInput extends BackupRef {
  failed: { collection: string; error?: string }[];
  /** Deleted on the cluster before their turn came. */
  skipped?: string[];
  /** The run was cancelled, or broke. */
  interrupted?: boolean;
  /** Name of the node's own snapshot. */
  nodeSnapshot?: string;
}

export interface WriteBackupResult {
  /** Collections whose backup is complete. */
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

/** Queue ferry-control. */
export interface BackupControlActivities {
  resolveBackup(input: ResolveBackupInput): Promise<ResolveBackupResult>;
  planCapture(input: PlanCaptureInput): Promise<PlanCaptureResult>;
  awaitOptimizers(input: AwaitOptimizersInput): Promise<AwaitOptimizersResult>;
}

/** The queue that `resolveBackup` names; all of them heartbeat. */
export interface BackupStoreActivities {
  probeStore(input: ProbeStoreInput): Promise<ProbeStoreResult>;
  captureShard(input: CaptureShardInput): Promise<CaptureShardResult>;
  captureNode(input: CaptureNodeInput): Promise<CaptureNodeResult>;
  writeIdSet(input: WriteIdSetInput): Promise<WriteIdSetResult>;
  readOperations(input: ReadOperationsInput): Promise<ReadOperationsResult>;
  writeRecall(input: WriteRecallInput): Promise<WriteRecallResult>;
  writeManifest(input: WriteManifestInput): Promise<WriteManifestResult>;
  checkObjects(input: CheckObjectsInput): Promise<CheckObjectsResult>;
  writeComplete(input: WriteCompleteInput): Promise<void>;
  openBackup(input: OpenBackupInput): Promise<OpenBackupResult>;
  writeBackup(input: WriteBackupInput): Promise<WriteBackupResult>;
  writeProof(input: WriteProofInput): Promise<void>;
  listBackups(input: ListBackupsInput): Promise<ListBackupsResult>;
  showBackup(input: ShowBackupInput): Promise<CatalogueEntry>;
}
