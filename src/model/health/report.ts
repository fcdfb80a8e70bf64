// The report of a check, out of its parts: the worst first, and every list short enough for a payload of Temporal.

import type { CheckReport, Finding, Status } from '../contracts/check-activities.js';
import { worstOf } from './collections.js';

/** Report and previous report together are one input of an activity, which Temporal limits. */
const MOST = { findings: 100, collections: 200, disks: 50, schedules: 100 } as const;

export type ReportParts = Omit<CheckReport, 'status'>;

export function reportOf(parts: ReportParts): CheckReport {
  const findings = [...parts.findings].sort(bySeverity);
  const collections = [...parts.collections].sort((a, b) => RANK[a.status] - RANK[b.status]);
  const disks = [...parts.disks].sort((a, b) => (b.usedPercent ?? -1) - (a.usedPercent ?? -1));
  const lists = { findings, collections, disks, schedules: parts.schedules };
  const leftOut = { ...parts.leftOut };
  for (const name of Object.keys(MOST) as (keyof typeof MOST)[]) {
    const cut = (leftOut[name] ?? 0) + Math.max(0, lists[name].length - MOST[name]);
    if (cut > 0) leftOut[name] = cut;
  }
  return {
    ...parts,
    status: worstOf(findings),
    findings: findings.slice(0, MOST.findings),
    collections: collections.slice(0, MOST.collections),
    disks: disks.slice(0, MOST.disks),
    schedules: parts.schedules.slice(0, MOST.schedules),
    ...(Object.keys(leftOut).length === 0 ? {} : { leftOut }),
  };
}

const RANK: Record<Status, number> = { critical: 0, warning: 1, ok: 2 };

export function bySeverity(a: Pick<Finding, 'severity'>, b: Pick<Finding, 'severity'>): number {
  return RANK[a.severity] - RANK[b.severity];
}
