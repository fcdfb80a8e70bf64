// What the watcher knows of a job at one moment, and what of it goes into a line of progress. Pure.

import { sumOfIndexing } from '../../model/state/indexing.js';
import { operations, phaseText, type OperationName } from '../../model/operations.js';
import { measureOf, measureText, type Measure } from '../../model/state/progress.js';
import type { CollectionStatus, JobStatus, Phase } from '../../model/contracts/results.js';
import { count } from '../terminal/formatting.js';
import type { Trouble } from './pending-work.js';

/** What a running data activity said last. */
export interface LiveSlice {
  /** "copy slice 3 of 8 of docs" */
  what: string;
  /** Since it was given the slice. */
  points: number;
  /** Next id that is not done. */
  cursor?: string;
  /** Points a second since this attempt began. */
  rate: number;
  /** 1, or more after a worker died or a call failed. */
  attempt: number;
}

export interface CollectionView {
  collection: string;
  workflowId: string;
  state: JobStatus['collections'][number]['state'];
  status?: CollectionStatus;
  /** Of the activities that run for it now. */
  heartbeats: LiveSlice[];
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
function isCopy(heartbeat: LiveSlice): boolean {
  return heartbeat.what.startsWith('copy');
}

/** How far a running collection is, with what its activities have done since their claims. */
function measureNow({ status, heartbeats }: CollectionView): Measure | undefined {
  if (!status) return undefined;
  const { counts } = measureOf(status);
  const live = heartbeats.filter((heartbeat) => isCopy(heartbeat) === (counts === 'copied'));
  return measureOf(
    status,
    live.reduce((sum, { points }) => sum + points, 0),
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
      const why = one.status.attention ?? 'waits for an operator';
      const id = quoted(one.workflowId);
      lines.push(`${one.collection} is parked: ${why} (${ferry} retry ${id}, or ${ferry} abort ${id})`);
    } else if (one.status?.attention) {
      lines.push(`${one.collection}: ${one.status.attention}`);
    }
  }
  if (view.paused) lines.push(`paused; ${ferry} resume ${quoted(parentId)} goes on`);
  return lines;
}

export function quoted(id: string): string {
  return /^[A-Za-z0-9._/:@%+=,-]+$/.test(id) ? id : `'${id.replaceAll("'", `'\\''`)}'`;
}
