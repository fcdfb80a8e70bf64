// What is read of a schedule that Temporal has: whether its times are still the words of ferry.yaml.

import type { ScheduleDescription } from '@temporalio/client';
import { expect, it } from 'vitest';
import { existingSchedule } from '../../src/policies/schedule-spec.js';

const every = (start: unknown, end: unknown) => [{ start, end, step: 1 }];

/** As Temporal answers for "daily 02:00", but for what somebody changed by hand. */
function timesOf(changed: object = {}): string {
  const calendar = {
    ...{ comment: 'daily 02:00', second: every(0, 0), minute: every(0, 0), hour: every(2, 2) },
    ...{ dayOfMonth: every(1, 31), month: every('JANUARY', 'DECEMBER'), year: [] },
    dayOfWeek: every('SUNDAY', 'SATURDAY'),
    ...changed,
  };
  const found = {
    scheduleId: 'ferry/nightly/prod/full',
    spec: { calendars: [calendar], intervals: [], skip: [], timezone: 'UTC' },
    policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
    action: { type: 'startWorkflow', workflowType: 'fullBackup', taskQueue: 'ferry-control', args: [{}] },
    state: { paused: false },
  };
  return existingSchedule(found as unknown as ScheduleDescription).facts.times;
}

it('reads the words of a calendar that nobody changed', () => {
  expect(timesOf()).toBe('daily 02:00');
});

it.each([
  ['one month', { month: every('JANUARY', 'JANUARY') }],
  ['one year', { year: every(2031, 2031) }],
  ['another second', { second: every(30, 30) }],
  ['one day of the month', { dayOfMonth: every(1, 1) }],
  ['working days', { dayOfWeek: every('MONDAY', 'FRIDAY') }],
  ['every second hour', { hour: [{ start: 0, end: 23, step: 2 }] }],
])('believes no comment of a calendar that was narrowed by hand to %s', (_what, changed) => {
  expect(timesOf(changed)).toBe('times that are not of ferry.yaml');
});
