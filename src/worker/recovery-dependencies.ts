// Which adapters the activities of recovery get.

import type { RecoveryDependencies } from '../activities/recovery-activities.js';
import { ForeignRoom } from '../backup/foreign/foreign-files.js';
import type { FerryConfig } from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { qdrantSearches } from '../qdrant/searches.js';
import { shardNodes } from '../qdrant/recover-snapshot.js';
import { storesOf } from './backup-dependencies.js';
import { foreignPlaces } from './foreign-places.js';

export function recoveryDependencies(config: FerryConfig, open = storesOf(config)): RecoveryDependencies {
  return {
    controls: qdrantControls(config.clusters),
    stores: { open, foreign: new ForeignRoom(foreignPlaces(config, open)) },
    shardNodes: shardNodes(config.clusters),
    searchesOf: qdrantSearches(config.clusters),
  };
}
