// The schedules of ferry in one namespace of Temporal: read, created, changed, paused, removed. Every call is handed to
// `ask`, which repeats it while the server is unavailable; so each can be made twice. Whose a schedule is, its memo says.

import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type Client,
  type ScheduleDescription,
} from '@temporalio/client';
import { FerryError } from '../model/errors.js';
import { mapInOrder } from '../model/map-in-order.js';
import { policyInMemo } from '../model/policies/memo.js';
import type { PolicySchedule } from '../model/policies/schedules.js';
import { NO_POLICY, type ScheduleChange } from './plan-changes.js';
import { isOurNote, memoOf, noteOf, scheduleFrame } from './schedule-spec.js';

const AT_ONCE = 8;
const PAGE = 500;

export type Ask = <T>(question: () => Promise<T>) => Promise<T>;

export interface SchedulesAt {
  client: Client;
  ask: Ask;
  installation: string;
}

/** Those of this installation, and whoever's has one of the names. In the order of their ids. */
export async function readSchedules(
  at: SchedulesAt,
  names: readonly string[] = [],
): Promise<ScheduleDescription[]> {
  const ours = await at.ask(async () => {
    const ids: string[] = [];
    for await (const { scheduleId, memo } of at.client.schedule.list({ pageSize: PAGE }))
      if (policyInMemo(memo)?.installation === at.installation) ids.push(scheduleId);
    return ids;
  });
  // The list of a server lags behind: what ferry.yaml names is asked for by its name.
  const ids = [...new Set([...ours, ...names])].sort();
  const found = await mapInOrder(ids, AT_ONCE, (id) => describeSchedule(at, id));
  return found.filter((one) => one !== undefined);
}

async function describeSchedule(at: SchedulesAt, id: string): Promise<ScheduleDescription | undefined> {
  try {
    return await at.ask(() => at.client.schedule.getHandle(id).describe());
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return undefined;
    throw error;
  }
}

export async function applyChange(at: SchedulesAt, change: ScheduleChange): Promise<void> {
  const handle = at.client.schedule.getHandle(change.scheduleId);
  switch (change.do) {
    case 'create':
      return named(change.scheduleId, () => create(at, change.wanted));
    case 'change':
      return named(change.scheduleId, () => update(at, change));
    case 'pause':
      return at.ask(() => handle.pause(NO_POLICY));
    case 'remove':
      return remove(at, change.scheduleId);
    case 'nothing':
      return;
  }
}

async function create(at: SchedulesAt, schedule: PolicySchedule): Promise<void> {
  const { scheduleId } = schedule;
  const memo = memoOf(schedule, at.installation);
  try {
    await at.ask(() =>
      at.client.schedule.create({
        ...scheduleFrame(schedule, at.installation),
        ...{ scheduleId, memo, state: { note: noteOf(schedule) } },
      }),
    );
  } catch (error) {
    // An earlier call whose answer was lost, or another apply at the same time: it is there, and is ours.
    const isOurs = async () =>
      policyInMemo((await describeSchedule(at, scheduleId))?.memo)?.installation === at.installation;
    if (!(error instanceof ScheduleAlreadyRunning) || !(await isOurs())) throw error;
  }
}

async function update(
  at: SchedulesAt,
  { wanted, resume }: Extract<ScheduleChange, { do: 'change' }>,
): Promise<void> {
  await at.ask(() =>
    at.client.schedule.getHandle(wanted.scheduleId).update(({ state: { paused, note = '' } }) => ({
      ...scheduleFrame(wanted, at.installation),
      // What a person paused stays paused, with the note. A limit of its runs goes.
      state: {
        paused: paused && !resume,
        note: resume || (!paused && isOurNote(note)) ? noteOf(wanted) : note,
      },
    })),
  );
}

export async function remove(at: SchedulesAt, scheduleId: string): Promise<void> {
  try {
    await at.ask(() => at.client.schedule.getHandle(scheduleId).delete());
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** Temporal's own word on a schedule that it does not take; it is the one that knows what a cron expression means. */
async function named(scheduleId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new FerryError(
      'InvalidConfig',
      `Temporal does not take the schedule ${scheduleId}: ${error.message}`,
      {
        cause: error,
        context: { schedule: scheduleId },
      },
    );
  }
}
