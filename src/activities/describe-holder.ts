import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { DescribeHolderInput, DescribeHolderResult } from '../model/contracts/activities.js';

/** Who holds a collection: the job a person started, not the child that carries the lock. */
export async function describeHolder(
  client: Pick<Client, 'workflow'>,
  { workflowId }: DescribeHolderInput,
): Promise<DescribeHolderResult> {
  const holder = await describe(client, workflowId);
  if (!holder || holder.status.name !== 'RUNNING') {
    return { holder: `${workflowId}, which has just ended` };
  }
  const parentId = holder.parentExecution?.workflowId;
  const job = parentId ? ((await describe(client, parentId)) ?? holder) : holder;
  return { holder: `${job.type} ${job.workflowId}, running since ${job.startTime.toISOString()}` };
}

async function describe(
  client: Pick<Client, 'workflow'>,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    // By its name: activities/ does not load the client at run time.
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
    throw error;
  }
}
