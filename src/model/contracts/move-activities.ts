// Activities of snapshot migration as the workflows see them. What is the same for every migration (slices, digests,
// repairs, indexing restored) is in activities.ts.

import type { CollectionPlan, PrepareTargetResult } from './activities.js';
import type { Pace } from '../state/steering.js';
import type { CaptureMode, ShardToCapture } from './backup-activities.js';
import type { CollectionBackupRef } from './backup-catalogue.js';
import type { CollectionRef, Pin } from '../collections.js';
import type { LookAtReplacedResult, RecoverShardInput, Replaceable } from './recovery-activities.js';

export interface PlanMoveInput {
  source: CollectionRef;
  /** As the user names it: with `swap` an alias. */
  target: CollectionRef;
  onExisting: 'fail' | 'swap' | 'replace';
  capture: 'auto' | CaptureMode;
  overrides?: Record<string, unknown>;
  deleteExtras?: boolean;
  allowUnfinished?: boolean;
}
export interface MovePlan {
  /** Why the collection cannot be moved as snapshots: a sentence. Nothing else is known then. */
  unfit?: string;
  collection?: CollectionPlan;
  /** The collection that is really written: with `swap` a dated one. */
  writes: string;
  /** What the alias named that `swap` moves. */
  swappedFrom?: string;
  /** Of somebody else, and replaced. */
  exists: boolean;
  /** An earlier attempt brought every shard: what is left is the proof. */
  isMoved: boolean;
  mode: CaptureMode;
  /** `via: "auto"` is a push: no node of this target is asked to fetch. */
  autoPushes?: boolean;
}

export interface PrepareMoveInput {
  source: CollectionRef;
  /** The collection that is written. */
  target: CollectionRef;
  plan: CollectionPlan;
  /** Workflow id of the job, for the stamp. */
  job: string;
  deleteExtras?: boolean;
  /** What may be deleted for `replace`. */
  replaced?: Replaceable;
}
/** What `replace` is about to delete; nothing where it is gone, or is what this job made. */
export interface LookAtReplacedTargetInput {
  target: CollectionRef;
  job: string;
}
/** A shard of the source and where it goes. */
export interface PlacedShard {
  shard: ShardToCapture;
  /** Of the target. */
  into: number;
  /** Those that hold a replica: each gets the file itself. */
  peers: string[];
}
export interface PrepareMoveResult extends PrepareTargetResult {
  shards: PlacedShard[];
}

export interface MoveShardInput {
  what: string;
  source: CollectionRef;
  target: CollectionRef;
  sourcePin: Pin;
  targetPin: Pin;
  mode: CaptureMode;
  placed: PlacedShard;
  /** `pull`: the target's node fetches the file from the source's. `auto`: where that is refused, it is pushed. */
  via: 'auto' | 'pull' | 'push';
  /** No other shard is moved at the same time. */
  isAlone?: boolean;
  stallAfterAttempts: number;
  maxMegabytesPerSecond?: Pace['maxMegabytesPerSecond'];
}
export interface MoveShardResult {
  bytes: number;
  via: 'pull' | 'push';
  /** Snapshots on the source's node that could not be removed, or that a killed attempt left: named, never guessed at. */
  leftOnNode: string[];
}

/** What of a backup goes where, by (key, ordinal). */
export interface PlaceBackupInput {
  from: CollectionBackupRef;
  via: 'auto' | 'pull' | 'push';
  shards: PlacedShard[];
}
export interface PlaceBackupResult {
  manifestSha256: string;
  via: 'pull' | 'push';
  mayPush: boolean;
  shards: RecoverShardInput['shard'][];
}

/** Notes on the target that every shard is in, so that a repeated job need not move them again. */
export interface MarkMovedInput {
  target: CollectionRef;
  targetPin: Pin;
  job: string;
}

/** The aliases, after the proof; with `swap` the one that was asked for moves here, in the same call. */
export interface AssignAliasesInput {
  source: CollectionRef;
  /** As the user names it. */
  target: CollectionRef;
  writes: string;
  /** Of the collection that was written. */
  targetPin: Pin;
  onExisting: PlanMoveInput['onExisting'];
  /** The plan's. */
  swappedFrom?: string;
  copyAliases: boolean;
}
export interface AssignAliasesResult {
  aliases: string[];
  notes: string[];
  /** The collection that `swap` left behind. */
  left?: string;
}

/** Snapshots of these shards that came up on the source's nodes since then. */
export interface FindLeftoverSnapshotsInput {
  source: CollectionRef;
  shards: ShardToCapture[];
  since: string;
}
export interface FindLeftoverSnapshotsResult {
  /** At most ten. */
  left: string[];
}

/** Removes what a failed move made, and nothing else. */
export interface UndoMoveInput {
  /** The collection that was written. */
  target: CollectionRef;
  /** Checked first; absent where the job does not know whether it created the target: then its stamp must name `job`. */
  targetPin?: Pin;
  job: string;
}
export interface UndoMoveResult {
  removed: boolean;
}

/** Queue ferry-control. */
export interface MoveControlActivities {
  planMove(input: PlanMoveInput): Promise<MovePlan>;
  lookAtReplacedTarget(input: LookAtReplacedTargetInput): Promise<LookAtReplacedResult>;
  prepareMove(input: PrepareMoveInput): Promise<PrepareMoveResult>;
  markMoved(input: MarkMovedInput): Promise<void>;
  assignAliases(input: AssignAliasesInput): Promise<AssignAliasesResult>;
  undoMove(input: UndoMoveInput): Promise<UndoMoveResult>;
}

/** The data queue, or that of the store; they heartbeat. */
export interface MoveActivities {
  moveShard(input: MoveShardInput): Promise<MoveShardResult>;
  placeBackup(input: PlaceBackupInput): Promise<PlaceBackupResult>;
  findLeftoverSnapshots(input: FindLeftoverSnapshotsInput): Promise<FindLeftoverSnapshotsResult>;
}
