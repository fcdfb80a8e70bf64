// Which adapters the administration of snapshots gets.

import { leasedClusterNodes, leasedControls, leasedStores } from '../activities/leased-ports.js';
import type {
  SnapshotControlDependencies,
  SnapshotDataDependencies,
} from '../activities/snapshot-activities.js';
import { requireStore, type FerryConfig } from '../model/ferry-config.js';
import { clusterNodes } from '../qdrant/cluster-nodes.js';
import { qdrantControls } from '../qdrant/control.js';
import { storesOf } from './backup-dependencies.js';

export function snapshotControlDependencies(config: FerryConfig): SnapshotControlDependencies {
  return { ...roomOf(config), storeOf: (alias) => requireStore(config, alias) };
}

export function snapshotDataDependencies(
  config: FerryConfig,
  openStore = storesOf(config),
): SnapshotDataDependencies {
  return { ...roomOf(config), openStore: leasedStores(openStore) };
}

function roomOf(config: FerryConfig) {
  return {
    open: leasedClusterNodes(clusterNodes(config.clusters)),
    controls: leasedControls(qdrantControls(config.clusters)),
  };
}
