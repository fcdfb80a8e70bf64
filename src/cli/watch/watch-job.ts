// Follows a job until it ends: asks Temporal for its state, shows it, and prints what the operator should know.

import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import type { JobReport } from '../../model/contracts/results.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobEnd } from '../terminal/exit-codes.js';
import {
  type CollectionView,
  type JobView,
  attentionOf,
  howFar,
  lookAtJob,
  progressOf,
  attendedIn,
  troublesIn,
} from './job-view.js';
import type { Temporal } from '../temporal.js';
import { seconds } from '../terminal/formatting.js';
import { type Patience, keepTrying } from '../terminal/keep-trying.js';
import { troublesOf } from './pending-work.js';
import type { ProgressDisplay } from './progress-display.js';
import { createTroubleWatch, unattended } from './troubles.js';

/** How often the queues are asked for workers while nothing moves. */
const QUEUES_EVERY_MS = 15_000;
const FIRST_QUEUE_CHECK_MS = 2_000;
/** A query takes up to 3 s; a control worker that is there answers the second one in a row. */
const ANSWERED_WITHIN_MS = 3_000;

export interface WatchOptions {
  temporal: Temporal;
  workflowId: string;
  patience: Patience;
  display: ProgressDisplay;
  controlQueue: string;
  dataQueues: readonly string[];
  /** How another terminal calls the command for this server; "ferry" when absent. */
  ferry?: string | undefined;
  /** Called after each look, for who wants to do more with it than show it. */
  onLook?: (view: JobView) => void;
}

/** Throws `StoppedWatching` when the patience's signal says so; the job goes on. */
export async function watchJob(options: WatchOptions): Promise<JobEnd> {
  const { temporal, workflowId, patience, display } = options;
  const handle = temporal.client.workflow.getHandle(workflowId);
  const announcer = createAnnouncer(options);
  const queues = createQueueWatch(options);
  const pauses = pausesUntilEnd(options, display.lookEveryMs);
  const troubles = createTroubleWatch(temporal, (line) => display.say(line));
  const silence = createSilenceWatch(options);
  let view: JobView | undefined;
  try {
    for (;;) {
      const now = await keepTrying(patience, () => temporal.call(() => handle.describe()));
      if (now.status.name !== 'RUNNING' && now.status.name !== 'CONTINUED_AS_NEW') break;
      const seen = await lookAtJob(temporal, workflowId, view, now);
      silence(seen !== view);
      const moved = JSON.stringify(seen) !== JSON.stringify(view);
      view = seen;
      if (view) {
        announcer(view);
        options.onLook?.(view);
      }
      display.show(progressOf(view));
      const pending = view ? troublesIn(view) : troublesOf(now, Date.now());
      await troubles(pending, attendedIn(view?.collections ?? []));
      await queues(moved);
      await pauses.next();
    }
    return await keepTrying(patience, () => temporal.call(() => endOf(handle)));
  } finally {
    pauses.stop();
    display.stop();
  }
}

/** Says each thing once: collections that ended, and what the operator should know. */
function createAnnouncer({ display, workflowId, ferry }: WatchOptions): (view: JobView) => void {
  const said = new Set<string>();
  let standing: string[] = [];
  return (view) => {
    for (const one of view.collections) {
      const line = view.collections.length > 1 ? endedLine(one) : undefined;
      if (line !== undefined && !said.has(one.workflowId)) display.say(line);
      if (line !== undefined) said.add(one.workflowId);
    }
    const attention = attentionOf(view, workflowId, ferry);
    for (const line of attention) if (!standing.includes(line)) display.say(line);
    standing = attention;
  };
}

function endedLine(view: CollectionView): string | undefined {
  if (view.state === 'waiting' || view.state === 'running') return undefined;
  const points = howFar(view);
  return `${view.collection}: ${view.state}${points === '' ? '' : `, ${points}`}`;
}

/** Says, once each time, that the job itself does not answer: its workflow lives on a control worker. */
function createSilenceWatch({ display, controlQueue }: WatchOptions): (answered: boolean) => void {
  let silentSince: number | undefined;
  let isSaid = false;
  return (answered) => {
    if (answered) [silentSince, isSaid] = [undefined, false];
    else silentSince ??= Date.now();
    const silentMs = silentSince === undefined ? 0 : Date.now() - silentSince;
    if (isSaid || silentMs < ANSWERED_WITHIN_MS) return;
    isSaid = true;
    const silence = seconds(Math.round(silentMs / 1_000));
    display.say(
      `No worker of ${controlQueue} has answered for ${silence}: the job waits for one (ferry worker --role control).`,
    );
  };
}

/** Says that nobody works, and that somebody does again; asks only while nothing moves. */
function createQueueWatch(options: WatchOptions): (moved: boolean) => Promise<void> {
  let nextAt = Date.now() + FIRST_QUEUE_CHECK_MS;
  let standing: string[] = [];
  return async (moved) => {
    if (moved) nextAt = Math.max(nextAt, Date.now() + FIRST_QUEUE_CHECK_MS);
    if (Date.now() < nextAt) return;
    nextAt = Date.now() + QUEUES_EVERY_MS;
    const lines = await unattended(options.temporal, options.controlQueue, options.dataQueues).catch(
      () => standing,
    );
    for (const line of lines) if (!standing.includes(line)) options.display.say(line);
    standing = lines;
  };
}

const FIRST_MS = 100;
const GROWTH = 1.5;
/** One call that waits for the end. */
const CALL_MS = 60_000;
const CALL_AGAIN_AFTER_MS = 1_000;

export interface Watched {
  temporal: Temporal;
  workflowId: string;
  patience: Patience;
}

export interface Pauses {
  /** Resolves after the pause, at the end of the workflow, or when the patience's signal says so. */
  next(): Promise<void>;
  stop(): void;
}

export function pausesUntilEnd({ temporal, workflowId, patience }: Watched, longestMs: number): Pauses {
  const ended = new AbortController();
  const cut = AbortSignal.any([patience.signal, ended.signal]);
  let isWanted = true;
  let pause = FIRST_MS;
  const listen = async () => {
    const handle = temporal.client.workflow.getHandle(workflowId);
    while (isWanted && !cut.aborted) {
      try {
        await temporal.call(() => handle.result().catch(unlessItFailed), CALL_MS);
        return ended.abort();
      } catch {
        await sleep(CALL_AGAIN_AFTER_MS, undefined, { ref: false });
      }
    }
  };
  void listen();
  return {
    next: async () => {
      await sleep(pause, undefined, { signal: cut }).catch(() => undefined);
      pause = Math.min(pause * GROWTH, longestMs);
    },
    stop: () => {
      isWanted = false;
    },
  };
}

/** A workflow that failed has ended, too. */
function unlessItFailed(error: unknown): void {
  if (!(error instanceof WorkflowFailedError)) throw error;
}

/** Of a workflow that is known to have ended. */
export async function endOf(handle: WorkflowHandle): Promise<JobEnd> {
  try {
    const result: unknown = await handle.result();
    return isJobReport(result) ? { report: result } : {};
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return endOfFailure(error.cause);
  }
}

export function endOfFailure(cause: unknown): JobEnd {
  if (cause instanceof ApplicationFailure) {
    const report = cause.details?.find(isJobReport);
    const error = { code: cause.type ?? 'Internal', message: cause.message };
    return report ? { error, report } : { error };
  }
  if (cause instanceof CancelledFailure) return aborted('The job was cancelled', cause.details);
  if (cause instanceof TerminatedFailure) return aborted('The job was terminated', []);
  if (cause instanceof TimeoutFailure) return aborted('The job reached the time-out it was started with', []);
  return { error: { code: 'Internal', message: cause instanceof Error ? cause.message : String(cause) } };
}

function aborted(happened: string, details: readonly unknown[] | null | undefined): JobEnd {
  const error = {
    code: 'Aborted',
    message: `${happened}. Start the same job again to continue from what is on the target.`,
  };
  const report = details?.find(isJobReport);
  return report ? { error, report } : { error };
}

export function isJobReport(value: unknown): value is JobReport {
  if (value === null || typeof value !== 'object') return false;
  const report = value as Partial<JobReport>;
  return typeof report.outcome === 'string' && Array.isArray(report.collections);
}
