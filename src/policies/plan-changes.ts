// What `apply` would do: a pure comparison of what ferry.yaml says with the schedules that Temporal has. Promises to name
// only schedules of this installation, and that a second apply finds nothing to do.

import { isDeepStrictEqual } from 'node:util';
import { FerryError } from '../model/errors.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { comesDue } from '../model/policies/times-interval.js';
import type { ExistingSchedule } from './existing-schedule.js';
import { factsOf, type ScheduleFacts } from './schedule-spec.js';

export const NO_POLICY =
  'Paused by `ferry policies apply --keep-removed`: ferry.yaml no longer has this job.';

export interface FieldChange {
  field: string;
  /** Absent: it was not there, or is no more. */
  from?: unknown;
  to?: unknown;
}

export type ScheduleChange = { scheduleId: string } & (
  | { do: 'create'; wanted: PolicySchedule; facts: ScheduleFacts }
  | { do: 'change'; wanted: PolicySchedule; fields: FieldChange[]; resume: boolean; paused: boolean }
  | { do: 'pause' | 'remove' }
  | { do: 'nothing'; paused: boolean }
);

export interface PlannedWith {
  installation: string;
  /** Those that ferry.yaml no longer has are paused, not removed. */
  keepRemoved: boolean;
}

export function planChanges(
  wanted: readonly PolicySchedule[],
  existing: readonly ExistingSchedule[],
  { installation, keepRemoved }: PlannedWith,
): ScheduleChange[] {
  const there = new Map(existing.map((one) => [one.scheduleId, one]));
  const changes = wanted.map((schedule): ScheduleChange => {
    const found = there.get(schedule.scheduleId);
    const { scheduleId } = schedule;
    if (found === undefined)
      return { scheduleId, do: 'create', wanted: schedule, facts: factsOf(schedule, installation) };
    requireOurs(found, installation);
    return changeOf(schedule, found, installation);
  });
  const names = new Set(wanted.map(({ scheduleId }) => scheduleId));
  const gone = existing.filter((one) => isOurs(one, installation) && !names.has(one.scheduleId));
  return [...changes, ...gone.map((one) => goneOf(one, keepRemoved))];
}

export function isOurs({ owner }: ExistingSchedule, installation: string): boolean {
  return owner?.installation === installation;
}

function requireOurs(found: ExistingSchedule, installation: string): void {
  if (isOurs(found, installation)) return;
  const { scheduleId, owner } = found;
  const whose =
    owner === undefined ? 'was not made by ferry' : `belongs to the installation "${owner.installation}"`;
  throw new FerryError('ScheduleNotOurs', `The schedule ${scheduleId} ${whose}`, {
    context: { schedule: scheduleId },
  });
}

const DAY_MS = 86_400_000;

/** Whose last year is over is not made any more; what is there and unchanged is named by a check. */
export function requireTimesToCome(changes: readonly ScheduleChange[], now: Date): void {
  // A day for the timezone.
  const from = new Date(now.getTime() - DAY_MS);
  for (const change of changes) {
    if (change.do !== 'create' && change.do !== 'change') continue;
    const { scheduleId: schedule, times, policy, job } = change.wanted;
    if (comesDue(times, from)) continue;
    throw new FerryError(
      'InvalidConfig',
      `The schedule ${schedule} never comes due again: the years of "${times.text}" are over. Change \`${job}\` of the policy "${policy}" in ferry.yaml`,
      { context: { schedule } },
    );
  }
}

function changeOf(wanted: PolicySchedule, found: ExistingSchedule, installation: string): ScheduleChange {
  const { scheduleId } = wanted;
  const fields = fieldChanges(found.facts, factsOf(wanted, installation));
  // Only what apply paused itself is resumed: what a person paused stays paused.
  const resume = found.paused && found.note === NO_POLICY;
  const paused = found.paused && !resume;
  if (fields.length === 0 && !resume) return { scheduleId, do: 'nothing', paused };
  return { scheduleId, do: 'change', wanted, fields, resume, paused };
}

function goneOf({ scheduleId, paused }: ExistingSchedule, keepRemoved: boolean): ScheduleChange {
  if (!keepRemoved) return { scheduleId, do: 'remove' };
  return paused ? { scheduleId, do: 'nothing', paused } : { scheduleId, do: 'pause' };
}

function fieldChanges(before: ScheduleFacts, after: ScheduleFacts): FieldChange[] {
  const { input: from, ...frameBefore } = before;
  const { input: to, ...frameAfter } = after;
  return [...differences(frameBefore, frameAfter, ''), ...differences(from, to, 'input.')];
}

function differences(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
  prefix: string,
): FieldChange[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names.flatMap((name) => {
    const [from, to] = [before[name], after[name]];
    if (isDeepStrictEqual(from, to)) return [];
    return [
      {
        field: `${prefix}${name}`,
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      },
    ];
  });
}
