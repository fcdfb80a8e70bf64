// How long the last runs of a schedule took and how they ended, as Temporal has it. Promises nothing where Temporal keeps none
// of them any more.

import {
  WorkflowNotFoundError,
  type ScheduleDescription,
  type WorkflowExecutionDescription,
} from '@temporalio/client';
import { slowHint, slowText } from '../model/health/places.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { timesInterval } from '../model/policies/times-interval.js';
import type { SchedulesAt } from './ferry-schedules.js';

const MOST_RUNS = 3;
/** Not those that somebody cancelled or terminated. */
const FAILED = ['FAILED', 'TIMED_OUT'];

/** The longest of its last runs that completed, in seconds; one that failed early says nothing of the time that it takes. */
export async function longestRunSeconds(
  at: Pick<SchedulesAt, 'client' | 'ask'>,
  { info }: Pick<ScheduleDescription, 'info'>,
): Promise<number | undefined> {
  const last = info.recentActions.slice(-MOST_RUNS);
  const seconds = await Promise.all(last.map(({ action }) => runSeconds(at, action.workflow.workflowId)));
  const known = seconds.filter((one) => one !== undefined);
  return known.length === 0 ? undefined : Math.round(Math.max(...known));
}

/** The newest of its last runs that has ended, where it failed: the id of its workflow. */
export async function failedRun(
  at: Pick<SchedulesAt, 'client' | 'ask'>,
  { info }: Pick<ScheduleDescription, 'info'>,
): Promise<string | undefined> {
  const last = info.recentActions.slice(-MOST_RUNS).map(({ action }) => action.workflow.workflowId);
  for (const workflowId of last.reverse()) {
    const run = await described(at, workflowId);
    if (run?.closeTime === undefined) continue;
    return FAILED.includes(run.status.name) ? workflowId : undefined;
  }
  return undefined;
}

/** What `apply` says of increments that took longer than the interval that ferry.yaml gives them. */
export async function slowIncrements(
  at: Pick<SchedulesAt, 'client' | 'ask'>,
  wanted: readonly PolicySchedule[],
  found: readonly ScheduleDescription[],
): Promise<string[]> {
  const notes: string[] = [];
  for (const { scheduleId, policy, job, times, definition } of wanted) {
    const known = job === 'incremental' ? found.find((one) => one.scheduleId === scheduleId) : undefined;
    const seconds = known && (await longestRunSeconds(at, known));
    const interval = timesInterval(times);
    if (seconds === undefined || interval === undefined || seconds <= interval) continue;
    notes.push(`${policy}: ${slowText(scheduleId, seconds, interval)} ${slowHint(detectOf(definition))}`);
  }
  return notes;
}

function detectOf({ incremental }: PolicySchedule['definition']): 'digest' | 'field' {
  return (typeof incremental === 'object' ? incremental.detect : undefined) ?? 'digest';
}

async function runSeconds(
  at: Pick<SchedulesAt, 'client' | 'ask'>,
  workflowId: string,
): Promise<number | undefined> {
  const run = await described(at, workflowId);
  if (run?.status.name !== 'COMPLETED' || run.closeTime === undefined) return undefined;
  return (run.closeTime.getTime() - run.startTime.getTime()) / 1_000;
}

async function described(
  at: Pick<SchedulesAt, 'client' | 'ask'>,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await at.ask(() => at.client.workflow.getHandle(workflowId).describe());
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Its history was removed, after the time that the namespace keeps them. */
export function isNotFound(error: unknown): boolean {
  if (error instanceof WorkflowNotFoundError) return true;
  return error instanceof Error && 'code' in error && error.code === 'JobNotFound';
}
