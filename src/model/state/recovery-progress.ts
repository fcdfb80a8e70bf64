// What the workflow of one recovered collection remembers in addition to what every collection's does, and what it returns.

import type { CollectionBackupRef } from '../contracts/backup-catalogue.js';
import type { PrepareRecoveryResult, ProofKind, RecoveryPlan } from '../contracts/recovery-activities.js';
import type { CollectionRef } from '../collections.js';
import type { RangeDigest } from '../format/digest.js';
import type { Indexing } from './indexing.js';
import type { RecallShares } from '../format/recall.js';
import type { CollectionEnd, Outcome, ShardCount } from '../contracts/results.js';

export interface RecoveryProgress {
  plan?: RecoveryPlan;
  prepared?: PrepareRecoveryResult;
  /** Which of the prepared shards are in, by their place in the list; and which of the backup's slices. */
  done: number[];
  slicesDone: number[];
  bytes: number;
  pushed: number;
  /** Slices digested so far. */
  digest: RangeDigest;
  digested: boolean;
  /** When the first shard was asked for, and when the last was Active. */
  beganAt?: string;
  readyAt?: string;
  safetyBackup?: string;
  /** What the shards brought, before anything was removed from it. */
  brought?: number;
  /** Of those, how many the backup's id set does not hold: they were removed. */
  returned?: number;
  /** Of the id set, and in no snapshot; the first of them by their ids. */
  missing?: { count: number; ids: string[] };
  /** Of the searches that a rehearsal replayed. */
  recall?: RecallShares;
  isMade: boolean;
  /** What was recovered is what the backup holds: from then on it is kept, whatever happens. */
  isProved?: boolean;
  /** Creation id that the collection was made with, known before it was made. */
  creation: string;
  /** A call into it may still run: its answer was lost, and it was not settled. */
  isUnsettled: boolean;
  /** How often the collection was created again because of that. */
  startedOver: number;
}

type RecoveredShards = PrepareRecoveryResult['shards'];

/** A shard of several replicas is in when each of them has it. `done`: places in `entries`. */
export function countShards(
  entries: RecoveredShards,
  done: readonly number[],
): Pick<ShardCount, 'done' | 'of'> {
  const all = new Set(entries.map(({ position }) => position));
  const pending = new Set(entries.flatMap(({ position }, at) => (done.includes(at) ? [] : [position])));
  return { done: all.size - pending.size, of: all.size };
}

/** "recover shard 2 of 3 of docs", "recover shard 2 of 3 of docs on peer 71" */
export function recoverText(
  entries: RecoveredShards,
  { position, peer, isReplica }: RecoveredShards[number],
  collection: string,
): string {
  const where = isReplica && peer !== undefined ? ` on peer ${peer}` : '';
  return `recover shard ${position + 1} of ${countShards(entries, []).of} of ${collection}${where}`;
}

/** Result of the child `recoverCollection`. */
export interface RecoveryReport extends CollectionEnd {
  from: CollectionBackupRef;
  target: CollectionRef;
  outcome: Outcome;
  points: number;
  /** As the id set counts them, or the manifest did when the capture began; absent where nobody counted. */
  expectedPoints?: number;
  /** Points that the snapshots brought back and that were removed; absent where the backup has no id set. */
  returned?: number;
  bytes: number;
  shards: number;
  /** From the first shard asked for until every replica was Active. */
  recoverySeconds: number;
  via: 'pull' | 'push' | 'both';
  contentProof: {
    /** `none`: recovered, content unproven. */
    kind: ProofKind | 'none';
    digest?: RangeDigest;
  };
  /** Of a rehearsal whose backup has a baseline of searches. */
  recall?: RecallShares;
  aliases: string[];
  /** The collection that `swap` left behind. */
  left?: string;
  /** Of what `replace` deleted. */
  safetyBackup?: string;
  /** How far the indexes were when they were no longer awaited; absent when they were built. */
  indexing?: Indexing;
  warnings: string[];
}
