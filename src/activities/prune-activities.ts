// The removal of old backups, as Temporal calls it. Runs where the store is seen.

import { Context } from '@temporalio/activity';
import { pruneStore } from '../backups/retention/prune-store.js';
import type { PruneActivities, PruneStoreResult } from '../model/contracts/prune-activities.js';
import type { ObjectStore } from '../storage/object-store.js';
import { heldCall } from './attempt.js';
import { elapsedClock } from './elapsed-clock.js';

/** Of the job, over all of its attempts. */
interface Removed {
  removed: number;
}

export function createPruneActivities(openStore: (alias: string) => ObjectStore): PruneActivities {
  return {
    pruneStore: (input) =>
      heldCall<PruneStoreResult, Removed>(`prune ${input.store}`, ({ signal, state, remember }) => {
        const { workflowExecution, activityId } = Context.current().info;
        // All attempts of this activity are one holder: the lease of an earlier one is taken over at once.
        const holder = `${workflowExecution?.workflowId}/${workflowExecution?.runId}/${activityId}`;
        return pruneStore(openStore(input.store), input, {
          ...{ holder, signal, elapsed: elapsedClock() },
          removedEarlier: state?.removed ?? 0,
          onRemoved: (removed) => remember({ removed }),
        });
      }),
  };
}
