// Which adapters the activities of snapshot migration get.

import {
  leasedControls,
  leasedShardNodes,
  leasedSnapshotNodes,
  leasedStores,
} from '../activities/leased-ports.js';
import type { MoveDependencies } from '../activities/move-activities.js';
import type { PrepareMoveDeps } from '../move/move-prepare.js';
import { backupSource } from '../backups/backup-source.js';
import type { FerryConfig } from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { pointCodec } from '../qdrant/points/stored-points.js';
import { shardNodes } from '../qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../qdrant/snapshot-nodes.js';
import { createCheckPin } from '../cluster/pin.js';
import { storesOf } from './backup-dependencies.js';

export function moveControlDependencies(config: FerryConfig): PrepareMoveDeps {
  return {
    controls: leasedControls(qdrantControls(config.clusters)),
    nodes: leasedSnapshotNodes(snapshotNodes(config.clusters)),
  };
}

export function moveDependencies(config: FerryConfig, open = storesOf(config)): MoveDependencies {
  return {
    nodes: leasedSnapshotNodes(snapshotNodes(config.clusters)),
    shardNodes: leasedShardNodes(shardNodes(config.clusters)),
    backups: backupSource(leasedStores(open), pointCodec),
    checkPin: createCheckPin(qdrantControls(config.clusters)),
  };
}
