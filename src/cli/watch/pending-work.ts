// What a workflow waits for, as Temporal tells it: the last error of an activity that is tried again, which attempt it is and
// when the next one begins; a task that no worker has taken; a worker that has not been heard of. A workflow itself knows
// none of this: to it an activity has simply not answered yet.

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';

type PendingActivity = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];
type Failure = NonNullable<PendingActivity['lastFailure']>;
type Time = { seconds?: unknown; nanos?: number | null } | null | undefined;

/** One activity that fails, waits for a worker or for something else, or whose worker is silent. Times are ISO. */
export interface Trouble {
  /** "copy slice 3 of 8 of docs", or the activity's name. */
  what: string;
  activity: string;
  queue?: string;
  /** The one that runs or comes next. */
  attempt: number;
  /** Absent: tried without end. */
  mostAttempts?: number;
  /** Of the attempt before. */
  error?: { code: string; message: string };
  /** Between two attempts. */
  nextTryAt?: string;
  /** No worker has taken it since. */
  waitsSince?: string;
  /** It runs, and says what it waits for. */
  waits?: string;
  /** It was given to this worker, which was heard last at `heardAt`. */
  worker?: string;
  heardAt?: string;
}

/** A worker with a free place takes a task at once. */
const TAKEN_WITHIN_MS = 5_000;
/** Workers heartbeat every 5 s, and at the latest every 10 s. */
const HEARD_WITHIN_MS = 12_000;
// Temporal's own numbers.
const SCHEDULED = 1;
const STARTED = 2;
const LONGEST_MESSAGE = 600;

export function troublesOf(description: WorkflowExecutionDescription, now: number): Trouble[] {
  return (description.raw.pendingActivities ?? []).flatMap((activity) => troubleIn(activity, now) ?? []);
}

function troubleIn(activity: PendingActivity, now: number): Trouble | undefined {
  const attempt = activity.attempt ?? 1;
  const state: number = activity.state ?? 0;
  const error = activity.lastFailure ? errorOf(activity.lastFailure) : undefined;
  const waiting = state === SCHEDULED ? waitingOf(activity, now) : {};
  const silence = isRunning(activity) ? silenceOf(activity, now) : {};
  const { what, waits } = beatOf(activity);
  const waitsFor = isRunning(activity) && waits !== undefined ? { waits } : {};
  const isQuiet = waiting.waitsSince === undefined && silence.heardAt === undefined;
  if (!error && isQuiet && waitsFor.waits === undefined) return undefined;
  const queue = activity.activityOptions?.taskQueue?.name;
  const most = activity.maximumAttempts ?? 0;
  const name = activity.activityType?.name ?? 'an activity';
  return {
    what: what ?? name,
    activity: name,
    ...(queue ? { queue } : {}),
    attempt,
    ...(most > 0 ? { mostAttempts: most } : {}),
    ...(error ? { error } : {}),
    ...waiting,
    ...waitsFor,
    ...silence,
  };
}

function waitingOf(activity: PendingActivity, now: number): Pick<Trouble, 'nextTryAt' | 'waitsSince'> {
  const due = msOf(activity.nextAttemptScheduleTime) ?? msOf(activity.scheduledTime) ?? now;
  if (due > now) return { nextTryAt: new Date(due).toISOString() };
  return now - due < TAKEN_WITHIN_MS ? {} : { waitsSince: new Date(due).toISOString() };
}

function silenceOf(activity: PendingActivity, now: number): Pick<Trouble, 'worker' | 'heardAt'> {
  const isWatched = (msOf(activity.activityOptions?.heartbeatTimeout) ?? 0) > 0;
  if (!isWatched || isHeardOf(activity, now)) return {};
  const heardAt = new Date(heardMs(activity, now)).toISOString();
  return { worker: activity.lastWorkerIdentity ?? 'a worker', heardAt };
}

function heardMs(activity: PendingActivity, now: number): number {
  const started = msOf(activity.lastStartedTime) ?? now;
  return Math.max(started, msOf(activity.lastHeartbeatTime) ?? 0);
}

/** Its worker gave a sign of life lately. */
export function isHeardOf(activity: PendingActivity, now: number): boolean {
  return now - heardMs(activity, now) < HEARD_WITHIN_MS;
}

/** A worker has it. */
export function isRunning({ state }: PendingActivity): boolean {
  return (state as number) === STARTED;
}

function errorOf(failure: Failure): { code: string; message: string } {
  if (failure.timeoutFailureInfo) {
    const message = /heartbeat/i.test(failure.message ?? '')
      ? 'its worker ended, or lost Temporal (no heartbeat in time)'
      : 'it did not finish in time';
    return { code: 'Timeout', message };
  }
  const message = (failure.message ?? '').slice(0, LONGEST_MESSAGE);
  return { code: failure.applicationFailureInfo?.type ?? 'Internal', message };
}

/** What an activity says of itself while it runs. */
function beatOf(activity: PendingActivity): { what?: string; waits?: string } {
  const payload = activity.heartbeatDetails?.payloads?.[0];
  if (!payload) return {};
  try {
    const beat = defaultPayloadConverter.fromPayload<{ what?: unknown; waits?: unknown } | null>(payload);
    const { what, waits } = beat ?? {};
    return {
      ...(typeof what === 'string' ? { what } : {}),
      ...(typeof waits === 'string' ? { waits: waits.slice(0, LONGEST_MESSAGE) } : {}),
    };
  } catch {
    return {};
  }
}

function msOf(time: Time): number | undefined {
  if (time?.seconds === undefined || time.seconds === null) return undefined;
  const ms = Number(time.seconds) * 1_000 + (time.nanos ?? 0) / 1e6;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
