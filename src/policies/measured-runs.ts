// How long the last runs of a schedule took, as Temporal has it. Promises nothing where Temporal keeps none of them any more.

import { WorkflowNotFoundError, type ScheduleDescription } from '@temporalio/client';
import { slowHint, slowText } from '../model/health/places.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { timesInterval } from '../model/policies/times-interval.js';
import type { SchedulesAt } from './ferry-schedules.js';

const MOST_RUNS = 3;

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
  try {
    const handle = at.client.workflow.getHandle(workflowId);
    const { status, startTime, closeTime } = await at.ask(() => handle.describe());
    if (status.name !== 'COMPLETED' || closeTime === undefined) return undefined;
    return (closeTime.getTime() - startTime.getTime()) / 1_000;
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
