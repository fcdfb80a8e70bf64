// How a job ended, out of what Temporal keeps of it. A failed job carries its report in the failure's details.

import { WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import type { JobReport } from '../../model/contracts/results.js';
import type { JobEnd } from '../terminal/exit-codes.js';

/** Of a workflow that is known to have ended. */
export async function endOf(handle: WorkflowHandle): Promise<JobEnd> {
  try {
    const result: unknown = await handle.result();
    return isJobReport(result) ? { report: result } : {};
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return endOfFailure(error.cause);
  }
}

export function endOfFailure(cause: unknown): JobEnd {
  if (cause instanceof ApplicationFailure) {
    const report = cause.details?.find(isJobReport);
    const error = { code: cause.type ?? 'Internal', message: cause.message };
    return report ? { error, report } : { error };
  }
  if (cause instanceof CancelledFailure) return aborted('The job was cancelled', cause.details);
  if (cause instanceof TerminatedFailure) return aborted('The job was terminated', []);
  if (cause instanceof TimeoutFailure)
    return aborted('The job ran into the time-out it was started with', []);
  return { error: { code: 'Internal', message: cause instanceof Error ? cause.message : String(cause) } };
}

function aborted(happened: string, details: readonly unknown[] | null | undefined): JobEnd {
  const error = {
    code: 'Aborted',
    message: `${happened}. Start the same job again to go on from what is on the target.`,
  };
  const report = details?.find(isJobReport);
  return report ? { error, report } : { error };
}

export function isJobReport(value: unknown): value is JobReport {
  if (value === null || typeof value !== 'object') return false;
  const report = value as Partial<JobReport>;
  return typeof report.outcome === 'string' && Array.isArray(report.collections);
}
