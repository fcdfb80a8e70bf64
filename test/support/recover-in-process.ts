// A recovery step by step, as the workflow goes, without Temporal: for tests of what each step refuses.

import type { CollectionBackupRef } from '../../src/model/contracts/backup-catalogue.js';
import type {
  PlanRecoveryInput,
  RecoveryPlan,
  RemoveReturnedResult,
} from '../../src/model/contracts/recovery-activities.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { finishRecovery, undoRecovery } from '../../src/recovery/finish-recovery.js';
import { planRecovery } from '../../src/recovery/plan-recovery.js';
import { prepareRecovery } from '../../src/recovery/prepare-recovery.js';
import type { FlightLog } from '../../src/shards/settled-call.js';
import type { RecoverableShard } from '../../src/shards/recoverable-collection.js';
import { recoverShard } from '../../src/shards/recover-shard.js';
import { removeReturned } from '../../src/recovery/remove-returned.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { connectPoints } from '../../src/qdrant/points/point-connection.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { shardNodes } from '../../src/qdrant/snapshot-receiver.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { awaitReady } from '../../src/cluster/await-ready.js';

/** What the workflow gives to what it makes. */
export const MADE = { job: 'job', creation: '00000000-0000-4000-8000-000000000001' };

/** Of a first attempt that nobody interrupts. */
export function noFlight(): FlightLog {
  return { last: null, remember: () => Promise.resolve() };
}

export interface InProcess {
  clusters: Record<string, ClusterConnection>;
  store: ObjectStore;
  from: CollectionBackupRef;
  to: string;
  as?: string;
  more?: Partial<PlanRecoveryInput>;
}

export async function plan({ clusters, store, from, to, as, more }: InProcess): Promise<RecoveryPlan> {
  const target = { cluster: to, collection: as ?? from.collection };
  const input: PlanRecoveryInput = {
    from,
    target,
    onExisting: 'fail',
    via: 'auto',
    precheck: 'quick',
    ...more,
  };
  const hooks = { now: new Date(), signal: new AbortController().signal };
  return planRecovery(
    qdrantControls(clusters),
    backupSource(() => store, pointCodec),
    input,
    hooks,
  );
}

/** Planned and made, and then nothing more, as when the workflow is terminated. Returns the collection's name. */
export async function begin(what: InProcess): Promise<string> {
  const { clusters, store, from, to, more } = what;
  const { writes, manifestSha256, exists } = await plan(what);
  const input = { from, target: { cluster: to, collection: writes }, manifestSha256, exists };
  const onExisting = more?.onExisting ?? 'fail';
  const { signal } = new AbortController();
  await prepareRecovery(
    {
      controls: qdrantControls(clusters),
      source: backupSource(() => store, pointCodec),
      nodes: snapshotNodes(clusters),
    },
    { ...input, ...MADE, onExisting },
    signal,
  );
  return writes;
}

/** As the workflow does: what fails after the collection was made removes it again. */
export async function recover(
  what: InProcess,
): Promise<RecoveryPlan & { aliases: string[]; left?: string; removal?: RemoveReturnedResult }> {
  const { clusters, store, from, to, as, more } = what;
  const controls = qdrantControls(clusters);
  const source = backupSource(() => store, pointCodec);
  const { signal } = new AbortController();
  const planned = await plan(what);
  const { manifestSha256, exists, writes, via, mayPush } = planned;
  const target = { cluster: to, collection: writes };
  const onExisting = more?.onExisting ?? 'fail';
  try {
    const made = await prepareRecovery(
      { controls, source, nodes: snapshotNodes(clusters) },
      { from, target, manifestSha256, onExisting, exists, ...MADE },
      signal,
    );
    for (const shard of made.shards) {
      const step = { from, target, targetPin: made.targetPin, manifestSha256, via, mayPush, shard };
      const input = { what: 'recover', ...step, isChecked: false, stallAfterAttempts: 30 };
      const { shards } = await source.open(from, signal);
      const taken = shards[shard.position] as RecoverableShard;
      await recoverShard(shardNodes(clusters), taken, input, { signal }, noFlight());
    }
    await awaitReady(controls, { target, waitMs: 60_000, replicasOnly: true });
    let removal: RemoveReturnedResult | undefined;
    if (planned.ids !== undefined) {
      const points = connectPoints(clusters[to] as ClusterConnection, 0);
      const input = { from, target, targetPin: made.targetPin, manifestSha256 };
      removal = await removeReturned({ source, target: controls.of(to), points }, input, signal).finally(() =>
        points.close(),
      );
    }
    const named = { cluster: to, collection: as ?? from.collection };
    const end = {
      from,
      target: named,
      writes,
      targetPin: made.targetPin,
      manifestSha256,
      onExisting,
      replacedAliases: planned.aliases ?? [],
      ...(planned.swappedFrom === undefined ? {} : { swappedFrom: planned.swappedFrom }),
    };
    await finishRecovery(controls, source, { ...end, withAliases: false }, signal);
    const finished = await finishRecovery(controls, source, { ...end, withAliases: true }, signal);
    return { ...planned, ...finished, ...(removal === undefined ? {} : { removal }) };
  } catch (error) {
    await undoRecovery(controls, { from, target, creation: MADE.creation }, signal);
    throw error;
  }
}
