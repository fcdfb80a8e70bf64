// Besides the queues that it shares, a data worker that serves a disk polls one of its own, with one place: only so can
// it be asked what it sees (docs/decisions/0007-one-marker.md). Others do without.

import { createBackupStoreActivities } from '../activities/backup-activities.js';
import { createMarkerActivities } from '../activities/examination-activities.js';
import { isDisk, queuesOfStore, type FerryConfig } from '../model/ferry-config.js';
import { ownQueueOf } from '../model/names.js';
import { backupStoreDependencies } from './backup-dependencies.js';

export function servesDisk(config: FerryConfig, queues: readonly string[]): boolean {
  const disks = Object.values(config.stores).filter(isDisk);
  return disks.some((disk) => queuesOfStore(config, disk).some((queue) => queues.includes(queue)));
}

export function ownQueueSettings(config: FerryConfig, worker: string) {
  const dependencies = backupStoreDependencies(config);
  const { probeStore } = createBackupStoreActivities(dependencies);
  return {
    taskQueue: ownQueueOf(worker),
    activities: { probeStore, ...createMarkerActivities(dependencies.openStore) },
    maxConcurrentActivityTaskExecutions: 1,
    maxConcurrentActivityTaskPolls: 1,
  };
}
