// The activities of a recovery, as Temporal calls them: heartbeats round held requests, the work is done in backup/.

import type {
  PlanRecoveryInput,
  RecoverShardResult,
  RecoveryActivities,
  RecoveryControlActivities,
  RecoveryPlan,
} from '../model/contracts/recovery-activities.js';
import { finishRecovery, keepRecovered, undoRecovery } from '../backups/recover/recover-finish.js';
import { resolveExternal } from '../external/external-resolve.js';
import { planExternal } from '../external/plan-external.js';
import { planRecovery } from '../backups/recover/recover-plan.js';
import type { ShardNodes, Stores } from '../shards/recover-ports.js';
import { lookAtReplaced, prepareRecovery } from '../backups/recover/recover-prepare.js';
import { resolveRecovery } from '../backups/recover/recover-resolve.js';
import { removeReturned } from '../backups/recover/remove-returned.js';
import { recoverShard } from '../shards/recover-shard.js';
import type { Flight } from '../shards/settled-call.js';
import { replayRecall } from '../backups/recover/replay-recall.js';
import type { SearchesOf, SnapshotNodes } from '../cluster/snapshots-port.js';
import { FerryError } from '../model/errors.js';
import { DATA_QUEUE } from '../model/names.js';
import { pointsNeed, type Need } from '../model/contracts/needs.js';
import type { BackupPlaces } from '../backups/capture/resolve-backup.js';
import type { Controls } from '../cluster/control-port.js';
import { createCheckPin } from '../cluster/pin.js';
import { requirePoints } from '../cluster/require-needs.js';
import type { Clusters } from '../cluster/points-port.js';
import { Pacer } from '../cluster/pacer.js';
import { flightLog, type FlightState } from './flight-log.js';
import { heldCall } from './held-call.js';

export interface RecoveryDependencies {
  controls: Controls;
  stores: Stores;
  /** Of the collections that a recovery replaces. */
  nodes: SnapshotNodes;
  shardNodes: ShardNodes;
  searchesOf: SearchesOf;
  connect: Clusters['connect'];
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
      const store = input.optional ? optional(() => storeOf(input.store)) : storeOf(input.store);
      return {
        store: store?.alias ?? '',
        dataQueue: store?.taskQueue ?? controls.taskQueueOf(input.target) ?? DATA_QUEUE,
        ...(searchAttributes === undefined ? {} : { searchAttributes }),
      };
    },
  };
}

function optional<T>(find: () => T): T | undefined {
  try {
    return find();
  } catch (error) {
    if (error instanceof FerryError && error.code === 'UnknownAlias') return undefined;
    throw error;
  }
}

function needOf({ rehearse, ignoreProof }: PlanRecoveryInput, plan: RecoveryPlan): Need | undefined {
  if (rehearse) return pointsNeed('rehearseRecovery', 'target');
  return pointsNeed('disasterRecovery', 'target', { proof: plan.proof !== undefined && !ignoreProof });
}

export function createRecoveryActivities(dependencies: RecoveryDependencies): RecoveryActivities {
  const { controls, stores, nodes, shardNodes, searchesOf, connect } = dependencies;
  return {
    resolveRecovery: (input) =>
      heldCall(`find what to recover in ${input.store}`, ({ signal }) =>
        input.external
          ? resolveExternal(stores.external, input, signal)
          : resolveRecovery(stores, input, signal),
      ),
    planRecovery: (input) =>
      heldCall(`check the backup of ${input.from.collection}`, async (held) => {
        const planned = input.from.external ? planExternal : planRecovery;
        const plan = await planned(controls, stores, input, { now: new Date(), ...held });
        const target = controls.of(input.target.cluster);
        const notes = await requirePoints(target, needOf(input, plan), held.signal);
        return { ...plan, notes: [...plan.notes, ...notes] };
      }),
    lookAtReplaced: (input) =>
      heldCall(`look at ${input.target.collection}`, ({ signal }) =>
        lookAtReplaced({ controls, nodes }, input, signal),
      ),
    prepareRecovery: (input) =>
      heldCall(`make ${input.target.collection}`, ({ signal }) =>
        prepareRecovery({ controls, stores, nodes }, input, signal),
      ),
    recoverShard: (input) =>
      heldCall<RecoverShardResult, FlightState<Flight>>(input, async (held) => {
        const { signal, onBytes } = held;
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
        return recoverShard(shardNodes, stores, input, passing, flightLog(held));
      }),
    removeReturned: (input) =>
      heldCall(`remove deleted points from ${input.target.collection}`, async ({ signal }) => {
        const { cluster, collection } = input.target;
        await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
        const points = connect(cluster, 0);
        const room = { store: stores.open(input.from.store), target: controls.of(cluster), points };
        return removeReturned(room, input, signal).finally(() => points.close());
      }),
    replayRecall: (input) =>
      heldCall(`search ${input.target.collection}`, async ({ signal }) => {
        const { cluster, collection } = input.target;
        await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
        const room = { store: stores.open(input.from.store), searches: searchesOf(cluster) };
        return replayRecall(room, input, signal);
      }),
    finishRecovery: (input) =>
      heldCall(`finish ${input.writes}`, ({ signal }) => finishRecovery(controls, stores, input, signal)),
    keepRecovered: (input) =>
      heldCall(`keep ${input.target.collection}`, ({ signal }) => keepRecovered(controls, input, signal)),
    undoRecovery: (input) =>
      heldCall(`remove ${input.target.collection}`, ({ signal }) => undoRecovery(controls, input, signal)),
  };
}
