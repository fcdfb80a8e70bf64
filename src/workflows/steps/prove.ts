// Whether the target holds what the source holds, page of slices by page, and the repairs. A round goes over all pages; when
// a side was written meanwhile (its exact count is not its digest's), another round reads both sides anew. What still differs
// at the end is in the state, for the report: it is not an error here, but parks the job where repairs were to end it. A
// target that an earlier run verified belongs to its owner: it is compared first, and written only where it still holds, bit
// for bit, what it held then. Nothing is ever deleted from it, unless the operator allowed that.

import { sameDigest } from '../../model/format/digest.js';
import {
  closePage,
  countsDisagree,
  nextRound,
  type CollectionProgress,
  type Sides,
} from '../../model/state/progress-state.js';
import { whole } from '../../model/state/steering.js';
import { newPage, nextWalk, type Page, type Rules } from '../../model/state/walk.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { awaitReplicas } from './await-ready.js';
import { leavePage, planSlices } from './digest-collection.js';
import { runWalk } from './run-walk.js';
import { renewStampIfDue } from './stamp-life.js';

const MAX_ROUNDS = 5;

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
    if (progress.waits > untouchedAfter) throw targetChanged(job);
  };
  await proveCollection({ job, sides, subset: false, mode: 'repair', afterGate });
}

/** What was written there while the job waited would be taken for what an earlier run left. */
function targetChanged({ progress, settings: { target } }: CollectionJob): Error {
  const written = progress.repaired.upserted;
  const what = `"${target.collection}" on "${target.cluster}" was verified by an earlier run, and this run had to wait while it copied what the source has changed`;
  const done = written === 0 ? 'Nothing was written' : `${whole(written)} points were written`;
  return failure(
    'TargetChanged',
    `${what}. Whether an application wrote to the target meanwhile is unknown. ${done}, nothing was deleted. If the source still leads, start it again with \`deleteExtras: true\` (\`--delete-extras\`).`,
  );
}

function modeOf(onDifference: 'repair' | 'fail', mayRemoveExtras: boolean): Proving['mode'] {
  if (onDifference === 'repair') return 'repair';
  return mayRemoveExtras ? 'removeExtras' : 'report';
}

function isEqual(progress: CollectionProgress): boolean {
  return progress.tally.standing === 0 && !countsDisagree(progress, false);
}

/** Only the source has changed: an earlier run wrote all that the target holds. */
function isUntouched({ plan, tally, counts }: CollectionProgress): boolean {
  const verified = plan?.verified;
  if (verified === undefined || counts.target !== tally.target.count) return false;
  return sameDigest(verified, tally.target);
}

export interface Proving {
  job: CollectionJob;
  sides: Sides;
  subset: boolean;
  mode: Rules['mode'];
  /** Called wherever the job may have waited, before it goes on. */
  afterGate?: () => void;
}

export async function proveCollection(proving: Proving): Promise<void> {
  const { job, subset, mode } = proving;
  for (let rounds = 1; ; rounds += 1) {
    await runRound(proving);
    await countBothSides(job);
    const moved = countsDisagree(job.progress, subset);
    if (job.progress.tally.standing === 0 && !moved) return;
    const again = moved && job.progress.tally.standing === 0 && rounds < MAX_ROUNDS;
    if (!again) {
      if (mode !== 'repair' || !(await job.park(stillDifferent(job)))) return;
      rounds = 0;
    }
    nextRound(job.progress);
  }
}

async function runRound(proving: Proving): Promise<void> {
  const { job } = proving;
  const { progress } = job;
  const rules = rulesOf(proving);
  await job.gate();
  proving.afterGate?.();
  for (;;) {
    progress.page ??= await planPage(proving, rules);
    const { page } = progress;
    await walkPage(proving, rules, page);
    progress.tally = closePage(progress.tally, page);
    leavePage(job);
    if (page.next === undefined) return;
    progress.fromKey = page.next;
  }
}

async function walkPage(proving: Proving, rules: Rules, page: Page): Promise<void> {
  const { job, sides } = proving;
  let replicasKnown = proving.mode === 'report';
  while (page.walk.length > 0) {
    if (!replicasKnown && page.walk[0]?.task !== 'copy') {
      await awaitReplicas(job);
      replicasKnown = true;
    }
    await renewStampIfDue(job);
    await runWalk({ job, sides, page, rules, afterGate: proving.afterGate });
    nextWalk(page, rules);
  }
}

async function planPage({ job, sides }: Proving, rules: Rules): Promise<Page> {
  const planned = await planSlices(job, job.settings.source, sides.sourcePin, job.progress.total);
  return newPage(planned.slices, planned.next, rules);
}

async function countBothSides(job: CollectionJob): Promise<void> {
  const count = async (collection: typeof job.settings.source) => {
    const summary = `count ${collection.collection} on ${collection.cluster}`;
    return (await runActivity('countPoints', { collection }, summary)).count;
  };
  const [source, target] = await job.retryOrPark(() =>
    Promise.all([count(job.settings.source), count(job.settings.target)]),
  );
  job.progress.counts = { source, target };
}

function rulesOf({ job, sides, subset, mode }: Proving): Rules {
  const { copy, reread } = job.progress;
  return { copy, reread, subset, mode, nodes: sides.nodes };
}

function stillDifferent(job: CollectionJob): string {
  const { source, target } = job.settings;
  return (
    `${source.collection} on ${source.cluster} and ${target.collection} on ${target.cluster} still differ ` +
    'after all passes: somebody writes to the source or the target. Stop the writers.'
  );
}
