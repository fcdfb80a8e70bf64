// Removes the backups that no rule keeps, and sweeps what killed jobs left, in one store. One activity, which can be cut off
// anywhere and begins again: what is removed stays removed. No job of collections: no updates, no report.

import { setCurrentDetails } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import { pruneBackupsSchema, type PruneStoreResult } from '../../model/contracts/prune-activities.js';
import { DATA_QUEUE } from '../../model/names.js';
import { surfacing } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

export async function pruneBackups(input: unknown): Promise<PruneStoreResult> {
  return surfacing(async () => {
    const { heartbeatSeconds, ...asked } = parseInput(pruneBackupsSchema, input);
    const place = await runActivity(
      'locateStoreWorkers',
      { store: asked.store },
      'which workers use the store',
    );
    const attended = place.queues.find(({ workers }) => workers.length > 0) ?? place.queues[0];
    const taskQueue = attended?.queue ?? DATA_QUEUE;
    const summary = `prune ${place.store}`;
    setCurrentDetails(summary);
    const where = { taskQueue, heartbeatSeconds, summary };
    return runActivity('pruneStore', { ...asked, store: place.store }, where);
  });
}
