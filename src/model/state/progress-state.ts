// Everything a collection's workflow has to remember. All of it is carried over a continue-as-new, so it stays small.

import type { CaptureProgress } from './capture-progress.js';
import type { CollectionPlan, PrepareTargetResult } from '../contracts/activities.js';
import type { Difference } from '../contracts/slice-activities.js';
import type { Pace, Phase } from './steering.js';
import type { Pin, ReadPlan } from '../collections.js';
import type { Indexing } from './indexing.js';
import type { MoveProgress } from './move-progress.js';
import type { RecoveryProgress } from './recovery-progress.js';
import { EMPTY_DIGEST, addDigests, type RangeDigest } from '../format/digest.js';
import { compareIds } from '../point-id.js';
import type { Proof } from '../contracts/results.js';
import { addFound, nothingFound, type Found, type Page, type SliceTask } from './walk.js';

const MAX_NAMED = 10;
const MAX_REPORT_KEYS = 10;

/** What the planning found on both sides. */
export interface Sides {
  sourcePin: Pin;
  targetPin: Pin;
  sourceRead: ReadPlan;
  targetRead: ReadPlan;
  maxWritePoints?: number;
  owned: boolean;
  /** Points of the target that the source does not have may be deleted. Absent: no. */
  mayDelete?: boolean;
  /** The target carries the job's stamp. Absent: no. */
  stamped?: boolean;
  nodes: number;
}

export function sidesOf(plan: CollectionPlan, prepared: PrepareTargetResult, nodes: number): Sides {
  const { sourcePin, sourceRead } = plan;
  const { targetPin, targetRead, owned, mayDelete, stamped, maxWritePoints } = prepared;
  const limit = maxWritePoints === undefined ? {} : { maxWritePoints };
  return { sourcePin, targetPin, sourceRead, targetRead, owned, mayDelete, stamped, nodes, ...limit };
}

/** Sums over the finished pages of one round. */
export interface Tally {
  source: RangeDigest;
  target: RangeDigest;
  found: Found;
  first: Difference[];
  /** Slices left different. */
  standing: number;
  slices: number;
  /** Looks at the most often looked-at slice: one digest, and each comparison. */
  passes: number;
}

interface CommonProgress {
  v: 1;
  startedAt: string;
  phase: Phase;
  plan?: CollectionPlan;
  prepared?: PrepareTargetResult;
  sides?: Sides;
  /** The target holds what was asked of it again: indexing and strict mode are restored. */
  released: boolean;
  /** When the stamp on the target was last renewed, in milliseconds of workflow time. */
  renewedAt?: number;
  /**
   * Of a target that an earlier run verified: after how many waits it still held what it held then, so that what differed
   * was the source's doing.
   */
  untouchedAfter?: number;
  /** The source has deleted points since, and nobody said that the target may lose them. */
  lacksDeletion?: boolean;
  /** How often the job has waited: for `resume`, or for its operator. */
  waits: number;
  /** The result stands, and the target's stamp says so: nothing that happens later takes it back. */
  closed?: boolean;
  /** How far the indexes were when they were no longer awaited. */
  indexing?: Indexing;
  total: number;
  copy: boolean;
  reread: boolean;
  round: number;
  /** Of the rounds before this one. */
  passes: number;
  fromKey?: number;
  page?: Page;
  tally: Tally;
  /** Points that an earlier attempt had brought over, when they are not copied again. */
  already: number;
  copied: { points: number; bytes: number; ms: number };
  verified: { points: number; ms: number };
  repaired: { upserted: number; deleted: number };
  /** The first ten that were repaired. */
  mended: Difference[];
  reportKeys: string[];
  warnings: string[];
  counts: { source: number; target: number };
  paused: boolean;
  pace: Pace;
  lastError?: string;
}

/** What an operation remembers of its own. */
export type OwnProgress =
  | { operation: 'scrollMigration' | 'verifyCollections' }
  | { operation: 'snapshotMigration'; move: MoveProgress }
  /** Without a capture until it is planned. */
  | { operation: 'fullBackup' | 'incrementalBackup'; capture?: CaptureProgress }
  | { operation: 'disasterRecovery' | 'rehearseRecovery'; recovery: RecoveryProgress };

export type CollectionProgress = CommonProgress & OwnProgress;
export type MovingProgress = Extract<CollectionProgress, { operation: 'snapshotMigration' }>;
export type RecoveringProgress = Extract<CollectionProgress, { recovery: RecoveryProgress }>;
export type BackupProgress = Extract<CollectionProgress, { operation: 'fullBackup' | 'incrementalBackup' }>;

export function newProgress<Own extends OwnProgress>(
  own: Own,
  startedAt: string,
  pace: Pace,
  paused: boolean,
): CommonProgress & Own {
  return {
    ...own,
    v: 1,
    startedAt,
    phase: 'planning',
    released: true,
    total: 0,
    copy: true,
    reread: false,
    waits: 0,
    round: 0,
    passes: 0,
    tally: newTally(),
    already: 0,
    copied: { points: 0, bytes: 0, ms: 0 },
    verified: { points: 0, ms: 0 },
    repaired: { upserted: 0, deleted: 0 },
    mended: [],
    reportKeys: [],
    warnings: [],
    counts: { source: 0, target: 0 },
    paused,
    pace,
  };
}

export function warnOnce(progress: CollectionProgress, warnings: readonly string[] = []): void {
  progress.warnings = [...new Set([...progress.warnings, ...warnings])];
}

export function newTally(): Tally {
  return {
    source: EMPTY_DIGEST,
    target: EMPTY_DIGEST,
    found: nothingFound(),
    first: [],
    standing: 0,
    slices: 0,
    passes: 0,
  };
}

/** Adds a finished page to the round's sums. */
export function closePage(tally: Tally, page: Page): Tally {
  const standing = new Set(page.standing);
  const named = page.first
    .filter((sighting) => standing.has(sighting.slice))
    .sort((a, b) => a.slice - b.slice || compareIds(a.difference.id, b.difference.id));
  return {
    source: addDigests(tally.source, ...page.source),
    target: addDigests(tally.target, ...page.target),
    found: Object.values(page.found).reduce(addFound, tally.found),
    first: [...tally.first, ...named.map((sighting) => sighting.difference)].slice(0, MAX_NAMED),
    standing: tally.standing + standing.size,
    slices: tally.slices + page.slices.length,
    passes: Math.max(tally.passes, 1 + page.pass),
  };
}

export interface ClaimedWork {
  points: number;
  bytes: number;
  upserted?: number;
  deleted?: number;
  first?: Difference[];
  reportKey?: string;
}

/** Counts what an activity returned; the cursors are `absorb`'s. */
export function countClaim(progress: CollectionProgress, slot: SliceTask, claim: ClaimedWork): void {
  if (slot.task === 'copy') {
    progress.copied.points += claim.points;
    progress.copied.bytes += claim.bytes;
  } else if (slot.task !== 'source' || progress.operation === 'fullBackup')
    progress.verified.points += claim.points;
  const written = (claim.upserted ?? 0) + (claim.deleted ?? 0);
  progress.repaired.upserted += claim.upserted ?? 0;
  progress.repaired.deleted += claim.deleted ?? 0;
  if (written > 0) progress.mended = [...progress.mended, ...(claim.first ?? [])].slice(0, MAX_NAMED);
  const key = claim.reportKey;
  if (key && !progress.reportKeys.includes(key) && progress.reportKeys.length < MAX_REPORT_KEYS) {
    progress.reportKeys.push(key);
  }
}

/** The source's digest is the one that was taken while copying: nobody has read it again. */
export function isTrusted({ copy, reread }: CollectionProgress): boolean {
  return copy && !reread;
}

/** Everything from the start once more: both sides are read anew. */
export function nextRound(progress: CollectionProgress): void {
  progress.passes += progress.tally.passes;
  progress.round += 1;
  progress.copy = false;
  progress.reread = true;
  progress.tally = newTally();
  progress.verified.points = 0;
}

/** The source or the target was written between its digest and its count. */
export function countsDisagree(progress: CollectionProgress, subset: boolean): boolean {
  const { tally, counts } = progress;
  if (counts.source !== tally.source.count) return true;
  return !subset && counts.target !== tally.target.count;
}

export function proofOf(progress: CollectionProgress, subset: boolean, configuration: string[]): Proof {
  const { tally, counts } = progress;
  const { missing, changed, extra, renormalised } = tally.found;
  const equal = tally.standing === 0 && configuration.length === 0 && !countsDisagree(progress, subset);
  return {
    equal,
    ...(subset ? { subset: true } : {}),
    source: tally.source,
    target: tally.target,
    sourceCount: counts.source,
    targetCount: counts.target,
    missing,
    changed,
    extra: subset ? 0 : extra,
    renormalised,
    configuration,
    first: tally.first,
    reportKeys: progress.reportKeys,
    passes: progress.passes + tally.passes,
  };
}
