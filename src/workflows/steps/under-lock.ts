// Work that must not run beside a job on the same collection: a child whose id is the lock. Promises that the holder is
// named, or waited for, and that the child's failure keeps its code.

import { ChildWorkflowFailure, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import { failure, troubleOf } from '../runtime/failures.js';
import { startCollection, type Child } from '../runtime/start-collection.js';

export async function underLock<T>(child: Child): Promise<T> {
  const waitsFor = (holder: string) => setCurrentDetails(`Waits for ${holder}`);
  const started = await startCollection(child, { givenUp: () => false, waitsFor });
  setCurrentDetails(child.summary);
  try {
    return (await started?.result()) as T;
  } catch (error) {
    if (!(error instanceof ChildWorkflowFailure) || isCancellation(error)) throw error;
    const { code, message } = troubleOf(error);
    throw failure(code, message);
  }
}
