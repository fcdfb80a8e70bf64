// ferry's running workflows, as Temporal's list has them: each job followed by its collections.

import type { WorkflowExecutionInfo } from '@temporalio/client';
import type { CollectionStatus } from '../../model/contracts/results.js';
import { troublesOf } from './pending-work.js';
import type { Temporal } from '../temporal.js';
import { problemsOf } from './trouble-text.js';

const JOBS = [
  'scrollMigration',
  'snapshotMigration',
  'verifyCollections',
  'fullBackup',
  'disasterRecovery',
  'rehearseRecovery',
  'createSnapshot',
  'createOnNodes',
  'recoverSnapshot',
  'recoverIntoCollection',
  'downloadSnapshot',
];
const COLLECTIONS = [
  'migrateCollection',
  'moveCollection',
  'verifyCollection',
  'backupCollection',
  'recoverCollection',
];

export function isCollection(type: string): boolean {
  return COLLECTIONS.includes(type);
}

export interface RunningJob {
  workflowId: string;
  type: string;
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
    const problems = await problemsOf(temporal, troublesOf(description, Date.now()));
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
    ...(job ? { job } : {}),
    ...(typeof phase === 'string' ? { phase } : {}),
    startedAt: info.startTime.toISOString(),
    link: temporal.link(info.workflowId),
  };
}

/** Oldest job first, its collections below it. */
export function inOrder(found: readonly RunningJob[]): RunningJob[] {
  const oldestFirst = [...found].sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  const ids = new Set(found.map((one) => one.workflowId));
  const tops = oldestFirst.filter((one) => one.job === undefined || !ids.has(one.job));
  return tops.flatMap((top) => [top, ...oldestFirst.filter((one) => one.job === top.workflowId)]);
}
