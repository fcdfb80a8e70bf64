// The result of a job over many collections, kept small: lines as long as the budget lasts, sums over everything.

import type { CollectionEnd, CollectionLine, JobReport, Outcome } from './results.js';

export const LINES_BUDGET_BYTES = 12 * 1024 - 512;
const MAX_ERROR = 240;
const MAX_IDS = 10;
const MAX_NOTES = 10;

export interface JobProgress {
  startedAt: string;
  lines: CollectionLine[];
  /** Size of `lines` as JSON. */
  linesBytes: number;
  more: number;
  tally: Record<Outcome, number>;
  points: number;
  bytes: number;
  /** What was found out about the job as a whole; at most ten sentences. */
  notes?: string[];
}

export function addNotes(progress: JobProgress, notes: readonly string[]): void {
  if (notes.length === 0) return;
  progress.notes = [...new Set([...(progress.notes ?? []), ...notes])].slice(0, MAX_NOTES);
}

export function newJobProgress(startedAt: string): JobProgress {
  return {
    startedAt,
    lines: [],
    linesBytes: 0,
    more: 0,
    tally: { verified: 0, unproven: 0, different: 0, failed: 0, aborted: 0 },
    points: 0,
    bytes: 0,
  };
}

/** Troubles are kept in preference to successes, which their own rows tell as well. */
export function addLine(progress: JobProgress, line: CollectionLine, bytes: number): void {
  progress.tally[line.outcome] += 1;
  progress.points += line.points;
  progress.bytes += bytes;
  const size = sizeOf(line);
  while (line.outcome !== 'verified' && progress.linesBytes + size > LINES_BUDGET_BYTES) {
    const victim = progress.lines.findLastIndex((other) => other.outcome === 'verified');
    if (victim < 0) break;
    progress.linesBytes -= sizeOf(progress.lines[victim]);
    progress.lines.splice(victim, 1);
    progress.more += 1;
  }
  if (progress.linesBytes + size > LINES_BUDGET_BYTES) {
    progress.more += 1;
    return;
  }
  progress.lines.push(line);
  progress.linesBytes += size;
}

export function jobReport(progress: JobProgress, source: string, target: string, now: number): JobReport {
  const { tally, lines, more, points, bytes, startedAt, notes } = progress;
  return {
    source,
    target,
    outcome: outcomeOf(tally),
    collections: lines,
    more,
    verified: tally.verified,
    different: tally.different,
    failed: tally.failed + tally.aborted,
    points,
    bytes,
    seconds: Math.round((now - Date.parse(startedAt)) / 1000),
    ...(notes === undefined ? {} : { notes }),
  };
}

export function outcomeOf(tally: Record<Outcome, number>): Outcome {
  if (tally.failed > 0) return 'failed';
  if (tally.aborted > 0) return 'aborted';
  if (tally.different > 0) return 'different';
  return tally.unproven > 0 ? 'unproven' : 'verified';
}

export interface LineNames {
  collection: string;
  as: string;
  workflowId: string;
}

export function lineOf(names: LineNames, report: CollectionEnd): CollectionLine {
  const ids = (report.proof?.first ?? []).slice(0, MAX_IDS).map((difference) => difference.id);
  const points = pointsOf(report);
  const { outcome, proven, leftOnNode = [], expectedPoints, recall, moved, because, from } = report;
  return {
    ...ends(names),
    outcome,
    points,
    ...(ids.length > 0 ? { ids } : {}),
    ...(proven === undefined ? {} : { proven }),
    ...(expectedPoints === undefined ? {} : { expectedPoints }),
    ...(from === undefined || from.foreign !== undefined ? {} : { fromBackup: from.backup }),
    ...(recall === undefined ? {} : { recall }),
    ...(moved === undefined ? {} : { moved }),
    ...(because === undefined ? {} : { because }),
    ...(leftOnNode.length > 0 ? { leftOnNode } : {}),
  };
}

export function pointsOf(report: CollectionEnd): number {
  return report.proof?.source.count ?? report.points ?? 0;
}

export function failedLine(names: LineNames, code: string, message: string): CollectionLine {
  const outcome = code === 'Aborted' ? 'aborted' : code === 'SidesDiffer' ? 'different' : 'failed';
  const first = message.split('\n', 1)[0] ?? '';
  const text = `${code}: ${first}`;
  const error = text.length <= MAX_ERROR ? text : `${text.slice(0, MAX_ERROR - 1)}…`;
  return { ...ends(names), outcome, points: 0, error };
}

function ends({ collection, as, workflowId }: LineNames) {
  return { collection, ...(as === collection ? {} : { as }), workflowId };
}

/** Bytes of UTF-8, at most: no TextEncoder in the sandbox. */
function sizeOf(line: CollectionLine | undefined): number {
  const text = JSON.stringify(line ?? '');
  let bytes = 1;
  for (const character of text) bytes += character.codePointAt(0)! < 128 ? 1 : 4;
  return bytes;
}
