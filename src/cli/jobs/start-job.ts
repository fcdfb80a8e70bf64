// Starts a workflow under an id of our choice. The id makes it safe to ask again when the server went away in
// between: what then "already runs" is the job of this very command.

import { randomBytes } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { FerryError } from '../../model/errors.js';
import { CONTROL_QUEUE, type Start } from '../../model/names.js';
import { isAway, keepTrying, type Patience } from './keep-trying.js';
import type { Temporal } from '../temporal.js';

export function startedNow(): Start {
  return { at: new Date(), nonce: randomBytes(2).toString('hex') };
}

export interface StartJob {
  temporal: Temporal;
  patience: Patience;
  workflowType: string;
  workflowId: string;
  input: Record<string, unknown>;
}

export async function startJob(job: StartJob): Promise<void> {
  const { temporal, workflowId } = job;
  let unsure = false;
  await keepTrying(job.patience, async () => {
    try {
      await temporal.call(() =>
        temporal.client.workflow.start(job.workflowType, {
          taskQueue: CONTROL_QUEUE,
          workflowId,
          args: [job.input],
        }),
      );
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError && unsure) return;
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw alreadyRuns(workflowId, error);
      unsure ||= isAway(error);
      throw error;
    }
  });
}

function alreadyRuns(workflowId: string, cause: unknown): FerryError {
  const happened = `A job with the id ${workflowId} runs already; \`ferry status ${workflowId}\` shows it`;
  return new FerryError('InvalidInput', happened, { cause });
}
