// Whether the points of a recovered collection are those of its backup: by their count, and by their digest.

import type { RecoveryPlan } from '../contracts/recovery-activities.js';
import { sameDigest, type RangeDigest } from '../format/digest.js';
import type { RecoveryProgress } from './recovery-progress.js';
import { whole } from './steering.js';

export interface CountVerdict {
  expected: number;
  /** What the collection holds instead; absent where the count is right. */
  differs?: string;
  warning?: string;
}

/** `proof`: absent where there is none, or it is to be ignored. */
export function judgeCount(
  count: number,
  { points, isUncounted, ids }: RecoveryPlan,
  proof: RecoveryPlan['proof'],
  lacking: RecoveryProgress['missing'],
): CountVerdict {
  const expected = ids ?? (isUncounted ? count : points);
  const missing = lacking?.count ?? 0;
  // Of a rehearsed backup that was being written, the same points were missing when it was rehearsed.
  if (proof && proof.digest.count !== count) {
    const differs = `${whole(count)} points, and the proof has ${whole(proof.digest.count)}${missingText(lacking)}`;
    return { expected, differs };
  }
  if (count === 0 && expected > missing)
    return { expected, differs: `no point, and the backup counted ${whole(expected)}` };
  if (ids !== undefined && count !== ids - missing) {
    return {
      expected,
      differs: `${whole(count)} points, and the backup's id set leaves ${whole(ids - missing)}`,
    };
  }
  if (missing > 0) return { expected, warning: writtenLater(missing) };
  if (proof || count === expected) return { expected };
  const counted = `${whole(count)} points were recovered and ${whole(points)} were counted when the backup began`;
  return { expected, warning: `${counted}: the collection was being written.` };
}

/** What the collection holds instead of what was proved; undefined where it is the same. */
export function judgeDigest(digest: RangeDigest, proof: RecoveryPlan['proof']): string | undefined {
  if (!proof || sameDigest(digest, proof.digest)) return undefined;
  return `the digest ${digest.sum}, and the proof has ${proof.digest.sum}`;
}

export function returnedText(count: number): string {
  const what = 'that the snapshots brought back';
  return count === 1
    ? `1 point ${what} was removed: it had been deleted before the backup ended.`
    : `${whole(count)} points ${what} were removed: they had been deleted before the backup ended.`;
}

export function differentSettingsText(name: string, points: number, differences: readonly string[]): string {
  const recovered = `All ${whole(points)} points of ${name} were recovered`;
  return `${recovered}, and its settings differ from the backup's: ${differences.join('; ')}`;
}

function missingText(missing: RecoveryProgress['missing']): string {
  if (missing === undefined || missing.count === 0) return '';
  const { count, ids } = missing;
  const more = count > ids.length ? `, and ${whole(count - ids.length)} more` : '';
  return `; missing are the points ${ids.join(', ')}${more}`;
}

function writtenLater(count: number): string {
  return count === 1
    ? '1 point is not in the backup: it was written after its shard was captured.'
    : `${whole(count)} points are not in the backup: they were written after their shard was captured.`;
}
