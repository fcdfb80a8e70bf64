// What Temporal's answer says of a schedule, in the words of ferry.yaml. Promises that a schedule as ferry wrote it reads back
// as equal, and that one which somebody changed by hand does not: every field that Temporal lets a person set is looked at.

import type { ScheduleDescription } from '@temporalio/client';
import { MEMO_FIELD, policyInMemo, type PolicyMemo } from '../model/policies/memo.js';
import { durationText, parseTimes } from '../model/policies/times.js';
import { saysThese, type Calendar } from './calendar-values.js';
import { everyText, type ScheduleFacts, type SetByHand } from './schedule-spec.js';

export interface ExistingSchedule {
  scheduleId: string;
  /** Absent: somebody else made it. */
  owner?: PolicyMemo;
  facts: ScheduleFacts;
  paused: boolean;
  note: string;
}

/** Times that none of the forms of ferry.yaml can say. */
const OTHER_TIMES = 'times that are not of ferry.yaml';

export function existingSchedule(found: ScheduleDescription): ExistingSchedule {
  const { scheduleId, spec, policies, action, state, memo } = found;
  const owner = policyInMemo(memo);
  const [input] = action.args ?? [];
  return {
    scheduleId,
    ...(owner === undefined ? {} : { owner }),
    paused: state.paused,
    note: state.note ?? '',
    facts: {
      times: timesText(spec),
      timezone: spec.timezone || 'UTC',
      jitter: durationText((spec.jitter ?? 0) / 1_000),
      catchUp: durationText(policies.catchupWindow / 1_000),
      overlap: policies.overlap ?? 'UNSPECIFIED',
      pauseOnFailure: policies.pauseOnFailure,
      workflow: action.workflowType,
      workflowId: action.workflowId ?? '',
      taskQueue: action.taskQueue ?? '',
      policyHash: policyInMemo(action.memo)?.policyHash ?? '',
      memo: withoutHash(action.memo),
      input: typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {},
      ...setByHand(found),
    },
  };
}

function withoutHash(memo: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const ours = memo[MEMO_FIELD];
  if (typeof ours !== 'object' || ours === null) return memo;
  const { policyHash: _hash, ...rest } = ours as Record<string, unknown>;
  return { ...memo, [MEMO_FIELD]: rest };
}

function setByHand({ spec, action, state, raw }: ScheduleDescription): SetByHand {
  const { schedule } = raw;
  return whatIsSet<SetByHand>({
    startAt: spec.startAt?.toISOString(),
    endAt: spec.endAt?.toISOString(),
    exclusions: spec.skip,
    remainingActions: state.remainingActions,
    keepOriginalWorkflowId: schedule?.policies?.keepOriginalWorkflowId || undefined,
    moreArguments: action.args?.slice(1),
    retry: action.retry,
    executionTimeout: timeText(action.workflowExecutionTimeout),
    runTimeout: timeText(action.workflowRunTimeout),
    taskTimeout: timeText(action.workflowTaskTimeout),
    searchAttributes: action.searchAttributes,
    summary: action.staticSummary,
    details: action.staticDetails,
    // A client that writes back what it has read writes 0 for what is not set.
    priority: Object.values(action.priority ?? {}).some(Boolean) ? action.priority : undefined,
    versioning: schedule?.action?.startWorkflow?.versioningOverride,
  });
}

/** Temporal answers with an empty list or object for some of what is not set. */
function whatIsSet<T extends object>(fields: { [Name in keyof T]-?: T[Name] | null | undefined }): T {
  const isSet = (value: unknown) =>
    value !== undefined && value !== null && !(typeof value === 'object' && Object.keys(value).length === 0);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isSet(value))) as T;
}

function timeText(time: string | number | undefined): string | undefined {
  return time === undefined ? undefined : durationText(Number(time) / 1_000);
}

function timesText({ calendars = [], intervals = [] }: ScheduleDescription['spec']) {
  const [calendar] = calendars;
  const [interval] = intervals;
  if (calendars.length + intervals.length !== 1) return OTHER_TIMES;
  if (calendar) return wordsOf(calendar) ?? OTHER_TIMES;
  return interval && (interval.offset ?? 0) === 0 ? everyText(interval.every / 1_000) : OTHER_TIMES;
}

/** Undefined where the calendar is not what its comment says. */
function wordsOf(calendar: Calendar): string | undefined {
  const times = parseTimes(calendar.comment ?? '');
  if (times === undefined || 'everySeconds' in times) return undefined;
  return saysThese(calendar, times) ? times.text : undefined;
}
