// The times at which a schedule is due, as Temporal itself counts them: with its timezone, jitter and exclusions.

import type { ScheduleDescription } from '@temporalio/client';
import { msToTs, tsToDate } from '@temporalio/common/lib/time.js';
import type { SchedulesAt } from '../policies/ferry-schedules.js';

const YEARS_AHEAD_MS = 5 * 366 * 86_400_000;

/** After its last action, or since it was made or changed; those to come too. Temporal names at most 1 000. */
export async function dueTimes(
  { client, ask }: Pick<SchedulesAt, 'client' | 'ask'>,
  { scheduleId, info }: Pick<ScheduleDescription, 'scheduleId' | 'info'>,
): Promise<Date[]> {
  const changed = info.lastUpdatedAt ?? info.createdAt;
  const answered = info.recentActions.at(-1)?.scheduledAt ?? changed;
  const fromMs = Math.max(answered.getTime(), changed.getTime()) + 1_000;
  const asked = {
    ...{ namespace: client.options.namespace, scheduleId },
    startTime: msToTs(fromMs),
    endTime: msToTs(Math.max(fromMs, Date.now()) + YEARS_AHEAD_MS),
  };
  const found = await ask(() => client.workflowService.listScheduleMatchingTimes(asked));
  return found.startTime.map(tsToDate);
}
