// What the watcher knows of a job at one moment, and what of it goes into a line of progress. Pure.

import { sumOfIndexing } from '../../model/state/indexing.js';
import type { CollectionStatus, JobStatus, Phase } from '../../model/contracts/results.js';
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
  /** What is being done: a job's phase, or a word of the command's own. */
  phase: string;
  /** The collections that are worked on. */
  label: string;
  done: number;
  total: number;
  /** What is counted, when it is not points. */
  unit?: string;
}

/** "copy slice 3 of 8 of docs" copies; everything else a data activity does is part of the proof. */
function isCopy(heartbeat: LiveSlice): boolean {
  return heartbeat.what.startsWith('copy');
}

export function pointsDone(view: CollectionView): number {
  const status = view.status;
  if (!status) return 0;
  if (view.state !== 'running') return status.total;
  const copying = status.phase === 'planning' || status.phase === 'copying';
  const live = view.heartbeats
    .filter((heartbeat) => isCopy(heartbeat) === copying)
    .reduce((sum, heartbeat) => sum + heartbeat.points, 0);
  const settled = isProving(status) ? status.verifiedPoints : status.points;
  return Math.min(status.total, settled + live);
}

function isProving(status: CollectionStatus): boolean {
  return status.phase === 'verifying' || status.phase === 'repairing' || status.verifiedPoints > 0;
}

export function progressOf(view: JobView | undefined): Progress {
  const running = view?.collections.filter((one) => one.state === 'running') ?? [];
  const first = running[0];
  if (!view || !first) return { phase: view?.phase ?? 'starting', label: '', done: 0, total: 0 };
  const label = labelOf(view, running);
  const phase = first.status?.phase ?? 'planning';
  const shards = running.flatMap((one) => (one.status?.shards ? [one.status.shards] : []));
  const total = shards.reduce((sum, one) => sum + one.of, 0);
  if ((phase === 'capturing' || phase === 'copying') && total > 0) {
    const done = shards.reduce((sum, one) => sum + one.captured, 0);
    return { phase, label, done, total, unit: total === 1 ? 'shard' : 'shards' };
  }
  const indexing = sumOfIndexing(running.flatMap((one) => one.status?.indexing ?? []));
  if (phase === 'finishing' && indexing && indexing.indexed > 0) {
    return { phase, label, done: indexing.indexed, total: indexing.vectors, unit: 'vectors indexed' };
  }
  return {
    phase,
    label,
    done: running.reduce((sum, one) => sum + pointsDone(one), 0),
    total: running.reduce((sum, one) => sum + (one.status?.total ?? 0), 0),
  };
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
