// The one way from a workflow to an activity: time-outs, retries and queue come from the table in
// model/contracts/activity-options.ts, by the activity's name.

import { ActivityFailure, TimeoutFailure, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import {
  EXAMINATION,
  activityOptions,
  type Activities,
  type ActivityName,
  type ActivityRow,
} from '../../model/contracts/activity-options.js';

/** The queue of a cluster or a store, and how soon its workers are missed. */
export interface DataQueue {
  taskQueue: string;
  heartbeatSeconds: number;
}

/** For a report that somebody waits for: one attempt, given up when no worker takes it in time. */
interface Examined {
  taskQueue: string;
  takenWithinMs: number;
}

type Where<K extends ActivityName> = (typeof activityOptions)[K]['queue'] extends 'control'
  ? string
  : { summary: string } & (DataQueue | Examined);

type Input<K extends ActivityName> = Parameters<Activities[K]>[0];
type Result<K extends ActivityName> = Awaited<ReturnType<Activities[K]>>;

const TIMEOUTS_SURVIVED = 5;

/** `where` is the summary alone for a control activity: those run beside the workflows. */
export async function runActivity<K extends ActivityName>(
  name: K,
  input: Input<K>,
  where: Where<K>,
): Promise<Result<K>> {
  const row: ActivityRow = activityOptions[name];
  const at: At = typeof where === 'string' ? { summary: where } : where;
  const options = optionsOf(row, input, at);
  for (let timeouts = 0; ; timeouts += 1) {
    try {
      const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>(options);
      return (await activities[name]?.(input)) as Result<K>;
    } catch (error) {
      const isRepeated = row.survivesTimeouts === true && timeouts < TIMEOUTS_SURVIVED;
      if (!isRepeated || !isTimeout(error)) throw error;
    }
  }
}

/** No worker took the call, or the worker that took it did not come back with an answer. */
export function isTimeout(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}

type At = { summary: string } & Partial<DataQueue & Examined>;

function optionsOf(
  named: ActivityRow,
  input: object,
  { summary, taskQueue, heartbeatSeconds, takenWithinMs }: At,
): ActivityOptions {
  const row: ActivityRow =
    takenWithinMs === undefined ? named : { ...EXAMINATION, scheduleToStartMs: takenWithinMs };
  const { heartbeat, retry, startToCloseMs, scheduleToStartMs, plus, cancellation } = row;
  const heartbeatMs = heartbeat === 'input' ? (heartbeatSeconds ?? 30) * 1_000 : heartbeat;
  return {
    summary,
    cancellationType: cancellation,
    startToCloseTimeout: startToCloseMs + (plus === undefined ? 0 : numberIn(input, plus)),
    retry: {
      initialInterval: retry.firstMs,
      ...(retry.longestMs === undefined ? {} : { maximumInterval: retry.longestMs }),
      ...(retry.attempts === undefined ? {} : { maximumAttempts: retry.attempts }),
    },
    ...(heartbeatMs === 'none' ? {} : { heartbeatTimeout: heartbeatMs }),
    ...(taskQueue === undefined ? {} : { taskQueue }),
    ...(scheduleToStartMs === undefined ? {} : { scheduleToStartTimeout: scheduleToStartMs }),
  };
}

function numberIn(input: object, field: string): number {
  return Number((input as Record<string, unknown>)[field]);
}
