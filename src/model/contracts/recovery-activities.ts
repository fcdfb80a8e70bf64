// Activities of recovery and rehearsal as the workflows see them. They run on the queue that `locateStore` names, for a
// disk may be seen by some workers only.

import type { Pace } from '../state/steering.js';
import type { CollectionBackupRef } from './backup-catalogue.js';
import type { CollectionRef, Pin } from '../collections.js';
import type { RangeDigest } from '../format/digest.js';
import type { ExternalSource } from '../externals/source.js';
import type { RecallShares } from '../format/recall.js';

export interface LocateStoreInput {
  target: string;
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string;
  /** The job can do without one. */
  optional?: boolean;
}
export interface LocateStoreResult {
  /** Empty where it is optional and there is none. */
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
  /** Id; absent: the newest run that covered all collections, and for named collections the newest complete one of each. */
  backup?: string;
  /** Only runs that began before this time. */
  before?: string;
  /** Also the collections that older runs hold and the newest one does not. */
  includeDropped?: boolean;
  /** What the first page went by. */
  run?: RecoveredRuns;
  /** Names, or patterns with `*` and `?`. */
  collections?: string[];
  exclude?: string[];
  /** Only collections whose backup has no proof. */
  onlyUnproven?: boolean;
  /** So many of them, the same for the same seed. */
  sample?: { count: number; seed: string };
  as?: Record<string, string>;
  after?: string;
  /** Snapshots that ferry did not make; `store` is where they are, or unused for a URL. */
  external?: ExternalSource;
  map?: Record<string, string>;
}
/** The newest one first; `more` where several policies share the cluster. */
export interface RecoveredRuns {
  cluster: string;
  backup: string;
  more?: string[];
}
export interface ResolveRecoveryResult {
  recoveries: { from: CollectionBackupRef; target: string; points: number; bytes: number }[];
  next?: string;
  /** The runs that all of it is of, but for what failed in them; to be handed to the next page. */
  run?: RecoveredRuns;
  /** Of a sample: what was chosen, in its place for the next page. */
  chosen?: string[];
  /** Backups that were passed over, collections that are not recovered, and why; at most 10. */
  notes: string[];
}

export type OnExistingRecovery = 'fail' | 'swap' | 'replace';

export interface PlanRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  onExisting: OnExistingRecovery;
  via: 'auto' | 'pull' | 'push';
  precheck: 'quick' | 'full';
  /** What is recovered is digested in any case. */
  rehearse?: boolean;
  /** It is digested in no case. */
  ignoreProof?: boolean;
}
/**
 * `recorded`: the digest of the very points that a backup by points stored. `stamped`: the same of an increment by `field`,
 * which takes points for unchanged that do not say so; it shows what was stored, and not what the source held.
 */
export type ProofKind = 'rehearsed' | 'quiesced' | 'recorded' | 'stamped';

export interface RecoveryPlan {
  manifestSha256: string;
  /** The collection that is really written: with `swap` a dated one. */
  writes: string;
  exists: boolean;
  /** What the alias named that `swap` moves. */
  swappedFrom?: string;
  via: 'pull' | 'push';
  /** A shard that the node cannot pull is pushed. */
  mayPush: boolean;
  /** As they were counted when the backup began; 0 where nobody did. */
  points: number;
  isUncounted?: boolean;
  /** Points alive after the last capture, where the backup has the set of their ids. */
  ids?: number;
  bytes: number;
  shards: number;
  /** Of a backup by points, which has no shards. */
  slices?: number;
  /** Of a collection that is replaced: deleting it drops them. */
  aliases?: string[];
  /** Of a collection that is replaced. */
  creation?: string;
  proof?: { kind: ProofKind; digest: RangeDigest };
  /** The backup has a baseline of searches. */
  hasRecall: boolean;
  notes: string[];
}

export interface PrepareRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  manifestSha256: string;
  onExisting: OnExistingRecovery;
  /** Workflow id, for the stamp. */
  job: string;
  /** Id of the collection that is made. */
  creation: string;
  /** The plan's: a collection that was there is deleted only for `replace`. */
  exists: boolean;
  /** What may be deleted for `replace`; points, where a safety backup was taken, as they were before it was begun. */
  replaced?: Replaceable;
}

/** A collection that is to be replaced. Absent creation: ferry never marked it. */
export interface Replaced {
  creation?: string;
  points: number;
  /** One hash over the last operation of each shard; absent where Qdrant does not tell. */
  operations?: string;
}
/** Without points: no safety backup was wanted. */
export type Replaceable = Pick<Replaced, 'creation'> & Partial<Replaced>;

export interface LookAtReplacedInput {
  from: CollectionBackupRef;
  target: CollectionRef;
}
export interface LookAtReplacedResult {
  /** Absent where it is gone, or is what this recovery made. */
  replaced?: Replaced;
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
  /** No other shard is recovered at the same time. */
  isAlone?: boolean;
  shard: PrepareRecoveryResult['shards'][number];
  stallAfterAttempts: number;
  maxMegabytesPerSecond?: Pace['maxMegabytesPerSecond'];
}
export interface RecoverShardResult {
  bytes: number;
  via: 'pull' | 'push';
}

/** The points of one slice, written to the target. Repeated, it writes them again. */
export interface RecoverSliceInput extends Pace {
  what: string;
  from: CollectionBackupRef;
  target: CollectionRef;
  targetPin: Pin;
  manifestSha256: string;
  /** Of the slice in the plan. */
  position: number;
  lane: number;
  batchBytes: number;
  stallAfterAttempts: number;
}
export interface RecoverSliceResult {
  points: number;
  bytes: number;
}

/** Points that the backup's id set does not hold are removed from what the shards brought. */
export interface RemoveReturnedInput {
  from: CollectionBackupRef;
  /** The collection that was written. */
  target: CollectionRef;
  targetPin: Pin;
  manifestSha256: string;
}
export interface RemoveReturnedResult {
  /** On the target, afterwards. */
  points: number;
  /** Of the set, and not on the target. */
  missing: number;
  /** The first of them, at most 10. */
  missingIds: string[];
}

/** The searches of the backup's baseline, asked of what was recovered. */
export interface ReplayRecallInput {
  from: CollectionBackupRef;
  /** The collection that was written. */
  target: CollectionRef;
  targetPin: Pin;
  manifestSha256: string;
}
export interface ReplayRecallResult {
  /** Absent where there is no baseline, or none of it could be asked. */
  recall?: RecallShares;
  notes: string[];
}

/** Aliases, read fan-out, metadata, payload indexes; with `swap` the alias moves here, in one call, after the proof. */
export interface FinishRecoveryInput {
  from: CollectionBackupRef;
  target: CollectionRef;
  writes: string;
  /** Of the collection that was made: no other one of its name is touched. */
  targetPin: Pin;
  manifestSha256: string;
  onExisting: OnExistingRecovery;
  /** The plan's. */
  swappedFrom?: string;
  /** Of the collection that was replaced. */
  replacedAliases: string[];
  /** False: everything but the aliases, and the stamp is closed. True: the aliases alone. */
  withAliases: boolean;
  /** What was proved, for the stamp. */
  verified?: RangeDigest;
}
export interface FinishRecoveryResult {
  aliases: string[];
  notes: string[];
  /** Without aliases: a sentence for each setting that is not as the backup has it. */
  differences?: string[];
  /** The collection that `swap` left behind. */
  left?: string;
}

/** What differs from its proof and is left to its owner. */
export interface KeepRecoveredInput {
  target: CollectionRef;
  targetPin: Pin;
  job: string;
}

/** Removes what a failed recovery made, and nothing else. */
export interface UndoRecoveryInput {
  from: CollectionBackupRef;
  /** The collection that was written. */
  target: CollectionRef;
  /** Of the collection that this recovery made: no other is removed. */
  creation: string;
  /** It may still be the one that was to be replaced: without a stamp to tell by, it stays. */
  mayBeOld?: boolean;
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
  lookAtReplaced(input: LookAtReplacedInput): Promise<LookAtReplacedResult>;
  prepareRecovery(input: PrepareRecoveryInput): Promise<PrepareRecoveryResult>;
  recoverShard(input: RecoverShardInput): Promise<RecoverShardResult>;
  recoverSlice(input: RecoverSliceInput): Promise<RecoverSliceResult>;
  removeReturned(input: RemoveReturnedInput): Promise<RemoveReturnedResult>;
  replayRecall(input: ReplayRecallInput): Promise<ReplayRecallResult>;
  finishRecovery(input: FinishRecoveryInput): Promise<FinishRecoveryResult>;
  keepRecovered(input: KeepRecoveredInput): Promise<void>;
  undoRecovery(input: UndoRecoveryInput): Promise<UndoRecoveryResult>;
}
