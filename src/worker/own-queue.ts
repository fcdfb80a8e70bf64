// In addition to the shared queues, a data worker that serves a disk polls a queue of its own, one task at a time: only
// in this way can one worker be asked what it sees (docs/decisions/0007-one-marker.md). Other workers have no such queue.

import { createBackupStoreActivities } from '../activities/backup-activities.js';
import { createDiskActivities } from '../activities/check-activities.js';
import { createMarkerActivities } from '../activities/examination-activities.js';
import { isDisk, queuesOfStore, type FerryConfig } from '../model/ferry-config.js';
import { ownQueueOf } from '../model/names.js';
import { backupStoreDependencies, storesOf } from './backup-dependencies.js';
import { checkStoreDependencies } from './check-dependencies.js';

export function servesDisk(config: FerryConfig, queues: readonly string[]): boolean {
  const disks = Object.values(config.stores).filter(isDisk);
  return disks.some((disk) => queuesOfStore(config, disk).some((queue) => queues.includes(queue)));
}

export function ownQueueSettings(config: FerryConfig, worker: string) {
  const dependencies = backupStoreDependencies(config);
  const { probeStore } = createBackupStoreActivities(dependencies);
  return {
    taskQueue: ownQueueOf(worker),
    activities: {
      probeStore,
      ...createMarkerActivities(dependencies.openStore),
      ...createDiskActivities(checkStoreDependencies(config, storesOf(config))),
    },
    maxConcurrentActivityTaskExecutions: 1,
    maxConcurrentActivityTaskPolls: 1,
  };
}
