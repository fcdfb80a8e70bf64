// The report of a check, out of its parts: the worst first, and every list short enough for a payload of Temporal.

import type { CheckedCollection, CheckReport, Finding, Status } from '../contracts/check-activities.js';
import { worstOf } from './collections.js';

/** Report and previous report together are one input of an activity, which Temporal limits. */
const MOST = { findings: 100, collections: 200, disks: 50, schedules: 100 } as const;

export type ReportParts = Omit<CheckReport, 'status'>;
type Lists = Pick<CheckReport, keyof typeof MOST>;

export function reportOf(parts: ReportParts): CheckReport {
  const { leftOut, ...lists } = cutLists(parts);
  const known = addUp(parts.leftOut ?? {}, leftOut);
  return {
    ...parts,
    ...lists,
    status: worstOf(parts.findings),
    ...(Object.keys(known).length === 0 ? {} : { leftOut: known }),
  };
}

/** The worst first; how many of each are left out. */
export function cutLists<T extends Partial<Lists>>(
  all: T,
): Pick<T, keyof T & keyof Lists> & { leftOut: NonNullable<CheckReport['leftOut']> } {
  const lists: Partial<Lists> = {
    ...(all.findings && { findings: [...all.findings].sort(bySeverity) }),
    ...(all.collections && { collections: [...all.collections].sort(byStatus) }),
    ...(all.disks && { disks: [...all.disks].sort((a, b) => (b.usedPercent ?? -1) - (a.usedPercent ?? -1)) }),
    ...(all.schedules && { schedules: all.schedules }),
  };
  const leftOut: NonNullable<CheckReport['leftOut']> = {};
  const cut: Record<string, unknown> = {};
  for (const name of Object.keys(lists) as (keyof Lists)[]) {
    const list: readonly unknown[] = lists[name] ?? [];
    cut[name] = list.slice(0, MOST[name]);
    if (list.length > MOST[name]) leftOut[name] = list.length - MOST[name];
  }
  return { ...(cut as Pick<T, keyof T & keyof Lists>), leftOut };
}

export function addUp(
  one: NonNullable<CheckReport['leftOut']>,
  other: NonNullable<CheckReport['leftOut']>,
): NonNullable<CheckReport['leftOut']> {
  const sum = { ...one };
  for (const name of Object.keys(other) as (keyof typeof other)[])
    sum[name] = (sum[name] ?? 0) + (other[name] ?? 0);
  return sum;
}

const RANK: Record<Status, number> = { critical: 0, warning: 1, ok: 2 };

function bySeverity(a: Finding, b: Finding): number {
  return RANK[a.severity] - RANK[b.severity];
}

function byStatus(a: Pick<CheckedCollection, 'status'>, b: Pick<CheckedCollection, 'status'>): number {
  return RANK[a.status] - RANK[b.status];
}

/** Of checks with different limits, as one. What several say is said once. */
export function mergeReports([first, ...others]: readonly CheckReport[], checkedAt: string): CheckReport {
  const all = first === undefined ? [] : [first, ...others];
  const distinct = <T>(items: readonly T[], keyOf: (item: T) => string): T[] => [
    ...new Map(items.map((item) => [keyOf(item), item])).values(),
  ];
  return reportOf({
    checkedAt,
    ...(others.length === 0 && first?.policy !== undefined ? { policy: first.policy } : {}),
    findings: distinct(
      all.flatMap(({ findings }) => findings),
      ({ policy: _policy, ...finding }) => JSON.stringify(finding),
    ),
    collections: all.flatMap(({ collections }) => collections),
    stores: distinct(
      all.flatMap(({ stores }) => stores),
      ({ store }) => store,
    ),
    disks: distinct(
      all.flatMap(({ disks }) => disks),
      ({ host, place, path }) => JSON.stringify([host, place, path]),
    ),
    schedules: distinct(
      all.flatMap(({ schedules }) => schedules),
      ({ schedule }) => schedule,
    ),
    queues: distinct(
      all.flatMap(({ queues }) => queues),
      ({ queue }) => queue,
    ),
    leftOut: all.reduce((sum, { leftOut = {} }) => addUp(sum, leftOut), {}),
  });
}
