// The activities of a recovery, as Temporal calls them: heartbeats round held requests, the work is done in recovery/.

import type {
  PlanRecoveryInput,
  RecoverShardInput,
  RecoverShardResult,
  RecoveryActivities,
  RecoveryControlActivities,
  RecoveryPlan,
} from '../model/contracts/recovery-activities.js';
import type { SearchesOf, SnapshotNodes } from '../cluster/snapshots-port.js';
import { finishRecovery, keepRecovered, undoRecovery } from '../recovery/finish-recovery.js';
import { planRecovery } from '../recovery/plan-recovery.js';
import { lookAtReplaced, prepareRecovery } from '../recovery/prepare-recovery.js';
import { recoverSlice } from '../recovery/recover-slice.js';
import { removeReturned } from '../recovery/remove-returned.js';
import { replayRecall } from '../recovery/replay-recall.js';
import { resolveRecovery } from '../recovery/resolve-recovery.js';
import type { ShardNodes } from '../cluster/receiver-port.js';
import { recoverShard } from '../shards/recover-shard.js';
import { openPlanned, type RecoverySource } from '../shards/recoverable-collection.js';
import { requireEnded, type Flight } from '../shards/settled-call.js';
import { FerryError } from '../model/errors.js';
import { DATA_QUEUE } from '../model/names.js';
import { pointsNeed, type Need } from '../model/contracts/needs.js';
import type { BackupPlaces } from '../backups/capture/resolve-backup.js';
import type { Controls } from '../cluster/control-port.js';
import { betweenChecks, createCheckPin } from '../cluster/pin.js';
import { requirePoints } from '../cluster/require-needs.js';
import type { Clusters, PointCodec } from '../cluster/points-port.js';
import { Pacer } from '../cluster/pacer.js';
import { flightLog, heldCall, type FlightState } from './attempt.js';
import { endReading, noteReading, whileReading } from './while-reading.js';

export interface RecoveryDependencies {
  controls: Controls;
  /** Our backups, or the snapshots of others. */
  sourceOf(of: { external?: object | undefined }): RecoverySource;
  /** Of the collections that a recovery replaces. */
  nodes: SnapshotNodes;
  shardNodes: ShardNodes;
  searchesOf: SearchesOf;
  connect: Clusters['connect'];
  /** Of the points of a backup by points. */
  connectWriter: Clusters['connect'];
  codec: PointCodec;
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
  const isRead = plan.proof !== undefined && !ignoreProof;
  return pointsNeed('disasterRecovery', 'target', { proof: isRead || plan.slices !== undefined });
}

export function createRecoveryActivities(dependencies: RecoveryDependencies): RecoveryActivities {
  const { controls, sourceOf, nodes, searchesOf, connect } = dependencies;
  const reading = <T>({ from }: Pick<RecoverShardInput, 'from'>, work: () => Promise<T>) =>
    whileReading(sourceOf(from).readers, from, work);
  return {
    resolveRecovery: (input) =>
      heldCall(`find what to recover in ${input.store}`, ({ signal }) =>
        resolveRecovery(sourceOf(input), input, signal),
      ),
    planRecovery: (input) =>
      heldCall(`check the backup of ${input.from.collection}`, async (held) => {
        const source = sourceOf(input.from);
        // Before the manifest is read: a prune that begins now sees it.
        const unnoted = await noteReading(source.readers, input.from);
        try {
          const plan = await planRecovery(controls, source, input, { now: new Date(), ...held });
          const target = controls.of(input.target.cluster);
          const notes = await requirePoints(target, needOf(input, plan), held.signal);
          return { ...plan, notes: [...plan.notes, ...notes, ...unnoted] };
        } catch (error) {
          await endReading(source.readers, input.from);
          throw error;
        }
      }),
    lookAtReplaced: (input) =>
      heldCall(`look at ${input.target.collection}`, ({ signal }) =>
        lookAtReplaced({ controls, nodes }, input, signal),
      ),
    prepareRecovery: (input) =>
      heldCall(`make ${input.target.collection}`, ({ signal }) =>
        reading(input, () =>
          prepareRecovery({ controls, source: sourceOf(input.from), nodes }, input, signal),
        ),
      ),
    recoverShard: (input) => reading(input, () => runRecovery(dependencies, input)),
    recoverSlice: (input) =>
      heldCall(input, async (held) => {
        const { cluster, collection } = input.target;
        const writer = dependencies.connectWriter(cluster, input.lane);
        const deps = { source: sourceOf(input.from), writer, codec: dependencies.codec };
        const check = () => createCheckPin(controls)(cluster, collection, input.targetPin, held.signal);
        return reading(input, () => betweenChecks(check, () => recoverSlice(deps, input, held))).finally(() =>
          writer.close(),
        );
      }),
    removeReturned: (input) =>
      heldCall(`remove deleted points from ${input.target.collection}`, async ({ signal }) => {
        const { cluster, collection } = input.target;
        await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
        const points = connect(cluster, 0);
        const room = { source: sourceOf(input.from), target: controls.of(cluster), points };
        return reading(input, () => removeReturned(room, input, signal)).finally(() => points.close());
      }),
    replayRecall: (input) =>
      heldCall(`search ${input.target.collection}`, async ({ signal }) => {
        const { cluster, collection } = input.target;
        await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
        const room = { source: sourceOf(input.from), searches: searchesOf(cluster) };
        return reading(input, () => replayRecall(room, input, signal));
      }),
    finishRecovery: (input) =>
      heldCall(`finish ${input.writes}`, async ({ signal }) => {
        const result = await finishRecovery(controls, sourceOf(input.from), input, signal);
        if (input.withAliases) await endReading(sourceOf(input.from).readers, input.from);
        return result;
      }),
    keepRecovered: (input) =>
      heldCall(`keep ${input.target.collection}`, ({ signal }) => keepRecovered(controls, input, signal)),
    undoRecovery: (input) =>
      heldCall(`remove ${input.target.collection}`, async ({ signal }) => {
        const result = await undoRecovery(controls, input, signal);
        await endReading(sourceOf(input.from).readers, input.from);
        return result;
      }),
  };
}

function runRecovery(
  { controls, sourceOf, shardNodes }: RecoveryDependencies,
  input: RecoverShardInput,
): Promise<RecoverShardResult> {
  const { from, target, targetPin, shard, manifestSha256, maxMegabytesPerSecond } = input;
  return heldCall<RecoverShardResult, FlightState<Flight>>(
    input,
    async (held) => {
      const { signal, onBytes } = held;
      const pacer = new Pacer(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond });
      const passing = {
        signal,
        onBytes: (bytes: number) => {
          onBytes(bytes);
          return pacer.take(0, bytes, signal);
        },
      };
      await createCheckPin(controls)(target.cluster, target.collection, targetPin, signal);
      const { shards } = await openPlanned(sourceOf(from), from, manifestSha256, signal);
      const found = shards[shard.position];
      if (!found) throw new FerryError('Internal', `The backup has no shard at ${shard.position}`);
      return recoverShard(shardNodes, found, input, passing, flightLog(held));
    },
    async (state) => {
      requireEnded(state?.flight, shard.into);
      return [];
    },
  );
}
