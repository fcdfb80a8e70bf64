// What is read of a schedule that Temporal has: whether its times are still the words of ferry.yaml.

import type { ScheduleDescription } from '@temporalio/client';
import { expect, it } from 'vitest';
import { existingSchedule } from '../../src/policies/existing-schedule.js';

const every = (start: unknown, end: unknown) => [{ start, end, step: 1 }];

const CALENDAR = {
  ...{ comment: 'daily 02:00', second: every(0, 0), minute: every(0, 0), hour: every(2, 2) },
  ...{ dayOfMonth: every(1, 31), month: every('JANUARY', 'DECEMBER'), year: [] },
  dayOfWeek: every('SUNDAY', 'SATURDAY'),
};

/** As Temporal answers for "daily 02:00", but for what somebody changed by hand. */
function timesOf(changed: object = {}): string {
  const calendar = { ...CALENDAR, ...changed };
  const found = {
    scheduleId: 'ferry/nightly/prod/full',
    spec: { calendars: [calendar], intervals: [], skip: [], timezone: 'UTC' },
    policies: { overlap: 'SKIP', catchupWindow: 3_600_000 },
    action: { type: 'startWorkflow', workflowType: 'fullBackup', taskQueue: 'ferry-control', args: [{}] },
    state: { paused: false },
    raw: {},
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

const step = (start: unknown, end: unknown, step: number) => [{ start, end, step }];

/** As Temporal compiles them; seen on a real server by test/e2e/policies.e2e.test.ts. */
it.each([
  ['0 2 * * *', {}],
  ['@daily', { hour: every(0, 0) }],
  ['30 0 2 * * * *', { second: every(30, 30) }],
  [
    '*/10 8-17 * * 1-5',
    { minute: step(0, 59, 10), hour: every(8, 17), dayOfWeek: every('MONDAY', 'FRIDAY') },
  ],
  ['0 2 * * 5-7', { dayOfWeek: [...every('SUNDAY', 'SUNDAY'), ...every('FRIDAY', 'SATURDAY')] }],
  ['5/20 2 * JAN-MAR *', { minute: step(5, 59, 20), month: every('JANUARY', 'MARCH') }],
  [
    '0-30/10,45 2 * * MON-FRI/2',
    { minute: [...step(0, 30, 10), ...every(45, 45)], dayOfWeek: step('MONDAY', 'FRIDAY', 2) },
  ],
  [
    '1 2 3 4 * 2024-2099/2',
    {
      minute: every(1, 1),
      dayOfMonth: every(3, 3),
      month: every('APRIL', 'APRIL'),
      year: step(2024, 2099, 2),
    },
  ],
])('reads the cron expression %s, and no other calendar that has its comment', (cron, compiled) => {
  const asMade = { comment: cron, ...compiled };
  expect(timesOf(asMade)).toBe(cron);
  expect(timesOf({ ...asMade, hour: every(14, 14) })).toBe('times that are not of ferry.yaml');
  expect(timesOf({ ...asMade, year: every(2031, 2031) })).toBe('times that are not of ferry.yaml');
});

it('believes the comment of a cron expression that is not understood here', () => {
  expect(timesOf({ comment: '0 2 ? * *' })).toBe('0 2 ? * *');
});
