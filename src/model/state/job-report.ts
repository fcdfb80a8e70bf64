// The result of a job over many collections, kept small: lines as long as the budget lasts, sums over everything.

import { hasTrait } from '../errors.js';
import type { OperationName } from '../operations.js';
import type { CollectionEnd, CollectionLine, JobReport, Outcome, Repaired } from '../contracts/results.js';

export const LINES_BUDGET_BYTES = 12 * 1024 - 512;
const MAX_ERROR = 240;
const LONGEST_TOLD_NAME = 30;
const MAX_IDS = 10;
const MAX_NOTES = 10;
const MAX_WARNINGS = 10;
const MAX_WARNING = 240;

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
    tally: { verified: 0, unproven: 0, different: 0, failed: 0, aborted: 0, skipped: 0 },
    points: 0,
    bytes: 0,
  };
}

/** Troubles and warnings are kept in preference to plain successes, which their own rows tell as well. */
export function addLine(progress: JobProgress, line: CollectionLine, bytes: number): void {
  progress.tally[line.outcome] += 1;
  progress.points += line.points;
  progress.bytes += bytes;
  const size = sizeOf(line);
  while (isTelling(line) && progress.linesBytes + size > LINES_BUDGET_BYTES) {
    const victim = progress.lines.findLastIndex((other) => !isTelling(other));
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

function isTelling({ outcome, warnings }: CollectionLine): boolean {
  return outcome !== 'verified' || warnings !== undefined;
}

export function jobReport(
  operation: OperationName,
  progress: JobProgress,
  { source, target }: { source: string; target: string },
  now: number,
): JobReport {
  const { tally, lines, more, points, bytes, startedAt, notes } = progress;
  const isEmpty = Object.values({ ...tally, skipped: 0 }).every((count) => count === 0);
  return {
    operation,
    source,
    target,
    ...(isEmpty ? { outcome: 'unproven', reason: NOTHING_TO_DO } : { outcome: outcomeOf(tally) }),
    collections: [...lines].sort((a, b) => (a.collection < b.collection ? -1 : 1)),
    more,
    verified: tally.verified,
    different: tally.different,
    failed: tally.failed + tally.aborted,
    ...(tally.skipped > 0 ? { skipped: tally.skipped } : {}),
    points,
    bytes,
    seconds: Math.round((now - Date.parse(startedAt)) / 1000),
    ...(notes === undefined ? {} : { notes }),
  };
}

const NOTHING_TO_DO = 'there was no collection to work on, so nothing is proved';

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
  const {
    outcome,
    proven,
    changes,
    leftOnNode = [],
    expectedPoints,
    recall,
    moved,
    because,
    from,
    reason,
  } = report;
  const { repaired, indexing, warnings = [] } = report;
  return {
    ...ends(names),
    outcome,
    points,
    ...(ids.length > 0 ? { ids } : {}),
    ...(proven === undefined ? {} : { proven }),
    ...(changes === undefined ? {} : { changes }),
    ...(expectedPoints === undefined ? {} : { expectedPoints }),
    ...(from === undefined || from.external !== undefined ? {} : { fromBackup: from.backup }),
    ...(recall === undefined ? {} : { recall }),
    ...(moved === undefined ? {} : { moved }),
    ...(because === undefined ? {} : { because }),
    ...(reason === undefined ? {} : { reason }),
    ...(repaired && isAnything(repaired) ? { repaired } : {}),
    ...(indexing === undefined ? {} : { indexing }),
    ...(warnings.length > 0 ? { warnings: shortWarnings(warnings) } : {}),
    ...(leftOnNode.length > 0 ? { leftOnNode } : {}),
  };
}

function isAnything({ upserted, deleted, overwritten = 0 }: Repaired): boolean {
  return upserted + deleted + overwritten > 0;
}

/** Few and short enough for a job's result and for an answer to a query. */
export function shortWarnings(warnings: readonly string[]): string[] {
  const shown = warnings.length <= MAX_WARNINGS ? warnings : warnings.slice(0, MAX_WARNINGS - 1);
  const more = warnings.length - shown.length;
  return [
    ...shown.map((one) => shortened(one, MAX_WARNING)),
    ...(more > 0 ? [`and ${more} more warnings`] : []),
  ];
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

export function pointsOf(report: CollectionEnd): number {
  return report.proof?.source.count ?? report.points ?? 0;
}

const VANISHED = 'was deleted before its turn came';

/** Nobody named it: it was in the list when the job began, and not there any more when its turn came. */
export function skippedLine(names: LineNames, reason = VANISHED): CollectionLine {
  return { ...ends(names), outcome: 'skipped', points: 0, reason };
}

export function failedLine(names: LineNames, code: string, message: string): CollectionLine {
  const outcome = code === 'Aborted' ? 'aborted' : hasTrait(code, 'isDifference') ? 'different' : 'failed';
  const first = withBriefNames(message.split('\n', 1)[0] ?? '', [names.collection, names.as]);
  return { ...ends(names), outcome, points: 0, error: shortened(`${code}: ${first}`, MAX_ERROR) };
}

/** The line names its collection already: a name of 200 bytes would leave no room for the reason. */
function withBriefNames(text: string, names: readonly string[]): string {
  const long = names.filter((name) => name.length > LONGEST_TOLD_NAME);
  return long.reduce((told, name) => told.replaceAll(name, `${name.slice(0, LONGEST_TOLD_NAME)}…`), text);
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
