// What is counted of a job that has ended, and the labels that it is counted by.

import type { JobReport } from '../contracts/results.js';
import { policyOf } from '../names.js';

export interface JobLabels {
  operation: string;
  /** The one that is backed up, checked, or written. "" where a job has none, or several. */
  cluster: string;
  policy: string;
}

export interface JobEnd {
  outcome: string;
  bytes: number;
  collections: Record<string, number>;
}

/** `schedule` is the id of the schedule that started it. */
export function labelsOf(operation: string, input: unknown, schedule: unknown): JobLabels {
  const { cluster, clusters, target, scratch } = (input ?? {}) as Record<string, unknown>;
  const several: unknown[] = Array.isArray(clusters) ? clusters : [];
  const only = several.length === 1 ? several[0] : undefined;
  const named = [cluster, only, target, scratch].find((one) => typeof one === 'string');
  return {
    operation,
    cluster: typeof named === 'string' && named.length <= LONGEST_ALIAS ? named : '',
    policy: typeof schedule === 'string' ? (policyOf(schedule) ?? '') : '',
  };
}

const LONGEST_ALIAS = 64;

/** `found` is the job's result, or the detail of its failure: a report, where its operation has one. */
export function endOf(how: 'completed' | 'failed' | 'cancelled', found: unknown): JobEnd {
  if (!isReport(found)) return { outcome: how, bytes: 0, collections: {} };
  const { outcome, bytes, verified, different, failed, skipped = 0 } = found;
  return { outcome, bytes, collections: { verified, different, failed, skipped } };
}

function isReport(found: unknown): found is JobReport {
  if (typeof found !== 'object' || found === null) return false;
  const { outcome, bytes, verified } = found as Partial<Record<keyof JobReport, unknown>>;
  return typeof outcome === 'string' && typeof bytes === 'number' && typeof verified === 'number';
}
