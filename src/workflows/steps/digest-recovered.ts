// The digest of a recovered collection, slice by slice, page by page, with everything a walk can: pause, pace, resume.

import { addDigests } from '../../model/format/digest.js';
import { newPage, slicesFor, type Page, type Rules } from '../../model/state/walk.js';
import type { Sides } from '../../model/state/progress-state.js';
import type { Recovery } from '../collections/recovery-state.js';
import { runActivity } from '../runtime/run-activity.js';
import { runWalk } from './run-walk.js';

const RULES: Rules = { copy: false, reread: false, subset: false, mode: 'report', nodes: 1 };

export async function digestRecovered(recovery: Recovery): Promise<void> {
  const { job, state } = recovery;
  const { progress } = job;
  if (state.digested) return;
  progress.sides ??= await sidesOf(recovery);
  for (;;) {
    progress.page ??= await planPage(recovery, progress.sides);
    const { page } = progress;
    await runWalk({ job, sides: progress.sides, page, rules: RULES });
    state.digest = addDigests(state.digest, ...page.walk.map((slot) => slot.digest));
    delete progress.page;
    delete progress.fromKey;
    if (page.next === undefined) break;
    progress.fromKey = page.next;
  }
  state.digested = true;
}

/** Only the target is looked at; both sides of the walk are the same. */
async function sidesOf({ job, written }: Recovery): Promise<Sides> {
  const both = { source: written, target: written };
  const plan = await job.retryOrPark(() =>
    runActivity('planVerification', both, `plan ${written.collection}`),
  );
  const { sourcePin, targetPin, sourceRead, targetRead } = plan;
  return { sourcePin, targetPin, sourceRead, targetRead, owned: false, nodes: 1 };
}

async function planPage({ job, written }: Recovery, sides: Sides): Promise<Page> {
  const { slices: width } = job.settings;
  const { fromKey, total } = job.progress;
  const slices = slicesFor(total, width);
  const start = fromKey === undefined ? {} : { fromKey };
  const input = { collection: written, pin: sides.targetPin, slices, ...start };
  const planned = await job.retryOrPark(() =>
    runActivity('planSlices', input, `slices of ${written.collection}`),
  );
  const page = newPage(planned.slices, planned.next, RULES);
  page.walk = page.walk.filter((slot) => slot.task === 'target');
  return page;
}
