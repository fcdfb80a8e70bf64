// One look at a job: the queries `status` of the parent and of its children, and what their running activities
// heartbeat. Only for showing: what cannot be had is left as it was before.

import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { SliceHeartbeat } from '../model/activities.js';
import type { CollectionStatus, JobStatus } from '../model/results.js';
import type { CollectionView, JobView, LiveSlice } from './job-view.js';
import type { Temporal } from './temporal.js';

const QUERY_MS = 3_000;
/** Ended collections that are asked for their figures in one look, so that a job of hundreds stays quick to watch. */
const ENDED_ASKED = 4;

export async function lookAtJob(
  temporal: Temporal,
  parentId: string,
  before: JobView | undefined,
): Promise<JobView | undefined> {
  const job = await ask<JobStatus>(temporal, handleOf(temporal, parentId));
  if (!job) return before;
  const known = new Map(before?.collections.map((one) => [one.workflowId, one]));
  let endedAsked = 0;
  const collections = await Promise.all(
    job.collections.map((line) => {
      const last = known.get(line.workflowId);
      const settled = line.state !== 'running' && last?.state === line.state;
      if (line.state === 'waiting' || settled) return { ...line, heartbeats: [], ...statusOf(last) };
      if (line.state !== 'running' && ++endedAsked > ENDED_ASKED) return { ...line, heartbeats: [] };
      return lookAtCollection(temporal, line, last);
    }),
  );
  return { phase: job.phase, paused: job.paused, collections };
}

export async function lookAtCollection(
  temporal: Temporal,
  line: { collection: string; workflowId: string; state: CollectionView['state'] },
  last?: CollectionView,
): Promise<CollectionView> {
  const handle = handleOf(temporal, line.workflowId);
  const [status, description] = await Promise.all([
    ask<CollectionStatus>(temporal, handle),
    quietly(() => temporal.call(() => handle.describe(), QUERY_MS)),
  ]);
  const heartbeats = description ? heartbeatsOf(description) : [];
  return { ...line, heartbeats, ...(status ? { status } : statusOf(last)) };
}

/** What the data activities of a workflow said last; those that have not spoken yet are absent. */
export function heartbeatsOf(description: WorkflowExecutionDescription): LiveSlice[] {
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
