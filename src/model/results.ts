// What workflows return and show. Small: at most ten ids a collection, never a value of a payload.

import type { Difference } from './activities.js';
import type { RangeDigest } from './digest.js';

/** `unproven`: recovered, with nothing to prove the content by. */
export type Outcome = 'verified' | 'unproven' | 'different' | 'failed' | 'aborted';

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

/** Result of the child `migrateCollection`. */
export interface MigrationReport {
  source: { cluster: string; collection: string };
  target: { cluster: string; collection: string };
  outcome: Outcome;
  points: number;
  bytes: number;
  copySeconds: number;
  verifySeconds: number;
  pointsPerSecond: number;
  repaired: { upserted: number; deleted: number };
  proof: Proof;
  aliases: string[];
  warnings: string[];
}

/** Result of the child `verifyCollection`. */
export interface VerificationReport {
  source: { cluster: string; collection: string };
  target: { cluster: string; collection: string };
  outcome: Outcome;
  seconds: number;
  proof: Proof;
  warnings: string[];
}

/** What every child of a job returns, whatever else it does. */
export interface CollectionEnd {
  outcome: Outcome;
  proven?: 'quiesced' | 'none';
  leftOnNode?: string[];
  /** Of a comparison of two sides. */
  proof?: Proof;
  points?: number;
  bytes?: number;
}

/** Result of the child `backupCollection`; `verified` means that every object is what its manifest says. */
export interface BackupReport extends CollectionEnd {
  source: { cluster: string; collection: string };
  store: string;
  backup: string;
  points: number;
  bytes: number;
  shards: number;
  capture: 'stream' | 'stored';
  proven: 'quiesced' | 'none';
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
  /** Of a backup: `quiesced` when the source was the same before and after. */
  proven?: 'quiesced' | 'none';
  /** Of a backup: snapshots that stay on nodes. */
  leftOnNode?: string[];
  /** Id of the child workflow that holds the full report. */
  workflowId: string;
}

/** Result of the parents `scrollMigration` and `verifyCollections`. */
export interface JobReport {
  /** Of a backup: its id in the store `target`. */
  backup?: string;
  source: string;
  target: string;
  outcome: Outcome;
  collections: CollectionLine[];
  /** Collections not listed because the result would be too large; their own rows have it all. */
  more: number;
  verified: number;
  different: number;
  failed: number;
  points: number;
  bytes: number;
  seconds: number;
}

export type Phase =
  | 'planning'
  | 'capturing'
  | 'checking'
  | 'copying'
  | 'verifying'
  | 'repairing'
  | 'finishing'
  | 'paused'
  | 'awaiting-operator'
  | 'done';

/** Answer to the query `status` of a collection's child workflow. */
export interface CollectionStatus {
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
  /** Of a backup: whose snapshots are in the store. */
  shards?: { captured: number; of: number; bytes: number };
  /** Why it waits for an operator, and what to send. */
  attention?: string;
}

/** Answer to the query `status` of a parent. */
export interface JobStatus {
  phase: Phase;
  source: string;
  target: string;
  collections: { collection: string; workflowId: string; state: 'waiting' | 'running' | Outcome }[];
  paused: boolean;
  startedAt: string;
}
