// The times at which a schedule is due, as Temporal itself counts them: with its timezone, jitter and exclusions.

import type { ScheduleDescription } from '@temporalio/client';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import type { SchedulesAt } from './ferry-schedules.js';

const YEARS_AHEAD_MS = 5 * 366 * 86_400_000;

type Asked = Pick<SchedulesAt, 'client' | 'ask'>;

/** After its last action, or since it was made or changed; those to come too. */
export function dueTimes(
  at: Asked,
  { scheduleId, info }: Pick<ScheduleDescription, 'scheduleId' | 'info'>,
): Promise<Date[]> {
  const changed = info.lastUpdatedAt ?? info.createdAt;
  const answered = info.recentActions.at(-1)?.scheduledAt ?? changed;
  const fromMs = Math.max(answered.getTime(), changed.getTime()) + 1_000;
  const toMs = Math.max(fromMs, Date.now()) + YEARS_AHEAD_MS;
  return timesBetween(at, scheduleId, new Date(fromMs), new Date(toMs));
}

/** The first 1 000, for Temporal names no more. */
export async function timesBetween(
  { client, ask }: Asked,
  scheduleId: string,
  from: Date,
  to: Date,
): Promise<Date[]> {
  const asked = {
    ...{ namespace: client.options.namespace, scheduleId },
    startTime: msToTs(from.getTime()),
    endTime: msToTs(to.getTime()),
  };
  const found = await ask(() => client.workflowService.listScheduleMatchingTimes(asked));
  return found.startTime.map(tsToDate);
}
