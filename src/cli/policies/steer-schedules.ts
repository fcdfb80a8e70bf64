// What a person does with the schedules of a policy beside `apply`. Only those of this installation are ever touched, and
// only as Temporal has them: a policy need not be in ferry.yaml any more.

import { ScheduleOverlapPolicy } from '@temporalio/client';
import { FerryError } from '../../model/errors.js';
import { listed } from '../../model/collections.js';
import type { PolicyJob } from '../../model/policies/schedules.js';
import { noteWith } from '../../policies/schedule-spec.js';
import { timesBetween } from '../../policies/due-times.js';
import { remove, type SchedulesAt } from '../../policies/ferry-schedules.js';
import { plural } from '../terminal/formatting.js';
import { listedSchedules, type ListedSchedule } from './listed-schedules.js';

export interface Chosen {
  policy: string;
  /** Absent: all jobs of the policy. */
  job?: PolicyJob | undefined;
}

export async function runNow(at: SchedulesAt, chosen: Chosen): Promise<string[]> {
  return each(at, chosen, async ({ scheduleId, running: [last] }) => {
    // Without it a trigger ignores that the last run still goes.
    await at.ask(() => at.client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.SKIP));
    return last === undefined
      ? 'started; `ferry status` shows it'
      : `not started, because ${last} still runs; \`ferry status ${last}\` shows it`;
  });
}

export async function pause(at: SchedulesAt, chosen: Chosen, reason?: string): Promise<string[]> {
  return each(at, chosen, async ({ scheduleId }) => {
    const note = reason ?? 'Paused by `ferry policies pause`.';
    await at.ask(() => at.client.schedule.getHandle(scheduleId).pause(note));
    return 'paused';
  });
}

export async function resume(at: SchedulesAt, chosen: Chosen): Promise<string[]> {
  return each(at, chosen, async ({ scheduleId, policy, policyHash }) => {
    await at.ask(() => at.client.schedule.getHandle(scheduleId).unpause(noteWith(policy, policyHash)));
    return 'resumed';
  });
}

export async function removeSchedules(at: SchedulesAt, chosen: Chosen): Promise<string[]> {
  return each(at, chosen, async ({ scheduleId }) => {
    await remove(at, scheduleId);
    return 'removed';
  });
}

export async function backfill(
  at: SchedulesAt,
  chosen: Chosen,
  { from, to }: { from: Date; to: Date },
): Promise<string[]> {
  if (from >= to) throw new FerryError('InvalidInput', '`--from` must be before `--to`');
  if (to.getTime() > Date.now()) throw new FerryError('InvalidInput', '`--to` is in the future');
  return each(at, chosen, async ({ scheduleId }) => {
    const times = await timesBetween(at, scheduleId, from, to);
    // One after the other: they would work on the same collections.
    const period = { start: from, end: to, overlap: ScheduleOverlapPolicy.BUFFER_ALL };
    await at.ask(() => at.client.schedule.getHandle(scheduleId).backfill(period));
    return backfillText(times.length, from, to);
  });
}

function backfillText(times: number, from: Date, to: Date): string {
  const period = `from ${from.toISOString()} to ${to.toISOString()}`;
  if (times === 0) return `has no time ${period}: nothing is started`;
  return `runs once for each of its ${plural(times, 'time')} ${period}`;
}

/** `work` tells what it has done. */
async function each(
  at: SchedulesAt,
  chosen: Chosen,
  work: (one: ListedSchedule) => Promise<string>,
): Promise<string[]> {
  const lines: string[] = [];
  for (const one of await meant(at, chosen)) lines.push(`${one.scheduleId}: ${await work(one)}`);
  return lines;
}

/** Throws `InvalidInput` where there are none, naming those that exist. */
export async function meant(at: SchedulesAt, chosen: Chosen): Promise<ListedSchedule[]> {
  const found = await listedSchedules(at, chosen);
  if (found.length > 0) return found;
  const all = await listedSchedules(at);
  const what = chosen.job === undefined ? '' : ` and job "${chosen.job}"`;
  const known = listed([...new Set(all.map(({ policy, job }) => `${policy} ${job}`))]);
  throw new FerryError(
    'InvalidInput',
    `Temporal has no schedule of the policy "${chosen.policy}"${what}. Of the installation "${at.installation}" it has: ${known}. \`ferry policies apply\` creates those of ferry.yaml`,
  );
}
