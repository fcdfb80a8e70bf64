// How many of the neighbours that a search found once another search finds again. Pure arithmetic over what
// `recall.json` holds and what the recovered collection answers.

import type { PointId } from '../point-id.js';

export interface Neighbour {
  id: PointId;
  /** Qdrant's own; null where it was too large for a float. */
  score: number | null;
}

/** What Qdrant answered for one point: neighbours, best first. */
export interface Answers {
  exact: Neighbour[];
  approximate: Neighbour[];
}

/** Counts of neighbours; `wanted` is what the exact search had found when the backup was made. */
export interface RecallTally {
  queries: number;
  wanted: number;
  exact: number;
  approximate: number;
  atCapture: number;
}

/** Shares of the neighbours found again, 0 … 1, over so many query points. */
export interface RecallShares {
  exact: number;
  approximate: number;
  /** What the source's own approximate search found of them when the backup was made. */
  atCapture: number;
  queries: number;
}

export const NO_RECALL: RecallTally = { queries: 0, wanted: 0, exact: 0, approximate: 0, atCapture: 0 };

/** 200 neighbours, as 20 query points have them, swing by less than this. */
const NOTICEABLE = 0.05;
/** Two machines add the same floats up to results that differ in the last bits. */
const SAME_SCORE = 1e-6;

/**
 * Of the wanted neighbours, how many the answer holds. Where several points are equally near, any of them may fill the
 * last places: a stranger with the very score of one that is missing stands for it.
 */
export function foundAgain(wanted: readonly Neighbour[], answer: readonly Neighbour[]): number {
  const ids = new Set(wanted.map((one) => one.id));
  const answered = new Set(answer.map((one) => one.id));
  const strangers = answer.filter((one) => !ids.has(one.id));
  let found = 0;
  for (const { id, score } of wanted) {
    const at = answered.has(id) ? -1 : strangers.findIndex((one) => isSameScore(one.score, score));
    if (at >= 0) strangers.splice(at, 1);
    if (at >= 0 || answered.has(id)) found += 1;
  }
  return found;
}

/** One query point more: what it had found then, and what it finds now. */
export function addQuery(tally: RecallTally, then: Answers, now: Answers): RecallTally {
  return {
    queries: tally.queries + 1,
    wanted: tally.wanted + then.exact.length,
    exact: tally.exact + foundAgain(then.exact, now.exact),
    approximate: tally.approximate + foundAgain(then.exact, now.approximate),
    atCapture: tally.atCapture + foundAgain(then.exact, then.approximate),
  };
}

export function addTallies(one: RecallTally, other: RecallTally): RecallTally {
  return {
    queries: one.queries + other.queries,
    wanted: one.wanted + other.wanted,
    exact: one.exact + other.exact,
    approximate: one.approximate + other.approximate,
    atCapture: one.atCapture + other.atCapture,
  };
}

/** Undefined when nothing was asked. */
export function sharesOf({ queries, wanted, ...found }: RecallTally): RecallShares | undefined {
  if (wanted === 0) return undefined;
  const share = (count: number): number => Math.round((count / wanted) * 10_000) / 10_000;
  return {
    exact: share(found.exact),
    approximate: share(found.approximate),
    atCapture: share(found.atCapture),
    queries,
  };
}

/** The approximate search finds noticeably less than the source's own did. */
export function hasFallen({ approximate, atCapture }: RecallShares): boolean {
  return atCapture - approximate > NOTICEABLE;
}

/** "97.5 %" */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/**
 * How many points to ask of each key in turn: `left` are still wanted, and `keys` not yet asked. What a key cannot give
 * the later ones are asked for.
 */
export function fairShare(left: number, keys: number): number {
  return keys <= 0 ? 0 : Math.ceil(left / keys);
}

/** At most so many, evenly out of all of them, the first among them. */
export function spreadOver<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)] as T);
}

function isSameScore(a: number | null, b: number | null): boolean {
  if (a === null || b === null) return a === b;
  return Math.abs(a - b) <= SAME_SCORE * Math.max(Math.abs(a), Math.abs(b));
}
