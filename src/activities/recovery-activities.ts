// The activities of a recovery, as Temporal calls them: heartbeats round held requests, the work is done in backup/.

import type { RecoveryActivities, RecoveryControlActivities } from '../model/backup-activities.js';
import { finishRecovery, undoRecovery } from '../backup/recover-finish.js';
import { planRecovery } from '../backup/recover-plan.js';
import type { ShardNodes, Stores } from '../backup/recover-ports.js';
import { prepareRecovery } from '../backup/recover-prepare.js';
import { resolveRecovery } from '../backup/recover-resolve.js';
import { recoverShard } from '../backup/recover-shard.js';
import { DATA_QUEUE } from '../model/names.js';
import type { BackupPlaces } from '../backup/resolve-backup.js';
import type { Controls } from '../transfer/control-port.js';
import { createCheckPin } from '../transfer/pin.js';
import { Pacer } from '../transfer/pacer.js';
import { heldRequest } from './held-request.js';

export interface RecoveryDependencies {
  controls: Controls;
  stores: Stores;
  shardNodes: ShardNodes;
}

export interface RecoveryControlDependencies extends BackupPlaces {
  searchAttributes?: boolean;
}

export function createRecoveryControlActivities(
  dependencies: RecoveryControlDependencies,
): RecoveryControlActivities {
  const { controls, storeOf, searchAttributes } = dependencies;
  return {
    locateStore: async (input) => {
      const store = storeOf(input.store);
      return {
        store: store.alias,
        dataQueue: store.taskQueue ?? controls.taskQueueOf(input.target) ?? DATA_QUEUE,
        ...(searchAttributes === undefined ? {} : { searchAttributes }),
      };
    },
  };
}

export function createRecoveryActivities(dependencies: RecoveryDependencies): RecoveryActivities {
  const { controls, stores, shardNodes } = dependencies;
  return {
    resolveRecovery: (input) =>
      heldRequest({ what: `find backups in ${input.store}` }, ({ signal }) =>
        resolveRecovery(stores, input, signal),
      ),
    planRecovery: (input) =>
      heldRequest({ what: `check the backup of ${input.from.collection}` }, (held) =>
        planRecovery(controls, stores, input, { now: new Date(), ...held }),
      ),
    prepareRecovery: (input) =>
      heldRequest({ what: `make ${input.target.collection}` }, ({ signal }) =>
        prepareRecovery(controls, stores, input, signal),
      ),
    recoverShard: (input) =>
      heldRequest(input, async ({ signal, onBytes }) => {
        const { maxMegabytesPerSecond } = input;
        const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
        const passing = {
          signal,
          onBytes: (bytes: number) => {
            onBytes(bytes);
            return pacer.take(0, bytes, signal);
          },
        };
        const { cluster, collection } = input.target;
        await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
        return recoverShard(shardNodes, stores, input, passing);
      }),
    finishRecovery: (input) =>
      heldRequest({ what: `finish ${input.writes}` }, ({ signal }) =>
        finishRecovery(controls, stores, input, signal),
      ),
    undoRecovery: (input) =>
      heldRequest({ what: `remove ${input.target.collection}` }, ({ signal }) =>
        undoRecovery(controls, input, signal),
      ),
  };
}
