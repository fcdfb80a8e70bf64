// Counts every job at its end, whatever operation it is: an interceptor round each workflow, so that no job can forget it.
// The SDK counts nothing twice when a workflow is replayed. A job that is terminated runs no code, and is not counted.

import {
  ApplicationFailure,
  ContinueAsNew,
  isCancellation,
  metricMeter,
  workflowInfo,
  type Next,
  type WorkflowExecuteInput,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptors,
} from '@temporalio/workflow';
import { JOB_METRICS } from '../../model/metrics.js';
import { endOf, labelsOf, type JobEnd, type JobLabels } from '../../model/state/job-end.js';

export const interceptors = (): WorkflowInterceptors => ({ inbound: [new CountJobs()] });

class CountJobs implements WorkflowInboundCallsInterceptor {
  async execute(
    input: WorkflowExecuteInput,
    next: Next<WorkflowInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    const { parent, workflowType, searchAttributes } = workflowInfo();
    if (parent !== undefined) return next(input);
    const schedule = (searchAttributes as Record<string, unknown[] | undefined>).TemporalScheduledById?.[0];
    const labels = labelsOf(workflowType, input.args[0], schedule);
    try {
      const result = await next(input);
      count(labels, endOf('completed', result));
      return result;
    } catch (error) {
      if (!(error instanceof ContinueAsNew)) count(labels, endOfFailure(error));
      throw error;
    }
  }
}

function endOfFailure(error: unknown): JobEnd {
  if (isCancellation(error)) return endOf('cancelled', undefined);
  return endOf('failed', error instanceof ApplicationFailure ? error.details?.[0] : undefined);
}

function count(labels: JobLabels, { outcome, bytes, collections }: JobEnd): void {
  counter('ferry_jobs_total').add(1, { ...labels, outcome });
  counter('ferry_job_bytes_total').add(bytes, { ...labels });
  for (const [outcome, number] of Object.entries(collections))
    counter('ferry_job_collections_total').add(number, { ...labels, outcome });
}

function counter(name: keyof typeof JOB_METRICS) {
  return metricMeter.createCounter(name, undefined, JOB_METRICS[name].help);
}
