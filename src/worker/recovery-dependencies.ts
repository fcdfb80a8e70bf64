// Which adapters the activities of recovery get.

import {
  leasedConnect,
  leasedControls,
  leasedShardNodes,
  leasedSnapshotNodes,
  leasedStores,
} from '../activities/leased-ports.js';
import type { RecoveryDependencies } from '../activities/recovery-activities.js';
import { backupSource } from '../backups/backup-source.js';
import { snapshotSource } from '../external/snapshot-source.js';
import { requireCluster, type FerryConfig } from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { connectPoints } from '../qdrant/points/point-connection.js';
import { pointCodec } from '../qdrant/points/stored-points.js';
import { qdrantSearches } from '../qdrant/searches.js';
import { shardNodes } from '../qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../qdrant/snapshot-nodes.js';
import { storesOf } from './backup-dependencies.js';
import { externalPlaces } from './external-places.js';

export function recoveryDependencies(config: FerryConfig, open = storesOf(config)): RecoveryDependencies {
  const [backups, snapshots] = [
    backupSource(leasedStores(open), pointCodec),
    snapshotSource(externalPlaces(config, open)),
  ];
  return {
    controls: leasedControls(qdrantControls(config.clusters)),
    sourceOf: ({ external }) => (external === undefined ? backups : snapshots),
    nodes: leasedSnapshotNodes(snapshotNodes(config.clusters)),
    shardNodes: leasedShardNodes(shardNodes(config.clusters)),
    searchesOf: qdrantSearches(config.clusters),
    // For ids alone, and their deletion: a recovery without a proof needs no gRPC.
    connect: leasedConnect((cluster, lane) =>
      connectPoints({ ...requireCluster(config, cluster), grpc: false }, lane),
    ),
    connectWriter: leasedConnect((cluster, lane) => connectPoints(requireCluster(config, cluster), lane)),
    codec: pointCodec,
  };
}
