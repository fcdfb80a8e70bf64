// Runs the tasks of a walk until all are done, as many at a time as the input says, each repeating its activity from the
// returned cursor. Pause, abort, a new limit and the failure of one task cancel the others; what they have done is kept.

import { countClaim, type Sides } from '../../model/state/progress-state.js';
import { isPaced } from '../../model/state/steering.js';
import {
  MAX_PASSES,
  absorb,
  absorbComparison,
  type Page,
  type Rules,
  type SliceTask,
} from '../../model/state/walk.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { runActivity } from '../runtime/run-activity.js';
import { SLICES, runBatch, type Slot } from '../runtime/run-batch.js';
import { renewStampIfDue } from './stamp-life.js';

/** With a limit the shares are divided again each minute, because slots become idle. */
const PACED_BUDGET_MS = 60_000;

export interface WalkContext {
  job: CollectionJob;
  sides: Sides;
  page: Page;
  rules: Rules;
  afterGate?: (() => void) | undefined;
}

export async function runWalk(context: WalkContext): Promise<void> {
  const { job, page, afterGate } = context;
  job.enter(phaseOf(context));
  await runBatch(job, {
    policy: SLICES,
    pending: () => page.walk.filter((task) => !task.done),
    width: () => job.settings.slices,
    around: (round) => {
      afterGate?.();
      return round();
    },
    work: (task, slot) => finish(context, task, slot),
    clock: page.walk[0]?.task === 'copy' ? job.progress.copied : job.progress.verified,
  });
}

/** Repeats the task's activity from the returned cursor until the slice is done. */
async function finish(context: WalkContext, task: SliceTask, slot: Slot): Promise<void> {
  while (!task.done && !slot.mustStop()) {
    await renewStampIfDue(context.job);
    await advance(context, task, slot);
    context.job.show();
  }
}

async function advance(context: WalkContext, task: SliceTask, slot: Slot): Promise<void> {
  const { job, page, sides } = context;
  const { source, target, dataQueue, heartbeatSeconds } = job.settings;
  const work = workOf(context, task, slot);
  const where = { taskQueue: dataQueue, heartbeatSeconds, summary: work.what };
  const { sourcePin, targetPin, sourceRead, targetRead } = sides;
  const writes = sides.maxWritePoints === undefined ? {} : { maxWritePoints: sides.maxWritePoints };
  switch (task.task) {
    case 'copy': {
      const input = { ...work, source, target, sourcePin, targetPin, sourceRead, ...writes };
      const claim = await runActivity('copySlice', input, where);
      countClaim(job.progress, task, claim);
      return absorb(task, claim);
    }
    case 'source':
    case 'target': {
      const side =
        task.task === 'source'
          ? { side: source, pin: sourcePin, read: sourceRead }
          : { side: target, pin: targetPin, read: targetRead };
      const claim = await runActivity('digestSlice', { ...work, ...side }, where);
      countClaim(job.progress, task, claim);
      return absorb(task, claim);
    }
    case 'compare': {
      const both = { source, target, sourcePin, targetPin, sourceRead, targetRead };
      const input = { ...work, ...both, ...writes, ...comparison(context, task) };
      const claim = await runActivity('compareSlice', input, where);
      countClaim(job.progress, task, claim);
      return absorbComparison(page, task, claim);
    }
  }
}

function workOf({ job, page }: WalkContext, task: SliceTask, slot: Slot) {
  const { settings, steering } = job;
  const pace = steering.state.pace;
  const budgetMs = isPaced(pace) ? Math.min(settings.budgetMs, PACED_BUDGET_MS) : settings.budgetMs;
  return {
    what: describe(task, page, settings.source.collection),
    slice: page.slices[task.slice] ?? {},
    ...(task.cursor === undefined ? {} : { cursor: task.cursor }),
    ...slot.pace(),
    budgetMs,
    batchBytes: settings.batchBytes,
    lane: task.node ?? slot.number,
    stallAfterAttempts: settings.stallAfterAttempts,
  };
}

function comparison({ job, page, sides, rules }: WalkContext, task: SliceTask) {
  const mayDelete = rules.mode !== 'report' && sides.mayDelete === true;
  const extras = rules.subset ? ('ignore' as const) : mayDelete ? ('delete' as const) : ('report' as const);
  const { target } = job.settings;
  return {
    mode: rules.mode,
    extras,
    report: {
      job: job.id,
      collection: target.collection,
      pass: job.progress.round * MAX_PASSES + page.pass,
      slice: job.progress.tally.slices + task.slice,
    },
    recheckAfterMs: job.settings.recheckAfterMs,
  };
}

/** "copy slice 3 of 8 of docs": the activity's summary, and in its heartbeat. */
function describe(task: SliceTask, page: Page, collection: string): string {
  const node = task.node === undefined ? '' : ` on node ${task.node + 1}`;
  return `${verbs[task.task]} slice ${task.slice + 1} of ${page.slices.length} of ${collection}${node}`;
}

const verbs: Record<SliceTask['task'], string> = {
  copy: 'copy',
  source: 'digest source of',
  target: 'digest target of',
  compare: 'compare',
};

function phaseOf({ page, rules }: WalkContext) {
  const task = page.walk[0]?.task;
  if (task === 'copy') return 'copying';
  return task === 'compare' && rules.mode !== 'report' ? 'repairing' : 'verifying';
}
