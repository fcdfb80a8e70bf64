// What Temporal tells of a schedule, as the verdict takes it. Its interval is the longest pause between the times that come
// next: a schedule of working days is not silent at the weekend.

import type { ScheduleDescription } from '@temporalio/client';
import type { ScheduleFacts } from '../model/health/places.js';

const MOST_RUNNING = 5;

export type TemporalSchedule = Pick<ScheduleDescription, 'scheduleId' | 'state' | 'info'>;

export function scheduleFacts(
  { scheduleId, state, info }: TemporalSchedule,
  policy: string,
  increments?: ScheduleFacts['increments'],
): ScheduleFacts {
  const last = info.recentActions.at(-1)?.takenAt;
  const [next] = info.nextActionTimes;
  const intervalSeconds = intervalOf(info.nextActionTimes);
  const since = info.lastUpdatedAt ?? info.createdAt;
  return {
    ...{ schedule: scheduleId, policy, paused: state.paused },
    ...(last === undefined ? {} : { lastActionAt: last.toISOString() }),
    ...(next === undefined ? {} : { nextActionAt: next.toISOString() }),
    ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
    ...(increments === undefined ? {} : { increments }),
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    running: info.runningActions.slice(0, MOST_RUNNING).map(({ workflow }) => workflow.workflowId),
    since: since.toISOString(),
  };
}

function intervalOf(times: readonly Date[]): number | undefined {
  const gaps = times.slice(1).map((time, at) => time.getTime() - (times[at]?.getTime() ?? 0));
  return gaps.length === 0 ? undefined : Math.round(Math.max(...gaps) / 1_000);
}
