// A job's report for people.

import { catalogue } from '../../model/error-catalogue.js';
import { isErrorCode } from '../../model/errors.js';
import { operations } from '../../model/operations.js';
import { indexingText, sumOfIndexing } from '../../model/state/indexing.js';
import { percent, type RecallShares } from '../../model/format/recall.js';
import type {
  Changes,
  CollectionLine,
  JobReport,
  MovedShards,
  Repaired,
} from '../../model/contracts/results.js';
import { errorText, type JobEnd } from '../terminal/exit-codes.js';
import { bytes, columns, count, plural, rate, seconds } from '../terminal/formatting.js';

export function endText(end: JobEnd, link: string | undefined): string[] {
  const lines = end.report ? reportText(end.report) : [];
  if (end.error && !end.report) lines.push(errorText(end.error));
  return link === undefined ? lines : [...lines, link];
}

export function reportText(report: JobReport): string[] {
  const { points } = operations[report.operation].report;
  const rows = report.collections.map((line) => [
    nameOf(line),
    line.outcome,
    count(line.points),
    points,
    provenText(line) ?? repairText(line.repaired),
  ]);
  const table = columns(rows, [2]);
  const lines = report.collections.flatMap((line, index) => [
    table[index] ?? '',
    ...findingsOf(line),
    ...detailsOf(line),
  ]);
  if (report.more > 0) lines.push(`and ${plural(report.more, 'collection')} more, each in its own workflow`);
  for (const left of report.leftOnNode ?? []) lines.push(`left on a node: ${left}`);
  lines.push(...(report.notes ?? []).map((note) => `note: ${note}`));
  return [...lines, summaryOf(report)];
}

function nameOf(line: CollectionLine): string {
  return line.as === undefined || line.as === line.collection
    ? line.collection
    : `${line.collection} -> ${line.as}`;
}

function repairText(repaired: Repaired | undefined): string {
  if (!repaired) return '';
  const { upserted, deleted, overwritten = 0 } = repaired;
  const parts = [
    ...(upserted > 0 ? [`${count(upserted)} written again`] : []),
    ...(deleted > 0 ? [`${count(deleted)} deleted`] : []),
    ...(overwritten > 0 ? [`${count(overwritten)} overwritten`] : []),
  ];
  return `on the target: ${parts.join(', ')}`;
}

function provenText({ proven }: CollectionLine): string | undefined {
  if (proven === 'quiesced') return 'content proven';
  return proven === 'recorded' ? 'digest recorded' : undefined;
}

function changesText({ base, changed, deleted, unstamped }: Changes): string {
  if (base === undefined) return 'a full backup, which continues none';
  const forgotten = unstamped === undefined ? '' : ` (${count(unstamped)} of them not stamped)`;
  return `${count(changed)} new or changed${forgotten}, ${count(deleted)} deleted since ${base}`;
}

/** What there is to say of a collection besides its points. */
function findingsOf(line: CollectionLine): string[] {
  const {
    points,
    expectedPoints = points,
    changes,
    recall,
    moved,
    because,
    reason,
    error,
    fromBackup,
    warnings = [],
  } = line;
  const other = `  ${count(expectedPoints)} points were counted when it was backed up`;
  return [
    ...(fromBackup === undefined ? [] : [`  from the backup ${fromBackup}`]),
    ...(expectedPoints === points ? [] : [other]),
    ...(changes ? [`  ${changesText(changes)}`] : []),
    ...(recall ? [`  ${recallText(recall)}`] : []),
    ...(moved ? movedText(moved).map((line) => `  ${line}`) : []),
    ...(because === undefined ? [] : [`  ${because}`]),
    ...(reason === undefined || error?.includes(reason) ? [] : [`  ${reason}`]),
    ...warnings.map((warning) => `  warning: ${warning}`),
  ];
}

const WAYS = { pull: 'pulled by the target', push: 'pushed to the target', both: 'pulled and pushed' };

function movedText({ shards, via, backup, safetyBackup, left }: MovedShards): string[] {
  const how = via === undefined ? 'moved by an earlier attempt' : WAYS[via];
  return [
    `as ${plural(shards, 'snapshot')}, ${how}`,
    ...(backup === undefined ? [] : [`the backup ${backup} is kept in the store`]),
    ...(safetyBackup === undefined ? [] : [`what was replaced is in the backup ${safetyBackup}`]),
    ...(left === undefined ? [] : [`the alias pointed to ${left} before`]),
  ];
}

export function recallText({ exact, approximate, atCapture, queries }: RecallShares): string {
  const found = `exact search ${percent(exact)}, approximate ${percent(approximate)}`;
  return `recall of ${plural(queries, 'search', 'searches')}: ${found} (${percent(atCapture)} when it was backed up)`;
}

function detailsOf(line: CollectionLine): string[] {
  const details: string[] = [];
  if (line.error !== undefined) details.push(...errorLines(line.error).map((text) => `  ${text}`));
  if (line.ids && line.ids.length > 0) details.push(`  differing ids: ${line.ids.join(', ')}`);
  for (const left of line.leftOnNode ?? []) details.push(`  left on a node: ${left}`);
  if (details.length > 0) details.push(`  workflow ${line.workflowId}`);
  return details;
}

/** A job keeps the beginning of an error. What to do stands at its end, and is known by the code. */
function errorLines(error: string): string[] {
  const [code] = error.split(':', 1);
  if (!error.endsWith('…') || !isErrorCode(code)) return [error];
  const { remedy } = catalogue[code];
  const at = error.lastIndexOf(remedy.slice(0, 12));
  return at < 0 ? [error, remedy] : [error.slice(0, at).trimEnd(), remedy];
}

function summaryOf(report: JobReport): string {
  const { total } = operations[report.operation].report;
  const parts = [
    `${report.source} -> ${report.target}${report.backup === undefined ? '' : ` ${report.backup}`}: ${plural(report.collections.length + report.more, 'collection')}`,
    total(plural(report.points, 'point'), report.bytes > 0 ? bytes(report.bytes) : undefined),
    seconds(report.seconds),
  ];
  if (report.seconds >= 10 && report.points > 0) parts.push(rate(report.points / report.seconds));
  return `${parts.join(', ')}: ${verdictOf(report)}`;
}

function verdictOf(report: JobReport): string {
  const { verified, unproven } = operations[report.operation].report;
  if (report.outcome === 'verified') {
    const indexing = sumOfIndexing(report.collections.flatMap((line) => line.indexing ?? []));
    return `${verified}${indexing ? `, ${indexingText(indexing)}` : ''}`;
  }
  const counts: string[] = [];
  if (report.outcome === 'unproven')
    counts.push(report.reason === undefined ? unproven : `unproven: ${report.reason}`);
  if (report.verified > 0) counts.push(`${report.verified} verified`);
  if (report.different > 0) counts.push(`${report.different} different`);
  if (report.failed > 0) counts.push(`${report.failed} failed`);
  return counts.join(', ') || report.outcome;
}
