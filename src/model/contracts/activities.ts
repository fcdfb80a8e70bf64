// The short activities of migrations and verifications as the workflows see them: one input, one small JSON result each,
// queue ferry-control. Wire names: not renamed casually.

import type { CollectionRef, HeldBack, OnExisting, Pin, ReadPlan, TargetState } from '../collections.js';
import type { Indexing } from '../state/indexing.js';
import type { RangeDigest } from '../format/digest.js';
import type { Slice } from '../state/slice.js';

export interface ResolveCollectionsInput {
  source: string;
  target: string;
  /** Names or Qdrant aliases; absent: all collections of the source. */
  collections?: string[];
  /** Other names on the target, by the name asked for. */
  as?: Record<string, string>;
  /** For a job that moves aliases: a target may have an alias's name. */
  namesMayBeAliases?: boolean;
  /** The job writes the targets: inside one cluster none of them may be read by the same job. */
  writes?: boolean;
  /** Go on after this collection (real name); results come in pages of at most ~10 KiB, in order of name. */
  after?: string;
}
export interface ResolveCollectionsResult {
  /** `asked` is what the user wrote, `source` the real name behind it, `target` the name on the target. */
  collections: { asked: string; source: string; target: string }[];
  /** Present when there are more: pass it as `after`. */
  next?: string;
  /** What was passed over while they were found, and why: a sentence each. */
  notes?: string[];
  /** Queue whose workers are near these clusters. */
  dataQueue: string;
  /** False when the configuration switches search attributes off; absent means on. */
  searchAttributes?: boolean;
}

export interface PlanCollectionInput {
  source: CollectionRef;
  target: CollectionRef;
  onExisting: OnExisting;
  /** JSON merge patch on the create request, in Qdrant's own words. */
  overrides?: Record<string, unknown>;
  /** Points of the target that the source does not have may be deleted, whoever wrote them. */
  deleteExtras?: boolean;
  /** Take a source that another job has not finished filling. */
  allowUnfinished?: boolean;
}
export interface CollectionPlan {
  sourcePin: Pin;
  targetState: TargetState;
  /** Of a `known` target: what it held when an earlier run verified it. */
  verified?: RangeDigest;
  /** Creation id of the collection that `recreate` deletes; absent where it could not be marked. */
  replaced?: string;
  sourcePoints: number;
  targetPoints: number;
  sourceRead: ReadPlan;
  heldBack: HeldBack;
  /** Things worth knowing that do not stop the job, a sentence each. At most 10. */
  notes: string[];
}

export interface PrepareTargetInput extends PlanCollectionInput {
  /** Workflow id of the job, for the stamp. */
  job: string;
  sourcePin: Pin;
  targetState: TargetState;
  /** The plan's. */
  replaced?: string;
  heldBack: HeldBack;
}
export interface PrepareTargetResult {
  targetPin: Pin;
  targetRead: ReadPlan;
  /** Greatest number of points in one upsert (strict mode of an existing target). */
  maxWritePoints?: number;
  /** Nodes of the target by position, for `replicas: true`; absent means one. */
  targetNodes?: number;
  /** True when this migration created the collection, now or at an earlier attempt: its settings are ours to put back. */
  owned: boolean;
  /** The target carries this job's open stamp: it can be renewed and closed. */
  stamped: boolean;
  /** Points that the source does not have may be deleted: the open stamp says that they are ours, or the operator did. */
  mayDelete: boolean;
  /** One for each setting that the target's node has set, and nobody can unset. */
  notes?: string[];
}

/** Notes on the target that the job still works on it. */
export interface RenewStampInput {
  target: CollectionRef;
  targetPin: Pin;
  job: string;
}
/** The job has succeeded: whoever works with the collection now owns its points. */
export interface CloseStampInput extends RenewStampInput {
  /** What it held when it was proved. */
  verified: RangeDigest;
}

export interface ReleaseTargetInput {
  target: CollectionRef;
  /** Checked first; absent where the job does not know whether it created the target: then its stamp must name `job`. */
  targetPin?: Pin;
  /** Workflow id of the job; absent for `ferry doctor`, which puts back what any forgotten stamp says. */
  job?: string;
  heldBack: HeldBack;
  owned: boolean;
}

export interface PlanVerificationInput {
  source: CollectionRef;
  target: CollectionRef;
}
export interface VerificationPlan {
  sourcePin: Pin;
  targetPin: Pin;
  sourcePoints: number;
  targetPoints: number;
  sourceRead: ReadPlan;
  targetRead: ReadPlan;
  /** Nodes of the target by position, for `replicas: true`. */
  targetNodes: number;
}

export interface PlanSlicesInput {
  collection: CollectionRef;
  pin: Pin;
  /** About how many slices for the whole collection, at least one a shard key. */
  slices: number;
  /** Shard keys only: go on with the key at this position (see `next`). */
  fromKey?: number;
}
export interface PlanSlicesResult {
  /** At most ~10 KiB of them. Together they cover every possible id exactly once. */
  slices: Slice[];
  /** Present when there are more shard keys. */
  next?: number;
}

export interface CountPointsInput {
  collection: CollectionRef;
}
export interface CountPointsResult {
  count: number;
}

/** Replicas of each shard, by their counts; throws `ReplicasDiffer` unless it is allowed. */
export interface CompareReplicasInput {
  collection: CollectionRef;
  /** A difference is a note. */
  allow: boolean;
}
export interface CompareReplicasResult {
  /** A sentence each. */
  notes: string[];
}

export interface CompareConfigurationsInput {
  source: CollectionRef;
  target: CollectionRef;
  overrides?: Record<string, unknown>;
}
export interface CompareConfigurationsResult {
  /** A sentence for each setting that differs and should not. At most 20. */
  differences: string[];
  /** One for each that the target's node has set, and nobody can unset. */
  notes?: string[];
}

export interface CopyAliasesInput {
  source: CollectionRef;
  target: CollectionRef;
  targetPin: Pin;
}
export interface CopyAliasesResult {
  /** That name the target now, also those that an earlier attempt made. */
  aliases: string[];
  /** Of those that name something else, and were left. */
  notes: string[];
}

/** Waits for green, optimizer ok, all replicas Active, twice in a row; heartbeats. Gives up quietly after `waitMs`. */
export interface AwaitReadyInput {
  target: CollectionRef;
  waitMs: number;
  /** Only replicas Active, not the indexing: enough before a digest. */
  replicasOnly?: boolean;
}
export interface AwaitReadyResult {
  ready: boolean;
  /** What it was still waiting for, or why it does not wait. */
  reason?: string;
  /** It will not come by waiting. */
  isInVain?: boolean;
  /** Of the indexes, when they are not ready. */
  indexing?: Indexing;
}

export interface DescribeHolderInput {
  workflowId: string;
}
export interface DescribeHolderResult {
  /** "scrollMigration nightly-move, running since …" */
  holder: string;
}

export interface ControlActivities {
  resolveCollections(input: ResolveCollectionsInput): Promise<ResolveCollectionsResult>;
  planCollection(input: PlanCollectionInput): Promise<CollectionPlan>;
  prepareTarget(input: PrepareTargetInput): Promise<PrepareTargetResult>;
  renewStamp(input: RenewStampInput): Promise<void>;
  closeStamp(input: CloseStampInput): Promise<void>;
  releaseTarget(input: ReleaseTargetInput): Promise<void>;
  planVerification(input: PlanVerificationInput): Promise<VerificationPlan>;
  planSlices(input: PlanSlicesInput): Promise<PlanSlicesResult>;
  countPoints(input: CountPointsInput): Promise<CountPointsResult>;
  compareReplicas(input: CompareReplicasInput): Promise<CompareReplicasResult>;
  compareConfigurations(input: CompareConfigurationsInput): Promise<CompareConfigurationsResult>;
  copyAliases(input: CopyAliasesInput): Promise<CopyAliasesResult>;
  awaitReady(input: AwaitReadyInput): Promise<AwaitReadyResult>;
  describeHolder(input: DescribeHolderInput): Promise<DescribeHolderResult>;
}
