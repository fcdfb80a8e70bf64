// Runs the tasks of a walk until all are done: as many lanes as the input says, each repeating its activity from the
// returned cursor. Pause, abort, a new pace and the failure of one lane call the others back; their claims are kept.

import { isCancellation } from '@temporalio/workflow';
import { countClaim, type Sides } from '../../model/state/progress-state.js';
import { isPaced, sharePace } from '../../model/state/steering.js';
import {
  MAX_PASSES,
  absorb,
  absorbComparison,
  type Page,
  type Rules,
  type Slot,
} from '../../model/state/walk.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { lanes } from '../runtime/lanes.js';
import { runActivity } from '../runtime/run-activity.js';
import { renewStampIfDue } from './stamp-life.js';

/** With a pace the shares are divided anew each minute, as lanes come to their end. */
const PACED_BUDGET_MS = 60_000;

export interface WalkContext {
  job: CollectionJob;
  sides: Sides;
  page: Page;
  rules: Rules;
  afterGate?: (() => void) | undefined;
}

export async function runWalk(context: WalkContext): Promise<void> {
  const { job, page } = context;
  job.enter(phaseOf(context));
  await job.retryOrPark(async () => {
    while (page.walk.some((slot) => !slot.done)) {
      await job.gate();
      context.afterGate?.();
      await leg(context);
    }
  });
}

async function leg(context: WalkContext): Promise<void> {
  const { job, page } = context;
  const pending = page.walk.filter((slot) => !slot.done);
  const width = Math.min(job.settings.slices, pending.length);
  const began = Date.now();
  try {
    await job.steering.interruptible(async (scope) => {
      const stops = () => scope.consideredCancelled || job.mustStop();
      const work = (slot: Slot, lane: number, running: () => number) =>
        advance(context, slot, lane, running, stops);
      await lanes(pending, width, work, () => scope.cancel());
    });
  } finally {
    const clock = page.walk[0]?.task === 'copy' ? job.progress.copied : job.progress.verified;
    clock.ms += Date.now() - began;
  }
}

async function advance(
  context: WalkContext,
  slot: Slot,
  lane: number,
  running: () => number,
  stops: () => boolean,
): Promise<void> {
  while (!slot.done && !stops()) {
    try {
      await renewStampIfDue(context.job);
      await runSlot(context, slot, lane, running());
    } catch (error) {
      if (!isCancellation(error) || !stops()) throw error;
    }
    context.job.show();
  }
}

async function runSlot(context: WalkContext, slot: Slot, lane: number, running: number): Promise<void> {
  const { job, page, sides } = context;
  const { source, target, dataQueue, heartbeatSeconds } = job.settings;
  const work = slotWork(context, slot, lane, running);
  const where = { taskQueue: dataQueue, heartbeatSeconds, summary: work.what };
  const { sourcePin, targetPin, sourceRead, targetRead } = sides;
  const writes = sides.maxWritePoints === undefined ? {} : { maxWritePoints: sides.maxWritePoints };
  switch (slot.task) {
    case 'copy': {
      const input = { ...work, source, target, sourcePin, targetPin, sourceRead, ...writes };
      const claim = await runActivity('copySlice', input, where);
      countClaim(job.progress, slot, claim);
      return absorb(slot, claim);
    }
    case 'source':
    case 'target': {
      const side =
        slot.task === 'source'
          ? { side: source, pin: sourcePin, read: sourceRead }
          : { side: target, pin: targetPin, read: targetRead };
      const claim = await runActivity('digestSlice', { ...work, ...side }, where);
      countClaim(job.progress, slot, claim);
      return absorb(slot, claim);
    }
    case 'compare': {
      const both = { source, target, sourcePin, targetPin, sourceRead, targetRead };
      const input = { ...work, ...both, ...writes, ...comparison(context, slot) };
      const claim = await runActivity('compareSlice', input, where);
      countClaim(job.progress, slot, claim);
      return absorbComparison(page, slot, claim);
    }
  }
}

function slotWork({ job, page }: WalkContext, slot: Slot, lane: number, running: number) {
  const { settings, steering } = job;
  const pace = steering.state.pace;
  const budgetMs = isPaced(pace) ? Math.min(settings.budgetMs, PACED_BUDGET_MS) : settings.budgetMs;
  return {
    what: describe(slot, page, settings.source.collection),
    slice: page.slices[slot.slice] ?? {},
    ...(slot.cursor === undefined ? {} : { cursor: slot.cursor }),
    ...sharePace(pace, running),
    budgetMs,
    batchBytes: settings.batchBytes,
    lane: slot.node ?? lane,
    stallAfterAttempts: settings.stallAfterAttempts,
  };
}

function comparison({ job, page, sides, rules }: WalkContext, slot: Slot) {
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
      slice: job.progress.tally.slices + slot.slice,
    },
    recheckAfterMs: job.settings.recheckAfterMs,
  };
}

/** "copy slice 3 of 8 of docs": the activity's summary, and in its heartbeat. */
function describe(slot: Slot, page: Page, collection: string): string {
  const node = slot.node === undefined ? '' : ` on node ${slot.node + 1}`;
  return `${verbs[slot.task]} slice ${slot.slice + 1} of ${page.slices.length} of ${collection}${node}`;
}

const verbs: Record<Slot['task'], string> = {
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
