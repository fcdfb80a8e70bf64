// What workflows return and show. Small: at most ten ids per collection, never a value of a payload.

import type { Difference } from './slice-activities.js';
import type { RangeDigest } from '../format/digest.js';
import type { Indexing } from '../state/indexing.js';
import type { OperationName } from '../operations.js';
import type { RecallShares } from '../format/recall.js';
import type { Phase } from '../state/steering.js';

/** `unproven`: done, without the evidence that `verified` stands for; `reason` says what is missing. */
export type Outcome = 'verified' | 'unproven' | 'different' | 'failed' | 'aborted' | 'skipped';

/** The proof of one collection. */
export interface Proof {
  equal: boolean;
  /** `source` ⊆ `target` is what was proved, not equality (merge). */
  subset?: boolean;
  source: RangeDigest;
  target: RangeDigest;
  /** Exact counts asked of Qdrant after the digests. */
  sourceCount: number;
  targetCount: number;
  missing: number;
  changed: number;
  extra: number;
  renormalised: number;
  /** Sentences, one a setting. */
  configuration: string[];
  /** The first ten, over all slices. */
  first: Difference[];
  reportKeys: string[];
  /** Verification passes, the repairing ones included. */
  passes: number;
}

/** What a job wrote to a target besides copying to it. */
export interface Repaired {
  /** Points that were missing, and points that were other than the source's. */
  upserted: number;
  deleted: number;
  /** With `merge`: points of the target that the source's of the same id replaced. */
  overwritten?: number;
}

/** What every comparison of two collections ends with. */
interface ComparedReport {
  operation: OperationName;
  source: { cluster: string; collection: string };
  target: { cluster: string; collection: string };
  outcome: Outcome;
  /** Why it is not `verified`, a sentence, where the proof's figures do not say it. */
  reason?: string;
  proof: Proof;
  warnings: string[];
}

/** Result of the children `migrateCollection` and `moveCollection`. */
export interface MigrationReport extends ComparedReport {
  points: number;
  bytes: number;
  copySeconds: number;
  verifySeconds: number;
  pointsPerSecond: number;
  repaired: Repaired;
  aliases: string[];
  /** How far the indexes of the target were when they were no longer awaited; absent when they were built. */
  indexing?: Indexing;
  /** Of a snapshot migration. */
  moved?: MovedShards;
  /** Why it went point by point, where snapshots were asked for. */
  because?: string;
  /** Snapshots that stay on nodes of the source, by name; at most 10. */
  leftOnNode?: string[];
}

/** How a collection went as snapshots. */
export interface MovedShards {
  shards: number;
  /** Absent where an earlier attempt had moved them. */
  via?: 'pull' | 'push' | 'both';
  capture: 'stream' | 'stored';
  /** Of `through`: the backup that stays in the store. */
  backup?: string;
  /** Of what `replace` deleted. */
  safetyBackup?: string;
  /** The collection that `swap` left behind. */
  left?: string;
}

/** Result of the child `verifyCollection`. */
export interface VerificationReport extends ComparedReport {
  seconds: number;
}

/**
 * `quiesced`: the source was the same before and after. `recorded`: the digest of the very points that were read is in
 * the manifest. `none` also where a field said which points to read.
 */
export type BackupProof = 'quiesced' | 'recorded' | 'none';

/** What an increment found since its base. */
export interface Changes {
  /** Id of the backup that it continues; absent where it became a full one. */
  base?: string;
  changed: number;
  deleted: number;
  /** Of points that were read from the source to find that out. */
  readBytes: number;
  /** Of the changed ones: those whose field did not say so. */
  unstamped?: number;
}

/** What every child of a job returns, whatever else it does. */
export interface CollectionEnd {
  operation: OperationName;
  outcome: Outcome;
  proven?: BackupProof;
  /** Of a backup by points. */
  changes?: Changes;
  leftOnNode?: string[];
  /** Of a comparison of two sides. */
  proof?: Proof;
  points?: number;
  /** Of a recovery. */
  from?: { backup: string; external?: unknown };
  /** Of a recovery: the manifest's count. */
  expectedPoints?: number;
  /** Of a rehearsal. */
  recall?: RecallShares;
  bytes?: number;
  /** Of a snapshot migration. */
  moved?: MovedShards;
  /** Why it went another way than the one that was asked for first. */
  because?: string;
  /** Why it is not `verified`, where nothing else says it. */
  reason?: string;
  repaired?: Repaired;
  /** How far its indexes were when they were no longer awaited. */
  indexing?: Indexing;
  warnings?: string[];
}

/** Result of the child `backupCollection`; `verified` means that every object is what its manifest says. */
export interface BackupReport extends CollectionEnd {
  source: { cluster: string; collection: string };
  store: string;
  backup: string;
  points: number;
  bytes: number;
  shards: number;
  capture: 'stream' | 'stored' | 'points';
  proven: BackupProof;
  manifestSha256: string;
  seconds: number;
  /** Snapshots that stay on nodes, by name; at most 10. */
  leftOnNode: string[];
  warnings: string[];
}

/** One line a collection in the parent's result. */
export interface CollectionLine {
  collection: string;
  /** When it has another name there. */
  as?: string;
  outcome: Outcome;
  points: number;
  /** Code and first sentence, when it failed. */
  error?: string;
  /** Up to ten ids that differ. */
  ids?: string[];
  /** Of a backup. */
  proven?: BackupProof;
  /** Of an increment. */
  changes?: Changes;
  /** Of a backup: snapshots that stay on nodes. */
  leftOnNode?: string[];
  /** Of a recovery: the backup that it came from. */
  fromBackup?: string;
  /** Of a recovery: what was counted when the backup began. */
  expectedPoints?: number;
  /** Of a rehearsal: shares of the baseline's neighbours found again. */
  recall?: RecallShares;
  /** Of a snapshot migration. */
  moved?: MovedShards;
  /** Why it went point by point, where snapshots were asked for. */
  because?: string;
  /** Why it is not `verified`, where nothing else says it. */
  reason?: string;
  /** What was written to the target besides the copy; absent when nothing was. */
  repaired?: Repaired;
  /** How far the indexes of the target were when they were no longer awaited; absent when they were built. */
  indexing?: Indexing;
  /** At most ten; the child's result has them whole. */
  warnings?: string[];
  /** Id of the child workflow that holds the full report. */
  workflowId: string;
}

/** Result of every job. */
export interface JobReport {
  operation: OperationName;
  /** Of a backup: its id in the store `target`. */
  backup?: string;
  /** Of a backup: snapshots of its whole storage that stay on the node. */
  leftOnNode?: string[];
  source: string;
  target: string;
  outcome: Outcome;
  /** Why it is not `verified`, where the collections do not say it. */
  reason?: string;
  collections: CollectionLine[];
  /** Collections not listed because the result would be too large; their own rows have it all. */
  more: number;
  verified: number;
  different: number;
  failed: number;
  /** Deleted before their turn came, and named by nobody; absent when there were none. */
  skipped?: number;
  points: number;
  bytes: number;
  seconds: number;
  /** What was passed over or left out, and why; at most 10 sentences. */
  notes?: string[];
}

/** How many shards are in the store, or on the target; of a backup by points its slices. */
export interface ShardCount {
  done: number;
  of: number;
  bytes: number;
  /** Absent: shards. */
  unit?: 'slices';
}

interface CommonStatus {
  v: 1;
  phase: Phase;
  source: string;
  target: string;
  /** Points safely on the target by returned claims; the running activities' heartbeats hold the rest. */
  points: number;
  total: number;
  bytes: number;
  /** Slices done and known so far. */
  slicesDone: number;
  slices: number;
  verifiedPoints: number;
  paused: boolean;
  startedAt: string;
  /** Of a target whose indexes are awaited. */
  indexing?: Indexing;
  /** Why it waits for an operator, and what to send. */
  attention?: string;
  /** At most ten. */
  warnings?: string[];
}

/** Answer to the query `status` of a collection's child workflow. Shards are counted once they are planned. */
export type CollectionStatus = CommonStatus &
  (
    | { operation: 'scrollMigration' | 'verifyCollections' }
    | {
        operation: Exclude<OperationName, 'scrollMigration' | 'verifyCollections'>;
        shards?: ShardCount;
      }
  );

/** Answer to the query `status` of a parent. */
export interface JobStatus {
  operation: OperationName;
  phase: Phase;
  source: string;
  target: string;
  collections: { collection: string; workflowId: string; state: 'waiting' | 'running' | Outcome }[];
  paused: boolean;
  startedAt: string;
}
