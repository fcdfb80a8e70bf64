// What an operator reads under "User Metadata" in the Temporal UI: one pure function of the state each, in CommonMark
// without tables (older UIs lose their columns).

import type { Pace } from '../contracts/activities.js';
import { describeCaptured, type CaptureProgress } from './capture-progress.js';
import { indexingText, type Indexing } from './indexing.js';
import type { Outcome, Phase } from '../contracts/results.js';
import { describePace, isPaced, whole } from './steering.js';

export interface CollectionView {
  title: string;
  phase: Phase;
  points: number;
  total: number;
  copyMs: number;
  verifiedPoints: number;
  verifyMs: number;
  slicesDone: number;
  slices: number;
  pace: Pace;
  /** Of a backup. */
  capture?: CaptureProgress;
  /** Of a target whose indexes are awaited. */
  indexing?: Indexing;
  lastError?: string;
  attention?: string;
}

export function renderCollection(view: CollectionView): string {
  const verifying = view.phase === 'verifying' || view.phase === 'repairing';
  const points = verifying ? view.verifiedPoints : view.points;
  const ms = verifying ? view.verifyMs : view.copyMs;
  const lines = [
    `**${view.title}**: ${phaseWords[view.phase]}`,
    '',
    `\`${bar(points, view.total)}\` ${whole(points)} of ${whole(view.total)} points, ${pulse(points, view.total, ms)}`,
    '',
  ];
  if (view.slices > 0) lines.push(`- slices: ${view.slicesDone} of ${view.slices} in this pass`);
  if (view.capture) lines.push(`- in the store: ${describeCaptured(view.capture)}`);
  if (view.indexing)
    lines.push(`- everything is proved; ${indexingText(view.indexing)}: ${view.indexing.reason}`);
  if (isPaced(view.pace)) lines.push(`- pace: ${describePace(view.pace)}`);
  if (isWorking(view.phase)) lines.push(`- errors that are tried again: ${WHERE_ERRORS_STAND}`);
  if (view.lastError) lines.push(`- last error: ${firstLine(view.lastError)}`);
  if (view.attention) lines.push('', `**Waits for an operator.** ${view.attention}`);
  lines.push('', `What you can do: ${choices(view.phase, view.attention !== undefined)}`);
  return lines.join('\n');
}

/** A workflow is not told of an attempt that failed while there is another one to come. */
const WHERE_ERRORS_STAND = 'under Pending Activities of this page, and in `ferry status`';

function isWorking(phase: Phase): boolean {
  return phase !== 'done' && phase !== 'paused' && phase !== 'awaiting-operator';
}

export type LineState = 'waiting' | 'running' | Outcome;

export interface JobView {
  title: string;
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

export function renderJob(view: JobView): string {
  const known = `${view.finished} of ${view.known}${view.moreToCome ? ' or more' : ''}`;
  const ranked = [...view.collections].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  const lines = [
    `**${view.title}**: ${phaseWords[view.phase]}`,
    '',
    `\`${bar(view.finished, view.known)}\` ${known} collections`,
    '',
    ...ranked.slice(0, MAX_LINES).map(collectionLine),
  ];
  if (ranked.length > MAX_LINES) lines.push(`- and ${ranked.length - MAX_LINES} more`);
  if (isPaced(view.pace)) lines.push('', `Pace: ${describePace(view.pace)}`);
  const waits = view.phase === 'awaiting-operator';
  lines.push('', `What you can do: ${choices(view.phase, waits)}`);
  return lines.join('\n');
}

export function bar(done: number, total: number, width = 24): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const full = Math.floor(share * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${Math.floor(share * 100)} %`;
}

const phaseWords: Record<Phase, string> = {
  planning: 'planning',
  capturing: 'capturing shards',
  checking: 'checking the objects in the store',
  copying: 'copying',
  verifying: 'verifying',
  repairing: 'comparing and repairing',
  finishing: 'finishing',
  paused: 'paused',
  'awaiting-operator': 'waiting for an operator',
  done: 'done',
};

function pulse(points: number, total: number, ms: number): string {
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

function collectionLine(line: JobView['collections'][number]): string {
  const points = line.points > 0 ? `, ${whole(line.points)} points` : '';
  const note = line.note ? `: ${firstLine(line.note)}` : '';
  return `- ${line.collection} — ${line.state}${points}${note}`;
}

function choices(phase: Phase, waits: boolean): string {
  if (phase === 'done') return 'nothing is left to do.';
  if (waits) return 'send the update `retry` to go on, or `abort`.';
  if (phase === 'paused') return 'send the update `resume` to go on, or `abort`.';
  return 'send the update `pause`, `throttle`, or `abort`.';
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}
