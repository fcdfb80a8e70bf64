// Removes the collection that a job made and could not finish, also when the job is cancelled or aborted. Never throws:
// where the removal fails, the result tells the operator what to delete.

import { CancellationScope } from '@temporalio/workflow';
import type { CollectionRef } from '../../model/collections.js';
import { notRemoved, removalFailed, removedAgain, type Aftermath } from '../../model/state/after-failure.js';
import { replacedTarget } from '../../model/state/outcome.js';
import { troubleOf } from '../runtime/failures.js';

/** `remove` removes the collection only if this job made it. */
export async function undo(
  made: CollectionRef,
  remove: () => Promise<{ removed: boolean }>,
): Promise<Aftermath> {
  try {
    const { removed } = await CancellationScope.nonCancellable(remove);
    return removed ? removedAgain(made) : notRemoved(made);
  } catch (trouble) {
    if (isNoLongerOurs(trouble)) return { removed: false, text: replacedTarget(made) };
    return removalFailed(made, troubleOf(trouble).message);
  }
}

/** Another collection or cluster has the name now: nothing of it is restored, and nothing is reported of its points. */
export function isNoLongerOurs(error: unknown): boolean {
  return ['CollectionChanged', 'ClusterChanged'].includes(troubleOf(error).code);
}
