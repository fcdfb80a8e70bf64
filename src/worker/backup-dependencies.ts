// Which adapters capture and catalogue get.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupControlDependencies, BackupStoreDependencies } from '../activities/backup-activities.js';
import type { PointBackupDependencies } from '../activities/point-backup-activities.js';
import { leasedControls, leasedSnapshotNodes, leasedStores } from '../activities/leased-ports.js';
import { searchAttributesWanted } from '../config.js';
import { packageRoot } from '../local/package-root.js';
import { FerryError } from '../model/errors.js';
import {
  isDisk,
  requireCluster,
  requireStore,
  type FerryConfig,
  type StoreConnection,
} from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { connectPoints } from '../qdrant/points/point-connection.js';
import { pointCodec } from '../qdrant/points/stored-points.js';
import { qdrantSearches } from '../qdrant/searches.js';
import { snapshotNodes } from '../qdrant/snapshot-nodes.js';
import type { ObjectStore } from '../storage/object-store.js';
import { openStore, probeStore } from '../storage/open-store.js';
import { createCheckPin } from '../cluster/pin.js';

export function backupControlDependencies(config: FerryConfig): BackupControlDependencies {
  return {
    controls: leasedControls(qdrantControls(config.clusters)),
    storeOf: (alias) => requireStore(config, alias),
    searchAttributes: searchAttributesWanted(),
  };
}

export function backupStoreDependencies(
  config: FerryConfig,
  openStore = storesOf(config),
): BackupStoreDependencies {
  const controls = leasedControls(qdrantControls(config.clusters));
  return {
    controls,
    nodes: leasedSnapshotNodes(snapshotNodes(config.clusters)),
    searchesOf: qdrantSearches(config.clusters),
    // For ids alone, which REST shows as well: a backup without digests needs no gRPC.
    connect: (cluster, lane) => connectPoints({ ...requireCluster(config, cluster), grpc: false }, lane),
    checkPin: createCheckPin(controls),
    openStore: leasedStores(openStore),
    probeStore,
    ferryVersion: ferryVersion(),
  };
}

/** Points are read for what they are, over gRPC where the cluster has it. */
export function pointBackupDependencies(
  config: FerryConfig,
  openStore = storesOf(config),
): PointBackupDependencies {
  const { controls, checkPin, openStore: leased, ferryVersion } = backupStoreDependencies(config, openStore);
  const connect: PointBackupDependencies['connect'] = (cluster, lane) =>
    connectPoints(requireCluster(config, cluster), lane);
  return { controls, checkPin, openStore: leased, ferryVersion, connect, codec: pointCodec };
}

/** One a store, for what its probe found out is kept in it; another one when ferry.yaml says something else of it. */
export function storesOf(config: FerryConfig): (alias: string) => ObjectStore {
  const opened = new Map<string, { as: StoreConnection; store: ObjectStore }>();
  return (alias) => {
    const as = requireStore(config, alias);
    const kept = opened.get(alias);
    if (kept?.as === as) return kept.store;
    const store = openStore(as);
    opened.set(alias, { as, store });
    return store;
  };
}

/**
 * Stores as work on `queue` may use them: a disk with a queue of its own is touched by way of that queue only, for
 * elsewhere its path is another disk, and what is written there is no backup.
 */
export function storesOn(
  queue: string,
  config: FerryConfig,
  open: (alias: string) => ObjectStore,
): (alias: string) => ObjectStore {
  return (alias) => {
    const store = requireStore(config, alias);
    const { taskQueue = queue } = store;
    if (!isDisk(store) || taskQueue === queue) return open(alias);
    const happened = `The store "${alias}" is a disk of the queue ${taskQueue}, and this task came through ${queue}: the control worker has another ferry.yaml than this worker`;
    throw new FerryError('InvalidConfig', happened, { context: { store: alias } });
  };
}

export function ferryVersion(): string {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
