// Which adapters the activities of recovery get.

import type { RecoveryDependencies } from '../activities/recovery-activities.js';
import type { FerryConfig } from '../model/ferry-config.js';
import { qdrantControls } from '../qdrant/control.js';
import { shardNodes } from '../qdrant/recover-snapshot.js';
import { backupStoreDependencies } from './backup-dependencies.js';

export function recoveryDependencies(config: FerryConfig): RecoveryDependencies {
  return {
    controls: qdrantControls(config.clusters),
    stores: { open: backupStoreDependencies(config).openStore },
    shardNodes: shardNodes(config.clusters),
  };
}
