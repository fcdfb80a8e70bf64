// Which adapters the activities get.

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { ControlDependencies } from '../activities/control-activities.js';
import type { DataDependencies } from '../activities/data-activities.js';
import { leasedConnect, leasedControls } from '../activities/leased-ports.js';
import { searchAttributesWanted } from '../config.js';
import { requireCluster, type FerryConfig } from '../model/ferry-config.js';
import { reencodedVectors } from '../model/settings/collection-settings.js';
import { qdrantControls } from '../qdrant/control.js';
import { connectPoints } from '../qdrant/points/point-connection.js';
import { openFileReport } from '../transfer/file-report.js';
import { createCheckPin } from '../cluster/pin.js';

export function controlDependencies(config: FerryConfig, client: Client): ControlDependencies {
  return {
    controls: leasedControls(qdrantControls(config.clusters)),
    client,
    searchAttributes: searchAttributesWanted(),
  };
}

/** Reports of differences are files under `folder`. */
export function dataDependencies(config: FerryConfig, folder: string): DataDependencies {
  const controls = qdrantControls(config.clusters);
  return {
    connect: leasedConnect((cluster, lane) => connectPoints(requireCluster(config, cluster), lane)),
    checkPin: createCheckPin(controls),
    renormalisableVectors: async ({ cluster, collection }, signal) =>
      reencodedVectors((await controls.of(cluster).info(collection, signal)).config),
    openReport: (report) => openFileReport(join(folder, 'reports'), report),
  };
}
