// The proof of a migration, and its repairs. A target that an earlier run verified belongs to its owner: it is compared
// first, and repaired only where it still holds, bit for bit, what it held then, or where the operator said that what
// the source does not have may be deleted.

import { sameDigest } from '../model/digest.js';
import { countsDisagree, nextRound, type CollectionProgress, type Sides } from '../model/progress-state.js';
import type { CollectionJob } from './collection-job.js';
import { failure } from './failures.js';
import { proveCollection, type Proving } from './prove-collection.js';

export interface MigrationProof {
  job: CollectionJob;
  sides: Sides;
  onDifference: 'repair' | 'fail';
  deleteExtras: boolean;
  /** The points came as snapshots of shards, which may bring deleted points back. */
  fromSnapshots?: boolean;
}

export async function proveMigration(proof: MigrationProof): Promise<void> {
  const { job, sides, onDifference, deleteExtras, fromSnapshots = false } = proof;
  const { progress } = job;
  const { plan } = progress;
  if (!plan) throw failure('Internal', 'A target was to be proved before anything was planned.');
  const subset = plan.targetState === 'merge';
  const mode = modeOf(onDifference, fromSnapshots && sides.mayDelete === true);
  if (plan.targetState === 'known' && !deleteExtras && !progress.isUntouched) {
    await proveCollection({ job, sides, subset, mode: 'report' });
    if (isEqual(progress) || !isUntouched(progress)) return;
    progress.isUntouched = true;
    if (mode === 'report') return;
    sides.mayDelete = true;
    nextRound(progress);
  }
  await proveCollection({ job, sides, subset, mode });
}

function modeOf(onDifference: 'repair' | 'fail', mayRemoveExtras: boolean): Proving['mode'] {
  if (onDifference === 'repair') return 'repair';
  return mayRemoveExtras ? 'removeExtras' : 'report';
}

function isEqual(progress: CollectionProgress): boolean {
  return progress.tally.standing === 0 && !countsDisagree(progress, false);
}

/** Only the source has moved on: whatever the target holds, an earlier run brought. */
function isUntouched({ plan, tally, counts }: CollectionProgress): boolean {
  const verified = plan?.verified;
  if (verified === undefined || counts.target !== tally.target.count) return false;
  return sameDigest(verified, tally.target);
}
