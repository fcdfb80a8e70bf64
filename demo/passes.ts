// One job of the demo: started, watched to its end, and what it says of each collection.

import { randomUUID } from 'node:crypto';
import { CONTROL_QUEUE, DATA_QUEUE } from '../src/model/names.js';
import type { JobReport } from '../src/model/contracts/results.js';
import type { JobView } from '../src/cli/watch/job-view.js';
import type { Patience } from '../src/cli/terminal/keep-trying.js';
import type { ProgressDisplay } from '../src/cli/watch/progress-display.js';
import { startJob } from '../src/cli/jobs/follow-job.js';
import type { Temporal } from '../src/cli/temporal.js';
import { watchJob } from '../src/cli/watch/watch-job.js';
import type { JobEnd } from '../src/cli/terminal/exit-codes.js';

export interface DemoFrame {
  temporal: Temporal;
  patience: Patience;
  display: ProgressDisplay;
}

export interface Pass<Report> {
  workflowId: string;
  end: JobEnd;
  /** Of the collections that were verified. */
  reports: Report[];
}

export async function runPass<Report>(
  frame: DemoFrame,
  workflowType: string,
  name: string,
  input: Record<string, unknown>,
  onLook: (view: JobView, workflowId: string) => void = () => undefined,
): Promise<Pass<Report>> {
  const workflowId = `demo/${name}/${randomUUID().slice(0, 8)}`;
  await startJob({ ...frame, workflowType, workflowId, input });
  const queues = { controlQueue: CONTROL_QUEUE, dataQueues: [DATA_QUEUE] };
  const end = await watchJob({ ...frame, workflowId, ...queues, onLook: (view) => onLook(view, workflowId) });
  return { workflowId, end, reports: end.report ? await reportsOf<Report>(frame.temporal, end.report) : [] };
}

function reportsOf<Report>(temporal: Temporal, report: JobReport): Promise<Report[]> {
  const verified = report.collections.filter((line) => line.outcome === 'verified');
  return Promise.all(
    verified.map((line) => temporal.client.workflow.getHandle(line.workflowId).result() as Promise<Report>),
  );
}
