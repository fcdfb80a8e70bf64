// Which adapters the administration of snapshots gets.

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
  return { ...roomOf(config), openStore };
}

function roomOf(config: FerryConfig) {
  return { open: clusterNodes(config.clusters), controls: qdrantControls(config.clusters) };
}
