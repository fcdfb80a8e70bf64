// What an operator is shown of a collection and of a job: the answer to the query `status`, and the text under "User
// Metadata" in the Temporal UI. Pure functions of the state; the text is CommonMark without tables, because older
// UIs do not show tables.

import type { CollectionRef } from '../collections.js';
import { type Pace, describePace, isPaced, whole, type SteeringState, type Phase } from './steering.js';
import type { CollectionStatus, Outcome, ShardCount } from '../contracts/results.js';
import { operations, phaseText, type Counted, type OperationName } from '../operations.js';
import { shardsCaptured } from './capture-progress.js';
import { indexingText } from './indexing.js';
import { shortWarnings } from './job-report.js';
import { shardsMoved } from './move-progress.js';
import type { CollectionProgress } from './progress-state.js';
import { countShards } from './recovery-progress.js';

export function collectionStatus(
  progress: CollectionProgress,
  { source, target }: { source: CollectionRef; target: CollectionRef },
  { paused, attention }: SteeringState,
): CollectionStatus {
  const { phase, page, indexing, warnings } = progress;
  const shards = shardsOf(progress);
  return {
    v: 1,
    operation: progress.operation,
    phase,
    source: `${source.cluster}/${source.collection}`,
    target: `${target.cluster}/${target.collection}`,
    points: progress.already + progress.copied.points,
    total: progress.total,
    bytes: progress.copied.bytes,
    slicesDone: page?.walk.filter((slot) => slot.done).length ?? 0,
    slices: page?.walk.length ?? 0,
    verifiedPoints: progress.verified.points,
    paused,
    startedAt: progress.startedAt,
    ...(shards === undefined ? {} : { shards }),
    ...(indexing === undefined ? {} : { indexing }),
    ...(attention === undefined ? {} : { attention }),
    ...(warnings.length === 0 ? {} : { warnings: shortWarnings(warnings) }),
  };
}

function shardsOf(progress: CollectionProgress): ShardCount | undefined {
  switch (progress.operation) {
    case 'fullBackup':
    case 'incrementalBackup':
      return progress.capture && shardsCaptured(progress.capture);
    case 'snapshotMigration':
      return shardsMoved(progress.move);
    case 'disasterRecovery':
    case 'rehearseRecovery': {
      const { plan, prepared, done, slicesDone, bytes } = progress.recovery;
      if (prepared === undefined) return undefined;
      const shards = countShards(prepared.shards, done);
      if (plan?.slices === undefined || shards.done < shards.of) return { ...shards, bytes };
      return { done: slicesDone.length, of: plan.slices, bytes, unit: 'slices' };
    }
    case 'scrollMigration':
    case 'verifyCollections':
      return undefined;
  }
}

/** How far a collection is, in what its phase counts. */
export interface Measure {
  counts: Counted;
  done: number;
  total: number;
  unit: string;
}

/** `live`: points that running activities have read or written since their claims. */
export function measureOf(status: CollectionStatus, live = 0): Measure {
  const counts = countedIn(status);
  if (counts === 'shards' && 'shards' in status && status.shards)
    return {
      counts,
      done: status.shards.done,
      total: status.shards.of,
      unit: status.shards.unit ?? 'shards',
    };
  if (counts === 'nothing') return { counts, done: 0, total: 0, unit: '' };
  const done = Math.min(status.total, (counts === 'read' ? status.verifiedPoints : status.points) + live);
  return { counts, done, total: status.total, unit: 'points' };
}

/** A paused or parked collection shows how far it was. */
function countedIn(status: CollectionStatus): Counted {
  const { operation, phase, verifiedPoints } = status;
  const counts = operations[operation].phases[phase]?.counts;
  const isHeld = phase === 'paused' || phase === 'awaiting-operator';
  const hasRead = verifiedPoints > 0;
  if (counts === 'shards' || (isHeld && !hasRead && operations[operation].shardPhases.length > 0))
    return 'shards' in status && (status.shards?.of ?? 0) > 0 ? 'shards' : 'copied';
  if (isHeld) return hasRead ? 'read' : 'copied';
  // Nothing is read again where the content is not proved.
  if (counts === 'read' && phase === 'finishing' && !hasRead) return 'copied';
  return counts ?? 'nothing';
}

/** "2 of 4 shards (1,234 MB)" */
export function measureText(status: CollectionStatus, { counts, done, total, unit }: Measure): string {
  const size =
    counts === 'shards' && 'shards' in status ? ` (${whole((status.shards?.bytes ?? 0) / 1e6)} MB)` : '';
  return `${whole(done)} of ${whole(total)} ${total === 1 ? unit.replace(/s$/, '') : unit}${size}`;
}

/** "2 of 4 shards (12 MB) of docs are on b": for the answer to a command. */
export function standingText(
  status: CollectionStatus,
  { source, target }: { source: CollectionRef; target: CollectionRef },
): string {
  const measure = measureOf(status);
  const { standing } = operations[status.operation];
  if (measure.counts === 'nothing' || measure.total === 0)
    return `${source.collection}: ${phaseText(status.operation, status.phase)}`;
  const what = measureText(status, measure);
  return `${what} of ${source.collection} ${standing[measure.counts](target.cluster)}`;
}

export interface CollectionDetails {
  title: string;
  copyMs: number;
  verifyMs: number;
  pace: Pace;
  lastError?: string;
}

export function renderCollection(status: CollectionStatus, details: CollectionDetails): string {
  const { operation, phase, slices, slicesDone, indexing, attention } = status;
  const { title, pace, lastError } = details;
  const lines = [`**${title}**: ${phaseText(operation, phase)}`, '', ...barLines(status, details)];
  if (slices > 0) lines.push(`- slices: ${slicesDone} of ${slices} in this pass`);
  if (indexing) lines.push(`- everything is proved; ${indexingText(indexing)}: ${indexing.reason}`);
  if (isPaced(pace)) lines.push(`- limit: ${describePace(pace)}`);
  if (isWorking(phase)) lines.push(`- errors of attempts that are retried: ${WHERE_ERRORS_STAND}`);
  if (lastError) lines.push(`- last error: ${firstLine(lastError)}`);
  if (attention) lines.push('', `**Waiting for an operator.** ${attention}`);
  lines.push('', `What you can do: ${choices(phase, attention !== undefined)}`);
  return lines.join('\n');
}

function barLines(status: CollectionStatus, { copyMs, verifyMs }: CollectionDetails): string[] {
  const measure = measureOf(status);
  const { counts, done, total } = measure;
  if (counts === 'nothing') return [];
  const pace = counts === 'shards' ? '' : `, ${rateText(done, total, counts === 'read' ? verifyMs : copyMs)}`;
  return [`\`${bar(done, total)}\` ${measureText(status, measure)}${pace}`, ''];
}

/** Temporal does not tell a workflow about a failed attempt while another attempt is to come. */
const WHERE_ERRORS_STAND = 'under Pending Activities on this page, and in `ferry status`';

function isWorking(phase: Phase): boolean {
  return phase !== 'done' && phase !== 'paused' && phase !== 'awaiting-operator';
}

export type LineState = 'waiting' | 'running' | Outcome;

export interface JobDetails {
  operation: OperationName;
  source: string;
  target: string;
  phase: Phase;
  collections: readonly { collection: string; state: LineState; points: number; note?: string }[];
  finished: number;
  known: number;
  moreToCome: boolean;
  pace: Pace;
}

const MAX_LINES = 20;
const order: readonly LineState[] = [
  'failed',
  'different',
  'running',
  'aborted',
  'skipped',
  'waiting',
  'unproven',
  'verified',
];

export function renderJob(view: JobDetails): string {
  const { operation, source, target, phase } = view;
  const known = `${view.finished} of ${view.known}${view.moreToCome ? ' or more' : ''}`;
  const ranked = [...view.collections].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const lines = [
    `**${operation}: ${source} → ${target}**: ${phaseText(operation, phase)}`,
    '',
    `\`${bar(view.finished, view.known)}\` ${known} collections`,
    '',
    ...ranked.slice(0, MAX_LINES).map(collectionLine),
  ];
  if (ranked.length > MAX_LINES) lines.push(`- and ${ranked.length - MAX_LINES} more`);
  if (isPaced(view.pace)) lines.push('', `Limit: ${describePace(view.pace)}`);
  lines.push('', `What you can do: ${choices(phase, phase === 'awaiting-operator')}`);
  return lines.join('\n');
}

export function bar(done: number, total: number, width = 24): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.floor(share * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${Math.floor(share * 100)} %`;
}

function rateText(points: number, total: number, ms: number): string {
  if (ms <= 0 || points <= 0) return 'no rate yet';
  const rate = points / (ms / 1000);
  const left = Math.max(0, total - points) / rate;
  return `${whole(rate)} points/s${left > 0 ? `, ${duration(left)} left` : ''}`;
}

function duration(seconds: number): string {
  if (seconds < 90) return `about ${Math.ceil(seconds)} s`;
  if (seconds < 5_400) return `about ${Math.ceil(seconds / 60)} min`;
  return `about ${(seconds / 3_600).toFixed(1)} h`;
}

function collectionLine(line: JobDetails['collections'][number]): string {
  const points = line.points > 0 ? `, ${whole(line.points)} points` : '';
  const note = line.note ? `: ${firstLine(line.note)}` : '';
  return `- ${line.collection} — ${line.state}${points}${note}`;
}

function choices(phase: Phase, waits: boolean): string {
  if (phase === 'done') return 'nothing, the work is done.';
  if (waits) return 'send the update `retry` to try again, or `abort`.';
  if (phase === 'paused') return 'send the update `resume` to continue, or `abort`.';
  return 'send the update `pause`, `throttle`, or `abort`.';
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
