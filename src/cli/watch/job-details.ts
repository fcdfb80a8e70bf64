// How one workflow stands, running or ended, and the list of all that run.

import type { WorkflowExecutionDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { OPERATION_NAMES, operations } from '../../model/operations.js';
import type { CollectionEnd, CollectionStatus, JobReport } from '../../model/contracts/results.js';
import { policyInMemo } from '../../model/policies/memo.js';
import type { Temporal } from '../temporal.js';
import type { JobEnd } from '../terminal/exit-codes.js';
import { heartbeatsOf } from './heartbeats.js';
import { endOf } from './watch-job.js';
import {
  attendedIn,
  type CollectionView,
  type JobView,
  lookAtCollection,
  lookAtJob,
  troublesBelow,
  troublesIn,
} from './job-view.js';
import { troublesOf } from './pending-work.js';
import { problemsOf } from './troubles.js';

export interface JobDetails {
  workflowId: string;
  type: string;
  /** Whose schedule started it. */
  policy?: string;
  /** Temporal's word: RUNNING, COMPLETED, FAILED … */
  status: string;
  startedAt: string;
  endedAt?: string;
  link: string;
  /** Of a running job; absent too while no control worker answers. */
  job?: JobView;
  /** Of a running collection. */
  collection?: CollectionView;
  report?: JobReport;
  /** Of an ended collection. */
  result?: CollectionEnd;
  error?: { code: string; message: string };
  /** What it waits for that fails, or that no worker does: a sentence for each cause. */
  problems?: string[];
}

export async function describeJob(temporal: Temporal, workflowId: string): Promise<JobDetails> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  const now = await handle.describe();
  const head = headOf(temporal, workflowId, now);
  if (now.status.name !== 'RUNNING') return { ...head, ...(await ended(temporal, workflowId, now.type)) };
  if (isCollection(now.type)) {
    const line = { collection: workflowId, workflowId, state: 'running' as const };
    const collection = await lookAtCollection(temporal, line);
    return {
      ...head,
      collection,
      problems: await problemsOf(temporal, collection.troubles, attendedIn([collection])),
    };
  }
  const job = await lookAtJob(temporal, workflowId, undefined, now);
  if (!job) return { ...head, problems: await problemsOf(temporal, await troublesBelow(temporal, now)) };
  return { ...head, job, problems: await problemsOf(temporal, troublesIn(job), attendedIn(job.collections)) };
}

function headOf(temporal: Temporal, workflowId: string, now: WorkflowExecutionDescription): JobDetails {
  return {
    workflowId,
    type: now.type,
    ...policyOf(now),
    status: now.status.name,
    startedAt: now.startTime.toISOString(),
    ...(now.closeTime ? { endedAt: now.closeTime.toISOString() } : {}),
    link: temporal.link(workflowId),
  };
}

async function ended(
  temporal: Temporal,
  workflowId: string,
  type: string,
): Promise<JobEnd & { result?: CollectionEnd }> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  const end = await endOf(handle);
  if (!isCollection(type) || end.error) return end;
  return { result: (await handle.result()) as CollectionEnd };
}

const SNAPSHOT_WORK = ['createSnapshot', 'recoverSnapshot', 'downloadSnapshot'];
const COLLECTIONS = [...new Set(OPERATION_NAMES.map((name) => operations[name].child))];
/** No jobs of collections, and started by schedules. */
const STORE_WORK = ['pruneBackups', 'checkBackups'];
const JOBS = [...OPERATION_NAMES, ...SNAPSHOT_WORK, ...STORE_WORK];

export function isCollection(type: string): boolean {
  return COLLECTIONS.includes(type);
}

export interface RunningJob {
  workflowId: string;
  type: string;
  /** Whose schedule started it. */
  policy?: string;
  /** Absent for a job; the job's id for one of its collections. */
  job?: string;
  phase?: string;
  startedAt: string;
  /** What it waits for that fails, or that no worker does: a sentence for each cause. */
  problems?: string[];
  link: string;
}

/** Workflows that are looked at one by one for what they wait for. */
const LOOKED_AT = 100;

export async function runningJobs(temporal: Temporal): Promise<RunningJob[]> {
  const types = [...JOBS, ...COLLECTIONS].map((type) => `'${type}'`).join(', ');
  const query = `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`;
  const found: RunningJob[] = [];
  for await (const info of temporal.client.workflow.list({ query })) found.push(row(temporal, info));
  await Promise.all(found.slice(0, LOOKED_AT).map((job) => addProblems(temporal, job)));
  return inOrder(found);
}

async function addProblems(temporal: Temporal, job: RunningJob): Promise<void> {
  const handle = temporal.client.workflow.getHandle(job.workflowId);
  try {
    const description = await temporal.call(() => handle.describe());
    const attended = attendedIn([{ heartbeats: heartbeatsOf(description) }]);
    const problems = await problemsOf(temporal, troublesOf(description, Date.now()), attended);
    const isParked = isCollection(job.type) && job.phase === 'awaiting-operator';
    const status = isParked ? await temporal.call(() => handle.query<CollectionStatus>('status')) : undefined;
    if (status?.attention !== undefined) problems.push(status.attention);
    if (problems.length > 0) job.problems = problems;
  } catch {
    // It ended meanwhile, or no control worker answers: the list stands for itself.
  }
}

function row(temporal: Temporal, info: WorkflowExecutionInfo): RunningJob {
  const phase = info.searchAttributes['FerryPhase']?.[0];
  const job = info.parentExecution?.workflowId;
  return {
    workflowId: info.workflowId,
    type: info.type,
    ...policyOf(info),
    ...(job ? { job } : {}),
    ...(typeof phase === 'string' ? { phase } : {}),
    startedAt: info.startTime.toISOString(),
    link: temporal.link(info.workflowId),
  };
}

function policyOf({ memo }: Pick<WorkflowExecutionInfo, 'memo'>): { policy?: string } {
  const { policy } = policyInMemo(memo) ?? {};
  return policy === undefined ? {} : { policy };
}

/** Oldest job first, its collections below it. */
export function inOrder(found: readonly RunningJob[]): RunningJob[] {
  const oldestFirst = [...found].sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  const ids = new Set(found.map((one) => one.workflowId));
  const tops = oldestFirst.filter((one) => one.job === undefined || !ids.has(one.job));
  return tops.flatMap((top) => [top, ...oldestFirst.filter((one) => one.job === top.workflowId)]);
}
