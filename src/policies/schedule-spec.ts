// A schedule of ours as Temporal takes it, and what Temporal's answer says of it. The times keep the words of ferry.yaml as
// the comment of their calendar, also those of a cron expression, which Temporal stores as a calendar. Promises that what
// was written reads back as equal, and that a schedule which somebody changed by hand does not.

import { createHash } from 'node:crypto';
import type {
  ScheduleDescription,
  ScheduleOptions,
  ScheduleOptionsStartWorkflowAction,
  ScheduleSpec,
} from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { CONTROL_QUEUE } from '../model/names.js';
import { MEMO_FIELD, policyInMemo, type PolicyMemo } from '../model/policies/memo.js';
import type { Policy } from '../model/policies/policy-schema.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { durationText, parseTimes, type Times } from '../model/policies/times.js';

/** What of a schedule is compared, and shown where it changes. */
export interface ScheduleFacts {
  times: string;
  timezone: string;
  jitter: string;
  catchUp: string;
  overlap: string;
  workflow: string;
  taskQueue: string;
  /** Empty where somebody took it away. */
  policyHash: string;
  input: Record<string, unknown>;
}

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

type Frame = Pick<ScheduleOptions, 'spec' | 'policies'> & {
  action: ScheduleOptionsStartWorkflowAction<Workflow>;
};

export function scheduleFrame(schedule: PolicySchedule, installation: string): Frame {
  const { scheduleId, timezone, jitterSeconds, catchUpSeconds, workflow, input } = schedule;
  return {
    spec: {
      ...specOf(schedule.times),
      timezone,
      ...(jitterSeconds === 0 ? {} : { jitter: jitterSeconds * 1_000 }),
    },
    policies: { overlap: 'SKIP', catchupWindow: catchUpSeconds * 1_000 },
    action: {
      type: 'startWorkflow',
      workflowType: workflow,
      workflowId: scheduleId,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      memo: startedMemo(schedule, installation),
    },
  };
}

export function memoOf({ policy }: Pick<PolicySchedule, 'policy'>, installation: string) {
  return { [MEMO_FIELD]: { policy, installation } satisfies PolicyMemo };
}

function startedMemo({ policy, definition }: PolicySchedule, installation: string) {
  return { [MEMO_FIELD]: { policy, installation, policyHash: policyHash(definition) } satisfies PolicyMemo };
}

const NOTE = 'Made by `ferry policies apply` from the policy';

/** For whoever finds the schedule in the Temporal UI, which shows no memo of it. */
export function noteOf({ policy, definition }: Pick<PolicySchedule, 'policy' | 'definition'>): string {
  return `${NOTE} "${policy}" (${policyHash(definition)}) of ferry.yaml. Change it there: what is changed here, the next apply changes back.`;
}

/** A person's own words stay. */
export function isOurNote(note: string | undefined): boolean {
  return note === undefined || note === '' || note.startsWith(NOTE);
}

/** The same for the same policy, in whatever order its fields are written. */
function policyHash(policy: Policy): string {
  const inOrder = (_name: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify(policy, inOrder)).digest('hex').slice(0, 12);
}

function specOf(times: Times): Pick<ScheduleSpec, 'calendars' | 'intervals' | 'cronExpressions'> {
  if ('cron' in times) return { cronExpressions: [`${times.cron} # ${times.text}`] };
  if ('everySeconds' in times) return { intervals: [{ every: times.everySeconds * 1_000 }] };
  const { minute, hour = '*', dayOfWeek = '*' } = times.calendar;
  return { calendars: [{ comment: times.text, minute, hour, dayOfWeek }] };
}

export function factsOf(schedule: PolicySchedule): ScheduleFacts {
  const { times, timezone, jitterSeconds, catchUpSeconds, workflow, definition, input } = schedule;
  return {
    times: 'everySeconds' in times ? everyText(times.everySeconds) : times.text,
    timezone,
    jitter: durationText(jitterSeconds),
    catchUp: durationText(catchUpSeconds),
    overlap: 'SKIP',
    workflow,
    taskQueue: CONTROL_QUEUE,
    policyHash: policyHash(definition),
    input,
  };
}

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
      workflow: action.workflowType,
      taskQueue: action.taskQueue ?? '',
      policyHash: policyInMemo(action.memo)?.policyHash ?? '',
      input: typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {},
    },
  };
}

function timesText({
  calendars = [],
  intervals = [],
  skip = [],
  startAt,
  endAt,
}: ScheduleDescription['spec']) {
  const [calendar] = calendars;
  const [interval] = intervals;
  const isPlain = calendars.length + intervals.length === 1 && skip.length === 0 && !startAt && !endAt;
  if (isPlain && calendar) return wordsOf(calendar) ?? OTHER_TIMES;
  if (isPlain && interval && (interval.offset ?? 0) === 0) return everyText(interval.every / 1_000);
  return OTHER_TIMES;
}

type Calendar = NonNullable<ScheduleDescription['spec']['calendars']>[number];

/** Undefined where the calendar is not what its comment says. What a cron expression says, only Temporal knows. */
function wordsOf(calendar: Calendar): string | undefined {
  const times = parseTimes(calendar.comment ?? '');
  if (times === undefined || 'everySeconds' in times) return undefined;
  if ('cron' in times) return times.text;
  const { minute, hour, dayOfWeek } = times.calendar;
  const only = (ranges: readonly { start: unknown; end: unknown }[], value: unknown) =>
    ranges.length === 1 && ranges[0]?.start === value && ranges[0]?.end === value;
  const isSame =
    only(calendar.second, 0) &&
    only(calendar.minute, minute) &&
    (hour === undefined ? isEvery(calendar.hour, 24) : only(calendar.hour, hour)) &&
    (dayOfWeek === undefined ? isEvery(calendar.dayOfWeek, 7) : only(calendar.dayOfWeek, dayOfWeek)) &&
    isEvery(calendar.dayOfMonth, 31) &&
    isEvery(calendar.month, 12) &&
    calendar.year.length === 0;
  return isSame ? times.text : undefined;
}

/** Of the days of a week, and of the months. */
const NAMED: Readonly<Record<string, string>> = { SUNDAY: 'SATURDAY', JANUARY: 'DECEMBER' };

function isEvery(ranges: readonly { start: unknown; end: unknown; step: number }[], count: number): boolean {
  const [range] = ranges;
  if (range === undefined || ranges.length > 1 || range.step !== 1) return false;
  if (typeof range.end === 'number' && typeof range.start === 'number')
    return range.end - range.start + 1 === count;
  return NAMED[String(range.start)] === range.end;
}

function everyText(seconds: number): string {
  return `every ${durationText(seconds)}`;
}
