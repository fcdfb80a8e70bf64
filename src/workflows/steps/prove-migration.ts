// The proof of a migration, and its repairs. A target that an earlier run verified belongs to its owner: it is compared
// first, and written only where it still holds, bit for bit, what it held then. Nothing is ever deleted from it, unless
// the operator said that what the source does not have may go.

import { sameDigest } from '../../model/format/digest.js';
import {
  countsDisagree,
  nextRound,
  type CollectionProgress,
  type Sides,
} from '../../model/state/progress-state.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { whole } from '../../model/state/steering.js';
import { failure } from '../runtime/failures.js';
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
  if (plan.targetState === 'known' && !deleteExtras) return proveKnown(job, sides, mode);
  await proveCollection({ job, sides, subset, mode });
}

/** Only what the source has changed or added is brought over. */
async function proveKnown(job: CollectionJob, sides: Sides, mode: Proving['mode']): Promise<void> {
  const { progress } = job;
  if (progress.untouchedAfter === undefined) {
    await proveCollection({ job, sides, subset: false, mode: 'report' });
    if (isEqual(progress) || !isUntouched(progress)) return;
    progress.untouchedAfter = progress.waits;
    progress.lacksDeletion = progress.tally.found.extra > 0;
    if (mode === 'repair' && !progress.lacksDeletion) nextRound(progress);
  }
  if (mode !== 'repair' || progress.lacksDeletion) return;
  const { untouchedAfter } = progress;
  const afterGate = () => {
    if (progress.waits > untouchedAfter) throw movedOn(job);
  };
  await proveCollection({ job, sides, subset: false, mode: 'repair', afterGate });
}

/** What was written there while the job waited would be taken for what an earlier run left. */
function movedOn({ progress, settings: { target } }: CollectionJob): Error {
  const written = progress.repaired.upserted;
  const what = `"${target.collection}" on "${target.cluster}" was verified by an earlier run, and this one waited in the middle of bringing over what the source has changed`;
  const done = written === 0 ? 'Nothing was written' : `${whole(written)} points were written`;
  return failure(
    'TargetMovedOn',
    `${what}: whether its application has written there meanwhile is not known. ${done}, nothing was deleted. If the source still leads, start it again with \`deleteExtras: true\` (\`--delete-extras\`).`,
  );
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
