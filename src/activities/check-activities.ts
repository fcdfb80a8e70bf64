// The check, as Temporal calls it: what is asked of ferry.yaml, Temporal and the clusters runs beside the workflows, what
// is read from a store where the store is seen, and a disk is looked at by the worker that has it.

import { listProtected } from '../checks/list-protected.js';
import { lookAtDisks, measureStore } from '../checks/measure-store.js';
import { checkProtection } from '../checks/protection.js';
import type { Controls } from '../cluster/control-port.js';
import type {
  CheckControlActivities,
  CheckStoreActivities,
  DiskActivities,
} from '../model/contracts/check-activities.js';
import type { ObjectStore } from '../storage/object-store.js';
import { heldCall } from './attempt.js';
import { attemptSignal } from './lease.js';

export interface CheckControlDependencies extends Pick<CheckControlActivities, 'surveyCheck'> {
  controls: Controls;
}

export function createCheckControlActivities({
  controls,
  surveyCheck,
}: CheckControlDependencies): CheckControlActivities {
  return {
    surveyCheck,
    listProtected: (input) => listProtected(controls.of(input.cluster), input, attemptSignal()),
  };
}

export interface CheckStoreDependencies extends DiskDependencies {
  openStore(alias: string): ObjectStore;
  /** Of a store that is one. */
  folderOf(alias: string): string | undefined;
}

export function createCheckStoreActivities(dependencies: CheckStoreDependencies): CheckStoreActivities {
  const { openStore, folderOf } = dependencies;
  return {
    checkProtection: (input) =>
      heldCall(`check the backups of ${input.cluster} in ${input.store}`, ({ signal }) =>
        checkProtection(openStore(input.store), input, signal),
      ),
    measureStore: ({ store, now }) =>
      heldCall(`measure ${store}`, ({ signal }) =>
        measureStore(openStore(store), { now: new Date(now), folder: folderOf(store) }, signal),
      ),
  };
}

export interface DiskDependencies {
  /** Of this machine, where a store of that alias is used. */
  disksOf(store: string): { place: string; path: string }[];
}

export function createDiskActivities({ disksOf }: DiskDependencies): DiskActivities {
  return { lookAtDisks: async ({ store }) => ({ disks: await lookAtDisks(disksOf(store)) }) };
}
