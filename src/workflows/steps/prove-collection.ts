// Copies what is to be copied and proves that the target holds what the source holds, page of slices by page. A round
// goes over all pages; when a side was written meanwhile (its exact count is not its digest's), another round reads
// both sides anew. Ends with the state telling the verdict: what still differs is not an error here.

import { countsDisagree, closePage, nextRound, type Sides } from '../../model/state/progress-state.js';
import { newPage, nextWalk, slicesFor, type Page, type Rules } from '../../model/state/walk.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { runWalk } from './run-walk.js';
import { renewStampIfDue } from './stamp-life.js';

const MAX_ROUNDS = 5;
const REPLICAS_WAIT_MS = 10 * 60_000;

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
    delete progress.page;
    delete progress.fromKey;
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
  const { source, slices: width } = job.settings;
  const { fromKey, total } = job.progress;
  const slices = slicesFor(total, width);
  const start = fromKey === undefined ? {} : { fromKey };
  const input = { collection: source, pin: sides.sourcePin, slices, ...start };
  const planned = await job.retryOrPark(() =>
    runActivity('planSlices', input, `slices of ${source.collection}`),
  );
  return newPage(planned.slices, planned.next, rules);
}

export async function awaitReplicas(job: CollectionJob): Promise<void> {
  const { target } = job.settings;
  const input = { target, waitMs: REPLICAS_WAIT_MS, replicasOnly: true };
  for (;;) {
    const answer = await job.retryOrPark(() =>
      runActivity('awaitReady', input, `replicas of ${target.collection} Active`),
    );
    if (answer.ready) return;
    const why = `The replicas of ${target.collection} on ${target.cluster} are not all Active: ${answer.reason ?? 'unknown'}.`;
    if (!(await job.park(why))) throw failure('ReplicaNotActive', why);
  }
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
    'after all passes: the source is being written, or somebody else writes to the target. Stop the writers.'
  );
}
