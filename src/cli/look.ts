// One look at a job: the queries `status` of the parent and of its children, and what their running activities
// heartbeat. Only for showing: what cannot be had is left as it was before.

import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SliceHeartbeat } from '../model/contracts/activities.js';
import type { CollectionStatus, JobStatus } from '../model/contracts/results.js';
import type { CollectionView, JobView, LiveSlice } from './watch/job-view.js';
import { troublesOf, type Trouble } from './watch/pending-work.js';
import type { Temporal } from './temporal.js';

const QUERY_MS = 3_000;
/** A capture under its lock, a backup on the way of a migration: children of a collection's workflow. */
const DEEPEST = 2;
const MOST_CHILDREN = 8;
/** Ended collections that are asked for their figures in one look, so that a job of hundreds stays quick to watch. */
const ENDED_ASKED = 4;

export async function lookAtJob(
  temporal: Temporal,
  parentId: string,
  before: JobView | undefined,
  description: WorkflowExecutionDescription,
): Promise<JobView | undefined> {
  const job = await ask<JobStatus>(temporal, handleOf(temporal, parentId));
  if (!job) return before;
  const known = new Map(before?.collections.map((one) => [one.workflowId, one]));
  let endedAsked = 0;
  const collections = await Promise.all(
    job.collections.map((line) => {
      const last = known.get(line.workflowId);
      const settled = line.state !== 'running' && last?.state === line.state;
      if (line.state === 'waiting' || settled)
        return { ...line, heartbeats: [], troubles: [], ...statusOf(last) };
      if (line.state !== 'running' && ++endedAsked > ENDED_ASKED)
        return { ...line, heartbeats: [], troubles: [] };
      return lookAtCollection(temporal, line, last, parentId);
    }),
  );
  const troubles = troublesOf(description, Date.now());
  return { operation: job.operation, phase: job.phase, paused: job.paused, collections, troubles };
}

export async function lookAtCollection(
  temporal: Temporal,
  line: { collection: string; workflowId: string; state: CollectionView['state'] },
  last?: CollectionView,
  /** The job that asks: what another one holds under this id is not shown as its own. */
  parentId?: string,
): Promise<CollectionView> {
  const handle = handleOf(temporal, line.workflowId);
  const [status, description] = await Promise.all([
    ask<CollectionStatus>(temporal, handle),
    quietly(() => temporal.call(() => handle.describe(), QUERY_MS)),
  ]);
  const isOfAnother =
    description !== undefined && parentId !== undefined && !isChildOf(description, parentId);
  if (isOfAnother) return { ...line, heartbeats: [], troubles: [], ...statusOf(last) };
  const heartbeats = description ? heartbeatsOf(description) : [];
  const troubles = description ? await troublesBelow(temporal, description) : (last?.troubles ?? []);
  return { ...line, heartbeats, troubles, ...(status ? { status } : statusOf(last)) };
}

function isChildOf({ parentExecution }: WorkflowExecutionDescription, parentId: string): boolean {
  return parentExecution?.workflowId === parentId;
}

/** Of a workflow and of its children. */
export async function troublesBelow(
  temporal: Temporal,
  description: WorkflowExecutionDescription,
  depth = 0,
): Promise<Trouble[]> {
  const own = troublesOf(description, Date.now());
  const children = depth < DEEPEST ? (description.raw.pendingChildren ?? []).slice(0, MOST_CHILDREN) : [];
  const below = await Promise.all(
    children.map(async ({ workflowId }) => {
      if (!workflowId) return [];
      const handle = handleOf(temporal, workflowId);
      const child = await quietly(() => temporal.call(() => handle.describe(), QUERY_MS));
      return child ? troublesBelow(temporal, child, depth + 1) : [];
    }),
  );
  return [...own, ...below.flat()];
}

/** What the data activities of a workflow said last; those that have not spoken yet are absent. */
function heartbeatsOf(description: WorkflowExecutionDescription): LiveSlice[] {
  const beats: LiveSlice[] = [];
  for (const activity of description.raw.pendingActivities ?? []) {
    const payload = activity.heartbeatDetails?.payloads?.[0];
    const beat = payload ? decode(() => defaultPayloadConverter.fromPayload<unknown>(payload)) : undefined;
    if (isSliceHeartbeat(beat)) beats.push(liveSlice(beat, activity.attempt ?? 1));
  }
  return beats.sort((a, b) => a.what.localeCompare(b.what, 'en', { numeric: true }));
}

function liveSlice({ what, rate, state }: SliceHeartbeat, attempt: number): LiveSlice {
  const cursor = state.cursor === undefined ? {} : { cursor: state.cursor };
  return { what, points: state.points, ...cursor, rate, attempt };
}

function isSliceHeartbeat(value: unknown): value is SliceHeartbeat {
  if (value === null || typeof value !== 'object') return false;
  const beat = value as Partial<SliceHeartbeat>;
  return beat.v === 1 && typeof beat.what === 'string' && typeof beat.state?.points === 'number';
}

function decode(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function statusOf(view: CollectionView | undefined): { status?: CollectionStatus } {
  return view?.status ? { status: view.status } : {};
}

function handleOf(temporal: Temporal, workflowId: string): WorkflowHandle {
  return temporal.client.workflow.getHandle(workflowId);
}

function ask<T>(temporal: Temporal, handle: WorkflowHandle): Promise<T | undefined> {
  return quietly(() => temporal.call(() => handle.query<T>('status'), QUERY_MS));
}

async function quietly<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch {
    return undefined;
  }
}
