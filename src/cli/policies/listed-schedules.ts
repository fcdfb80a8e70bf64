// How the schedules of an installation stand: when they run next, how the last run ended, what was skipped and missed.

import type { ScheduleDescription } from '@temporalio/client';
import { mapInOrder } from '../../model/map-in-order.js';
import { policyInMemo } from '../../model/policies/memo.js';
import { POLICY_JOBS, type PolicyJob } from '../../model/policies/schedules.js';
import { readSchedules, type SchedulesAt } from '../../policies/ferry-schedules.js';
import { isNotFound } from '../../policies/measured-runs.js';
import { existingSchedule } from '../../policies/existing-schedule.js';

export interface ListedSchedule {
  scheduleId: string;
  policy: string;
  cluster: string;
  job: string;
  times: string;
  timezone: string;
  workflow: string;
  /** Of the policy that it was made from. */
  policyHash: string;
  paused: boolean;
  /** Why it is paused. */
  note?: string;
  next?: string;
  last?: LastRun;
  /** Times it was not started, because the one before still ran. */
  skipped: number;
  /** Times it was not started, because Temporal was down for longer than the catch-up window. */
  missed: number;
  runs: number;
  running: string[];
}

export interface LastRun {
  at: string;
  workflowId: string;
  /** Temporal's word: RUNNING, COMPLETED, FAILED …; absent once it is no longer kept. */
  status?: string;
}

const AT_ONCE = 8;

export async function listedSchedules(
  at: SchedulesAt,
  { policy, job }: { policy?: string | undefined; job?: PolicyJob | undefined } = {},
): Promise<ListedSchedule[]> {
  const found = await readSchedules(at);
  const meant = found.map((one) => listed(one)).filter((one) => isMeant(one, policy, job));
  const inOrder = meant.sort((a, b) => orderOf(a).localeCompare(orderOf(b)));
  return mapInOrder(inOrder, AT_ONCE, (one) => withStatus(at, one));
}

function isMeant(one: ListedSchedule, policy?: string, job?: string): boolean {
  return (policy === undefined || one.policy === policy) && (job === undefined || one.job === job);
}

/** A policy's jobs in the order in which the night takes them. */
function orderOf({ policy, cluster, job }: ListedSchedule): string {
  return `${policy}/${cluster}/${POLICY_JOBS.findIndex((one) => one === job)}`;
}

function listed(found: ScheduleDescription): ListedSchedule {
  const { scheduleId, info } = found;
  const { facts, paused, note } = existingSchedule(found);
  const [, , cluster = '', job = ''] = scheduleId.split('/');
  const [next] = info.nextActionTimes;
  const last = info.recentActions.at(-1);
  return {
    ...{ scheduleId, policy: policyInMemo(found.memo)?.policy ?? '', cluster, job },
    ...{ times: facts.times, timezone: facts.timezone, workflow: facts.workflow, paused },
    policyHash: facts.policyHash,
    ...(note === '' || !paused ? {} : { note }),
    ...(next === undefined || paused ? {} : { next: next.toISOString() }),
    ...(last === undefined
      ? {}
      : { last: { at: last.takenAt.toISOString(), workflowId: last.action.workflow.workflowId } }),
    skipped: info.numActionsSkippedOverlap,
    missed: info.numActionsMissedCatchupWindow,
    runs: info.numActionsTaken,
    running: info.runningActions.map(({ workflow }) => workflow.workflowId),
  };
}

async function withStatus(at: SchedulesAt, one: ListedSchedule): Promise<ListedSchedule> {
  const { last } = one;
  if (last === undefined) return one;
  const handle = at.client.workflow.getHandle(last.workflowId);
  try {
    const { status } = await at.ask(() => handle.describe());
    return { ...one, last: { ...last, status: status.name } };
  } catch (error) {
    if (isNotFound(error)) return one;
    throw error;
  }
}
