// A check as a table: a line for each collection, then stores and disks, then what was found and what to do about it.

import type {
  CheckedCollection,
  CheckedDisk,
  CheckedStore,
  CheckReport,
  Finding,
  Status,
} from '../../model/contracts/check-activities.js';
import { ageText, numberText } from '../../model/health/collections.js';
import { bytes, columns, count, plural, seconds } from '../terminal/formatting.js';
import type { Paint } from '../terminal/output.js';

const HEAD = [
  'STATUS',
  'COLLECTION',
  'NEWEST BACKUP',
  'AGE',
  'KIND',
  'PROOF',
  'REHEARSED',
  'BACKUPS',
  'SIZE',
];

export function checkText(report: CheckReport, now: Date, paint: Paint): string[] {
  const { collections, stores, disks, findings, schedules, status, leftOut = {} } = report;
  const shared = repeated(collections.map(nameOf));
  const rows = collections.map((one) => collectionRow(one, rowName(one, shared), now));
  const [head = '', ...lines] = columns([HEAD, ...rows], [7, 8]);
  const table = collections.map((one, at) => painted(one.status, lines[at] ?? '', paint));
  return [
    ...(collections.length > 0 ? [head, ...table] : []),
    ...(leftOut.collections === undefined ? [] : [`and ${count(leftOut.collections)} more collections`]),
    ...columns([...stores.map(storeRow), ...disks.map(diskRow)]),
    ...findings.flatMap((one) => findingLines(one, paint)),
    ...(leftOut.findings === undefined ? [] : [`and ${count(leftOut.findings)} more findings`]),
    `${painted(status, status, paint)}: ${totalText(report)}, ${plural(schedules.length, 'schedule')}`,
  ];
}

function totalText({ collections, findings, leftOut = {} }: CheckReport): string {
  const all = new Set(collections.map(nameOf)).size + (leftOut.collections ?? 0);
  return `${plural(findings.length + (leftOut.findings ?? 0), 'finding')}, ${plural(all, 'collection')}`;
}

function nameOf({ cluster, collection }: CheckedCollection): string {
  return `${cluster}/${collection}`;
}

/** What several policies protect has a row of each. */
function rowName(one: CheckedCollection, shared: ReadonlySet<string>): string {
  const name = nameOf(one);
  return shared.has(name) && one.policy !== undefined ? `${name} (${one.policy})` : name;
}

function repeated(names: readonly string[]): Set<string> {
  const [once, again] = [new Set<string>(), new Set<string>()];
  for (const name of names) (once.has(name) ? again : once).add(name);
  return again;
}

function collectionRow(one: CheckedCollection, name: string, now: Date): string[] {
  const { status, newest, proof, rehearsal, backups } = one;
  const ago = (at: string) => ageText(Math.max(0, now.getTime() - Date.parse(at)));
  const took = rehearsal?.recoverySeconds;
  return [
    status,
    name,
    newest?.backup ?? '-',
    newest === undefined ? '-' : ago(newest.at),
    newest?.kind ?? '-',
    proof === undefined ? '-' : `${proof.kind} ${ago(proof.at)} ago`,
    rehearsal === undefined
      ? '-'
      : `${ago(rehearsal.at)} ago${took === undefined ? '' : `, took ${seconds(took)}`}`,
    count(backups),
    bytes(one.bytes),
  ];
}

function storeRow({ store, bytes: size, byKind, growthBytesPerDay, daysUntilFull }: CheckedStore): string[] {
  const other = byKind.other > 0 ? `, other ${bytes(byKind.other)}` : '';
  const growth = growthBytesPerDay === undefined ? '' : `, ${bytes(growthBytesPerDay)} written a day`;
  const full =
    daysUntilFull === undefined ? '' : `, full in ${plural(daysUntilFull, 'day')} if nothing is pruned`;
  const kinds = `full ${bytes(byKind.full)}, increments ${bytes(byKind.increment)}${other}`;
  return [`store ${store}`, `${bytes(size)} (${kinds})${growth}${full}`];
}

function diskRow({ place, host, usedPercent, freeBytes, unknown }: CheckedDisk): string[] {
  const where = `${place}${host === undefined ? '' : ` on ${host}`}`;
  if (usedPercent === undefined || freeBytes === undefined) return [where, `not known: ${unknown ?? ''}`];
  return [where, `${numberText(usedPercent)} % used, ${bytes(freeBytes)} free`];
}

function findingLines({ severity, text, hint }: Finding, paint: Paint): string[] {
  return [painted(severity, `${severity}: ${text}`, paint), `  ${hint}`];
}

function painted(status: Status, line: string, paint: Paint): string {
  if (status === 'ok') return line;
  return status === 'critical' ? paint.red(line) : paint.yellow(line);
}

/** What is new since the report before, and what is over. */
export function changesText(before: CheckReport, after: CheckReport, now: Date, paint: Paint): string[] {
  const nameOf = ({ kind, cluster, collection, store, place, schedule, queue, severity }: Finding) =>
    JSON.stringify([kind, severity, cluster, collection, store, place, schedule, queue]);
  const [old, fresh] = [before, after].map(({ findings }) => new Set(findings.map(nameOf)));
  const added = after.findings.filter((one) => !old?.has(nameOf(one)));
  const solved = before.findings.filter((one) => !fresh?.has(nameOf(one)));
  const at = now.toISOString().slice(11, 19);
  return [
    ...added.flatMap((one) => findingLines(one, paint)).map((line) => `${at}  ${line}`),
    ...solved.map(({ text }) => `${at}  over: ${text}`),
    ...(before.status === after.status ? [] : [`${at}  ${before.status} -> ${after.status}`]),
  ];
}
