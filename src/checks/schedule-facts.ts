// What Temporal tells of a schedule, as the verdict takes it. Its interval is the longest pause from the time that was due
// last to those that come next: the last check on a Friday knows of the weekend.

import type { ScheduleDescription } from '@temporalio/client';
import type { ScheduleFacts } from '../model/health/places.js';

const MOST_RUNNING = 5;
/** As many as it takes to count one interval and a half. */
const MOST_DUE = 2;

/** What its description does not hold. */
export interface RunFacts {
  due: readonly Date[];
  increments?: ScheduleFacts['increments'];
  failed?: ScheduleFacts['failed'] | undefined;
}

export type TemporalSchedule = Pick<ScheduleDescription, 'scheduleId' | 'state' | 'info'>;

export function scheduleFacts(
  { scheduleId, state, info }: TemporalSchedule,
  policy: string,
  { due, increments, failed }: RunFacts,
): ScheduleFacts {
  const [action, [next]] = [info.recentActions.at(-1), info.nextActionTimes];
  const last = action?.takenAt;
  const dueLast = due.filter((time) => next !== undefined && time < next).at(-1) ?? action?.scheduledAt;
  const intervalSeconds = intervalOf([...(dueLast ? [dueLast] : []), ...info.nextActionTimes]);
  const since = info.lastUpdatedAt ?? info.createdAt;
  return {
    ...{ schedule: scheduleId, policy, paused: state.paused },
    ...(last === undefined ? {} : { lastActionAt: last.toISOString() }),
    ...(next === undefined ? {} : { nextActionAt: next.toISOString() }),
    ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
    due: due.slice(0, MOST_DUE).map((time) => time.toISOString()),
    ...(increments === undefined ? {} : { increments }),
    ...(failed === undefined ? {} : { failed }),
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
