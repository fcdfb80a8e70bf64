import type { WorkflowHandle } from '@temporalio/client';

type HistoryEvent = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>[number];

/** Milliseconds since 1970: the first activity of that name handed out, and the last one's completion. */
export function activitySpan(
  events: readonly HistoryEvent[],
  activity: string,
): { from: number; to: number } {
  const scheduled = events.filter(
    ({ activityTaskScheduledEventAttributes: it }) => it?.activityType?.name === activity,
  );
  const ids = new Set(scheduled.map(({ eventId }) => String(eventId)));
  const completed = events.filter((event) =>
    ids.has(String(event.activityTaskCompletedEventAttributes?.scheduledEventId)),
  );
  if (completed.length === 0) throw new Error(`the history holds no completed ${activity}`);
  return { from: Math.min(...scheduled.map(timeOf)), to: Math.max(...completed.map(timeOf)) };
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + (eventTime?.nanos ?? 0) / 1e6;
}
