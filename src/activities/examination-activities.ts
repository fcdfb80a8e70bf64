// The activities of an examination of a store: which workers use it, beside the workflows; and the marker, on the own
// queue of each worker that serves a disk.

import { leaveMarker, removeMarker, seeMarker } from '../backups/catalogue/marker.js';
import type {
  ExaminationControlActivities,
  LocateStoreWorkersResult,
  MarkerActivities,
  QueueWorker,
} from '../model/contracts/store-examination.js';
import type { ObjectStore } from '../storage/object-store.js';
import { attemptSignal } from './lease.js';

export interface ExaminationDependencies {
  /** What ferry.yaml says of the store; throws `UnknownAlias`. */
  placeOf(store: string | undefined): Omit<LocateStoreWorkersResult, 'queues'> & { queues: string[] };
  /** Those that Temporal lists for a queue of activities. */
  workersOf(queue: string): Promise<QueueWorker[]>;
}

export function createExaminationActivities(
  dependencies: ExaminationDependencies,
): ExaminationControlActivities {
  return {
    locateStoreWorkers: async ({ store }) => {
      const { queues, ...place } = dependencies.placeOf(store);
      const asked = queues.map(async (queue) => ({ queue, workers: await dependencies.workersOf(queue) }));
      return { ...place, queues: await Promise.all(asked) };
    },
  };
}

export function createMarkerActivities(openStore: (alias: string) => ObjectStore): MarkerActivities {
  return {
    leaveMarker: ({ store, nonce }) => leaveMarker(openStore(store), nonce),
    seeMarker: async ({ store, nonce }) => ({
      sees: await seeMarker(openStore(store), nonce, attemptSignal()),
    }),
    removeMarker: ({ store, nonce }) => removeMarker(openStore(store), nonce),
  };
}
