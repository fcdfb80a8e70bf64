// How one workflow stands: a job with its collections, or one collection; running or ended.

import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { CollectionEnd, JobReport } from '../../model/contracts/results.js';
import type { JobEnd } from '../terminal/exit-codes.js';
import { endOf } from '../jobs/job-end.js';
import { lookAtCollection, lookAtJob, troublesBelow } from '../look.js';
import { troublesIn, type CollectionView, type JobView } from './job-view.js';
import { isCollection } from './running-jobs.js';
import type { Temporal } from '../temporal.js';
import { problemsOf } from './trouble-text.js';

export interface JobDetails {
  workflowId: string;
  type: string;
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
    return { ...head, collection, problems: await problemsOf(temporal, collection.troubles) };
  }
  const job = await lookAtJob(temporal, workflowId, undefined, now);
  if (!job) return { ...head, problems: await problemsOf(temporal, await troublesBelow(temporal, now)) };
  return { ...head, job, problems: await problemsOf(temporal, troublesIn(job)) };
}

function headOf(temporal: Temporal, workflowId: string, now: WorkflowExecutionDescription): JobDetails {
  return {
    workflowId,
    type: now.type,
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
