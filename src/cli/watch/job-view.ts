// What the watcher knows of a job at one moment, from its queries and heartbeats, and what of it goes into a line of
// progress. Only for showing: what cannot be read is left as it was before.

import type { WorkflowExecutionDescription, WorkflowHandle } from '@temporalio/client';
import type { CollectionStatus, JobStatus } from '../../model/contracts/results.js';
import type { Phase } from '../../model/state/steering.js';
import { type OperationName, operations, phaseText } from '../../model/operations.js';
import { sumOfIndexing } from '../../model/state/indexing.js';
import { type Measure, measureOf, measureText } from '../../model/state/progress.js';
import type { Temporal } from '../temporal.js';
import { count } from '../terminal/formatting.js';
import { heartbeatsOf, type Heartbeat } from './heartbeats.js';
import { type Trouble, troublesOf } from './pending-work.js';

export interface CollectionView {
  collection: string;
  workflowId: string;
  state: JobStatus['collections'][number]['state'];
  status?: CollectionStatus;
  /** Of the activities that run for it now. */
  heartbeats: Heartbeat[];
  /** What it waits for that fails, or that no worker does. */
  troubles: Trouble[];
}

export interface JobView {
  operation: OperationName;
  phase: Phase;
  paused: boolean;
  collections: CollectionView[];
  /** Of the job's own activities. */
  troubles: Trouble[];
}

export function troublesIn(view: JobView): Trouble[] {
  return [...view.troubles, ...view.collections.flatMap((one) => one.troubles)];
}

/** The queues on which something of this job is done now: what waits there waits for its turn. */
export function attendedIn(collections: readonly Pick<CollectionView, 'heartbeats'>[]): Set<string> {
  const beats = collections.flatMap(({ heartbeats }) => heartbeats);
  return new Set(beats.flatMap(({ attended }) => attended ?? []));
}

export interface Progress {
  /** What is being done: words for a job's phase, or of the command itself. */
  phase: string;
  /** The collections that are worked on. */
  label: string;
  done: number;
  total: number;
  /** What is counted: points, when absent. */
  unit?: string;
}

/** "copy slice 3 of 8 of docs" copies; whatever else a data activity does is part of the proof. */
function isCopy(heartbeat: Heartbeat): boolean {
  return heartbeat.what.startsWith('copy');
}

/** How far a running collection is, with what its activities have done since their claims. */
function measureNow({ status, heartbeats }: CollectionView): Measure | undefined {
  if (!status) return undefined;
  const { counts } = measureOf(status);
  const live = heartbeats.filter((heartbeat) => isCopy(heartbeat) === (counts === 'copied'));
  return measureOf(
    status,
    live.reduce((sum, { points = 0 }) => sum + points, 0),
  );
}

export function pointsDone(view: CollectionView): number {
  if (view.status && view.state !== 'running') return view.status.total;
  const measure = measureNow(view);
  return measure?.unit === 'points' ? measure.done : 0;
}

/** "400 of 1,000 points", or what became of a collection that has ended: "1,000 points stored". */
export function howFar(view: CollectionView): string {
  const { status, state } = view;
  if (!status || state === 'waiting') return '';
  if (state !== 'running') return `${count(status.total)} ${operations[status.operation].report.points}`;
  const measure = measureNow(view);
  return measure && measure.total > 0 ? measureText(status, measure) : '';
}

export function progressOf(view: JobView | undefined): Progress {
  if (!view) return { phase: 'starting', label: '', done: 0, total: 0 };
  const running = view.collections.filter((one) => one.state === 'running');
  const [first] = running;
  if (!first) return { phase: phaseText(view.operation, view.phase), label: '', done: 0, total: 0 };
  const label = labelOf(view, running);
  const { operation, phase } = first.status ?? { operation: view.operation, phase: 'planning' };
  const head = { phase: phaseText(operation, phase), label };
  const indexing = sumOfIndexing(running.flatMap((one) => one.status?.indexing ?? []));
  if (phase === 'finishing' && indexing && indexing.indexed > 0)
    return { ...head, done: indexing.indexed, total: indexing.vectors, unit: 'vectors indexed' };
  const measures = running.flatMap((one) => measureNow(one) ?? []);
  const unit = measures[0]?.unit ?? 'points';
  const alike = measures.filter((one) => one.unit === unit);
  const done = alike.reduce((sum, one) => sum + one.done, 0);
  const total = alike.reduce((sum, one) => sum + one.total, 0);
  return { ...head, done, total, ...(unit === 'points' ? {} : { unit: total === 1 ? 'shard' : unit }) };
}

function labelOf(view: JobView, running: readonly CollectionView[]): string {
  const all = view.collections.length;
  const ended = view.collections.filter((one) => one.state !== 'waiting' && one.state !== 'running').length;
  const name = running.length === 1 ? running[0]!.collection : `${running.length} collections`;
  return all > 1 ? `${name} (${ended} of ${all} done)` : name;
}

/** What the operator should know: one line for each parked or paused collection. `ferry` is how to call the command. */
export function attentionOf(view: JobView, parentId: string, ferry = 'ferry'): string[] {
  const lines: string[] = [];
  for (const one of view.collections) {
    if (one.status?.phase === 'awaiting-operator') {
      const why = one.status.attention ?? 'it waits for an operator';
      const id = quoted(one.workflowId);
      lines.push(`${one.collection} is parked: ${why} (${ferry} retry ${id}, or ${ferry} abort ${id})`);
    } else if (one.status?.attention) {
      lines.push(`${one.collection}: ${one.status.attention}`);
    }
  }
  if (view.paused) lines.push(`paused; continue with: ${ferry} resume ${quoted(parentId)}`);
  return lines;
}

export function quoted(id: string): string {
  return /^[A-Za-z0-9._/:@%+=,-]+$/.test(id) ? id : `'${id.replaceAll("'", `'\\''`)}'`;
}

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
