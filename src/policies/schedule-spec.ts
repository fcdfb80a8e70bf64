// A schedule of ours as Temporal takes it, and the facts of it that are compared. The times keep the words of ferry.yaml as
// the comment of their calendar, also those of a cron expression, which Temporal stores as a calendar.

import { createHash } from 'node:crypto';
import type { ScheduleOptions, ScheduleOptionsStartWorkflowAction, ScheduleSpec } from '@temporalio/client';
import type { Workflow } from '@temporalio/common';
import { CONTROL_QUEUE } from '../model/names.js';
import { MEMO_FIELD, type PolicyMemo } from '../model/policies/memo.js';
import type { Policy } from '../model/policies/policy-schema.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { durationText, type Times } from '../model/policies/times.js';

/** What of a schedule is compared, and shown where it changes. */
export interface ScheduleFacts extends SetByHand {
  times: string;
  timezone: string;
  jitter: string;
  catchUp: string;
  overlap: string;
  pauseOnFailure: boolean;
  workflow: string;
  workflowId: string;
  taskQueue: string;
  /** Empty where somebody took it away. */
  policyHash: string;
  /** Of what it starts, without the hash. */
  memo: Record<string, unknown>;
  input: Record<string, unknown>;
}

/** What Temporal knows and ferry never sets. Each is absent, unless somebody set it there. */
export interface SetByHand {
  startAt?: string;
  endAt?: string;
  exclusions?: unknown;
  remainingActions?: number;
  keepOriginalWorkflowId?: true;
  /** Arguments behind the input. */
  moreArguments?: unknown;
  retry?: unknown;
  executionTimeout?: string;
  runTimeout?: string;
  taskTimeout?: string;
  searchAttributes?: unknown;
  summary?: string;
  details?: string;
  priority?: unknown;
  versioning?: unknown;
}

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
    policies: { overlap: 'SKIP', catchupWindow: catchUpSeconds * 1_000, pauseOnFailure: false },
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
  return noteWith(policy, policyHash(definition));
}

/** The same, where the hash is known from the schedule. */
export function noteWith(policy: string, hash: string): string {
  return `${NOTE} "${policy}" (${hash}) of ferry.yaml. Change it there: what is changed here, the next apply changes back.`;
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

export function factsOf(schedule: PolicySchedule, installation: string): ScheduleFacts {
  const { scheduleId, times, timezone, jitterSeconds, catchUpSeconds, workflow, definition, input } =
    schedule;
  return {
    times: 'everySeconds' in times ? everyText(times.everySeconds) : times.text,
    timezone,
    jitter: durationText(jitterSeconds),
    catchUp: durationText(catchUpSeconds),
    overlap: 'SKIP',
    pauseOnFailure: false,
    workflow,
    workflowId: scheduleId,
    taskQueue: CONTROL_QUEUE,
    policyHash: policyHash(definition),
    memo: memoOf(schedule, installation),
    input,
  };
}

export function everyText(seconds: number): string {
  return `every ${durationText(seconds)}`;
}
