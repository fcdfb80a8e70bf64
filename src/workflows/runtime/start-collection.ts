// Starts the child workflow of one collection. Its id is the lock on the collection that is written: when another job
// holds it, this one names the holder, or waits for it when the input says so.

import {
  CancellationScope,
  ParentClosePolicy,
  condition,
  isCancellation,
  startChild,
  type ChildWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import { failure } from './failures.js';
import { runActivity } from './run-activity.js';

export interface Child {
  workflowId: string;
  type: string;
  /** Made when it starts, so that it has the limits and the pause of that moment. */
  input: () => unknown;
  summary: string;
  /** `skip`: as `fail`; whoever started it counts that as success. */
  onBusy: 'fail' | 'wait' | 'skip';
  /** It is not cancelled with what starts it, only when that has ended. */
  outlivesCancel?: true;
}

const FIRST_WAIT_MS = 2_000;
/** Each attempt is some ten events of history, and a job may wait for days. */
const LONGEST_WAIT_MS = 5 * 60_000;

export interface Waiting {
  /** True when the job was aborted or stopped, so that no child is needed. */
  givenUp(): boolean;
  waitsFor(holder: string): void;
}

/** Undefined when the job was aborted while it waited. */
export async function startCollection(
  child: Child,
  waiting: Waiting,
): Promise<ChildWorkflowHandle<Workflow> | undefined> {
  let holder: string | undefined;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    try {
      const start = () => startNow(child);
      return await (child.outlivesCancel ? CancellationScope.nonCancellable(start) : start());
    } catch (error) {
      if (!isAlreadyStarted(error)) throw error;
    }
    holder ??= await describeHolder(child.workflowId);
    if (child.onBusy !== 'wait') throw busy(child.workflowId, holder);
    waiting.waitsFor(holder);
    if (await condition(() => waiting.givenUp(), waitMs)) return undefined;
  }
}

function startNow(child: Child): Promise<ChildWorkflowHandle<Workflow>> {
  return startChild(child.type, {
    workflowId: child.workflowId,
    args: [child.input()],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: child.summary,
  });
}

function busy(workflowId: string, holder: string) {
  return failure(
    'CollectionBusy',
    `Another job works on this collection: ${holder}. Wait for it or abort it; \`onBusy: "wait"\` (\`--on-busy wait\`) waits for it. [workflow=${workflowId}]`,
  );
}

async function describeHolder(workflowId: string): Promise<string> {
  try {
    return (await runActivity('describeHolder', { workflowId }, `who holds ${workflowId}`)).holder;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return workflowId;
  }
}

/** The class is not exported to workflows; its name is part of the SDK's interface. */
function isAlreadyStarted(error: unknown): boolean {
  return error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError';
}
