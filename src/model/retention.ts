// Which backups a prune removes, and why: a function of the policy, the time, and what is known of each backup. The rules
// are restic's (`forget`), with what a database needs besides. Promises, whatever the policy says:
//
//   - The newest `minimum` usable backups of each collection of each cluster stay, and so do the newest proved one and the newest
//     one that recorded its digest.
//   - Only usable backups count. One that failed, is partial, or is damaged never takes the place of a good one.
//   - What a kept backup is based on stays; so does what is pinned, locked, younger than a day, or of a newer ferry.
//   - A greater keep value never removes what a smaller one kept, and no cluster's backups decide about another's.
//
// A backup has two times: the one that it says, by the clock of its worker, and the one at which the store wrote it. The
// rules are applied by each of them, and what either keeps is kept: a worker whose clock was slow makes a backup look
// old, and a store that was copied makes all of them look new. One that says it began after it was stored is dated in the
// future: when it was taken is not known, so it is kept and counts for nothing.

import type { CollectionBackup } from './contracts/backup-catalogue.js';
import { PERIOD_RULES, periodsIn } from './retention-periods.js';

export const MINIMUM_KEPT = 2;
export const UNUSABLE_AFTER_DAYS = 7;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Clocks of workers and stores differ by this much without anybody being to blame. */
const CLOCK_SKEW_MS = 5 * 60_000;

export interface RetentionPolicy {
  /** The newest ones. */
  keepLast?: number | undefined;
  /** All within so many hours, or days, of the newest one: not of now, or a pause of the backups would remove them all. */
  keepHours?: number | undefined;
  keepDays?: number | undefined;
  /** The last one of each of the newest so many periods that have one. */
  keepHourly?: number | undefined;
  keepDaily?: number | undefined;
  keepWeekly?: number | undefined;
  keepMonthly?: number | undefined;
  keepYearly?: number | undefined;
  /** Default 2. */
  minimum?: number | undefined;
  /** Of the periods: an IANA name. Default UTC. */
  timezone?: string | undefined;
  /** Incomplete, partial and damaged backups are removed after so many days. Default 7. */
  unusableAfterDays?: number | undefined;
}

/** The backup of one collection in one run. */
export interface RetainedBackup {
  backup: string;
  collection: string;
  /** Peers of the cluster; empty where they are not known. */
  identity: readonly string[];
  state: CollectionBackup['state'];
  /** By the clock of the worker that took it. */
  startedAt: Date;
  /** When the store wrote the last document of the run, by the clock of the store. */
  storedAt: Date;
  /** The backup that it cannot be recovered without; `unknown` where a newer ferry may name one. */
  base?: { backup: string } | 'unknown';
  /** By a proof beside the manifest: rehearsed, or taken of a quiet source. */
  isProved?: boolean;
  /** A backup by points whose digest stands in the manifest. */
  isRecorded?: boolean;
  isPinned?: boolean;
  /** Why the store refuses to delete it. */
  lockedBy?: string | undefined;
  /** The job that reads it. */
  readBy?: string | undefined;
}

export interface RetentionDecision {
  keep: boolean;
  /** All of them, the most important first. */
  reasons: string[];
}

/** Adds reasons to what is kept; a backup without any is removed. */
type Keep = (backup: Known, reason: string) => void;

/** With its times as numbers. */
interface Known {
  of: RetainedBackup;
  startedAt: number;
  storedAt: number;
  isUsable: boolean;
}

/** One decision for each backup, in their order. `now` is the store's time. */
export function planRetention(
  policy: RetentionPolicy,
  now: Date,
  backups: readonly RetainedBackup[],
): RetentionDecision[] {
  const reasons = new Map<RetainedBackup, string[]>(backups.map((backup) => [backup, []]));
  const removals = new Map<RetainedBackup, string>();
  const keep: Keep = ({ of }, reason) => {
    const known = reasons.get(of);
    if (known && !known.includes(reason)) known.push(reason);
  };
  for (const ofCollection of grouped(backups, ({ collection }) => collection).values()) {
    const all = ofCollection.map((of) => knownOf(of, now));
    for (const ofCluster of clustersOf(all)) {
      keepByItself(ofCluster, now, keep);
      keepByRules(policy, ofCluster, keep);
      noteUnusable(policy, ofCluster, now, { keep, removals });
    }
    keepBases(all, ({ of }) => (reasons.get(of) ?? []).length > 0, keep);
  }
  return backups.map((backup) => {
    const why = reasons.get(backup) ?? [];
    if (why.length > 0) return { keep: true, reasons: why };
    return { keep: false, reasons: [removals.get(backup) ?? 'no rule keeps it'] };
  });
}

function knownOf(of: RetainedBackup, now: Date): Known {
  const [startedAt, storedAt] = [of.startedAt.getTime(), of.storedAt.getTime()];
  const isFuture = startedAt > storedAt + CLOCK_SKEW_MS || storedAt > now.getTime() + CLOCK_SKEW_MS;
  return { of, startedAt, storedAt, isUsable: of.state === 'complete' && !isFuture };
}

// ---- what stays whatever the policy says ----------------------------------------------------------------------------

function keepByItself(all: readonly Known[], now: Date, keep: Keep): void {
  for (const one of all) {
    const { isPinned, lockedBy, readBy, state } = one.of;
    if (isPinned) keep(one, 'pinned');
    if (readBy !== undefined) keep(one, `being read by ${readBy}`);
    if (lockedBy !== undefined) keep(one, lockedBy);
    if (state === 'tooNew') keep(one, 'written by a newer ferry');
    if (state === 'archived') keep(one, 'archived: it cannot be examined before it is restored');
    if (state === 'otherCluster') keep(one, 'of another cluster than its run');
    if (state === 'complete' && !one.isUsable) keep(one, 'dated in the future: reported, never preferred');
    if (now.getTime() - one.storedAt < DAY_MS) keep(one, 'younger than a day');
  }
}

/** Whatever is kept, for whatever reason, keeps its base, and that the next one. */
function keepBases(all: readonly Known[], isKept: (one: Known) => boolean, keep: Keep): void {
  const byBackup = new Map(all.map((one) => [one.of.backup, one]));
  const pending = all.filter(isKept);
  let needsOlder: Known | undefined;
  for (let one = pending.pop(); one !== undefined; one = pending.pop()) {
    const { base, backup } = one.of;
    if (base === 'unknown' && (needsOlder === undefined || one.storedAt > needsOlder.storedAt))
      needsOlder = one;
    const needed = typeof base === 'object' ? byBackup.get(base.backup) : undefined;
    if (needed === undefined) continue;
    if (!isKept(needed)) pending.push(needed);
    keep(needed, `base of ${backup}`);
  }
  if (needsOlder === undefined) return;
  for (const one of all) {
    if (one === needsOlder || one.storedAt > needsOlder.storedAt) continue;
    keep(one, `perhaps the base of ${needsOlder.of.backup}, which a newer ferry wrote`);
  }
}

// ---- the policy -----------------------------------------------------------------------------------------------------

type TimeOf = (one: Known) => number;

function keepByRules(policy: RetentionPolicy, all: readonly Known[], keep: Keep): void {
  const usable = all.filter((one) => one.isUsable);
  for (const timeOf of [({ startedAt }: Known) => startedAt, ({ storedAt }: Known) => storedAt]) {
    const newestFirst = [...usable].sort((a, b) => timeOf(b) - timeOf(a) || byName(b, a));
    keepNewest(policy, newestFirst, keep);
    keepWithin(policy, newestFirst, timeOf, keep);
    keepPeriods(policy, newestFirst, timeOf, keep);
  }
}

function byName(a: Known, b: Known): number {
  if (a.of.backup === b.of.backup) return 0;
  return a.of.backup < b.of.backup ? -1 : 1;
}

function keepNewest({ keepLast = 0, minimum }: RetentionPolicy, newestFirst: readonly Known[], keep: Keep) {
  const least = leastOf(minimum);
  for (const one of newestFirst.slice(0, keepLast)) keep(one, `keepLast: one of the newest ${keepLast}`);
  for (const one of newestFirst.slice(0, least)) keep(one, `minimum: one of the newest ${least} usable ones`);
  const proved = newestFirst.find(({ of }) => of.isProved);
  if (proved) keep(proved, 'the newest proved one');
  // Not in place of the other: in a chain the newest link always has one.
  const recorded = newestFirst.find(({ of }) => of.isRecorded);
  if (recorded) keep(recorded, 'the newest one with a recorded digest');
}

function leastOf(minimum = MINIMUM_KEPT): number {
  return Math.max(1, minimum);
}

function keepWithin(
  { keepHours, keepDays }: RetentionPolicy,
  newestFirst: readonly Known[],
  timeOf: TimeOf,
  keep: Keep,
): void {
  const [newest] = newestFirst;
  if (newest === undefined) return;
  for (const one of newestFirst) {
    const age = timeOf(newest) - timeOf(one);
    if (age <= (keepHours ?? -1) * HOUR_MS) keep(one, `keepHours: within ${keepHours} hours of the newest`);
    if (age <= (keepDays ?? -1) * DAY_MS) keep(one, `keepDays: within ${keepDays} days of the newest`);
  }
}

function keepPeriods(
  policy: RetentionPolicy,
  newestFirst: readonly Known[],
  timeOf: TimeOf,
  keep: Keep,
): void {
  const periodOf = periodsIn(policy.timezone);
  for (const rule of PERIOD_RULES) {
    let left = policy[rule] ?? 0;
    let last: string | undefined;
    for (const one of newestFirst) {
      if (left === 0) break;
      const { id, name } = periodOf(rule, timeOf(one));
      if (id === last) continue;
      last = id;
      left -= 1;
      keep(one, `${rule}: the last of ${name}`);
    }
  }
}

// ---- what cannot be used ----------------------------------------------------------------------------------------------

/** An incomplete one goes once it is old; one that holds something only when there are enough newer good ones. */
function noteUnusable(
  policy: RetentionPolicy,
  all: readonly Known[],
  now: Date,
  { keep, removals }: { keep: Keep; removals: Map<RetainedBackup, string> },
): void {
  const days = policy.unusableAfterDays ?? UNUSABLE_AFTER_DAYS;
  const least = leastOf(policy.minimum);
  const newest = all.filter((one) => one.isUsable).sort((a, b) => b.storedAt - a.storedAt);
  const replacedBefore = newest[least - 1]?.storedAt ?? -Infinity;
  for (const one of all) {
    const { state } = one.of;
    if (state !== 'incomplete' && state !== 'damaged' && state !== 'partial') continue;
    const isOld = now.getTime() - one.storedAt > days * DAY_MS;
    const isReplaced = state === 'incomplete' || one.storedAt < replacedBefore;
    if (!isOld) keep(one, `${state}, for less than ${days} days`);
    else if (!isReplaced) keep(one, `${state}, and fewer than ${least} newer ones are usable`);
    else removals.set(one.of, `${state}, for more than ${days} days`);
  }
}

// ---- groups -----------------------------------------------------------------------------------------------------------

function grouped<T, K>(all: readonly T[], keyOf: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}

/** Peers of a cluster come and go: backups that share one, or are linked by others that do, are of one cluster. */
function clustersOf(all: readonly Known[]): Known[][] {
  const parent = new Map<string, string>();
  const rootOf = (peer: string): string => {
    let root = peer;
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
    for (let at = peer; at !== root;) {
      const up = parent.get(at) ?? root;
      parent.set(at, root);
      at = up;
    }
    return root;
  };
  for (const { of } of all) {
    const [first, ...others] = of.identity;
    for (const peer of others) {
      const [a, b] = [rootOf(first ?? peer), rootOf(peer)];
      if (a !== b) parent.set(b, a);
    }
  }
  return [...grouped(all, ({ of: { identity } }) => identity[0] && rootOf(identity[0])).values()];
}
