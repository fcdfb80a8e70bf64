// What `replace` deletes: looked at before its safety backup is begun, and again right before the deletion. Promises that
// what was written in between is noticed by the number of points or by the last operation of a shard, so also a payload
// that changed. Where Qdrant does not report the last operations, the number of points alone decides.

import { FerryError } from '../model/errors.js';
import type { CollectionRef } from '../model/collections.js';
import type { Replaceable, Replaced } from '../model/contracts/recovery-activities.js';
import { stampOf } from '../model/stamp.js';
import type { ClusterControl } from '../cluster/control-port.js';
import type { Look } from '../cluster/look.js';
import { requireCreation } from '../cluster/pin.js';
import { shardsToCapture } from '../cluster/shard-layout.js';
import { readOperations } from '../cluster/read-operations.js';
import type { SnapshotNodes } from '../cluster/snapshots-port.js';

export interface ReplacedDeps {
  target: ClusterControl;
  nodes: SnapshotNodes;
}

export async function describeReplaced(
  room: ReplacedDeps,
  ref: CollectionRef,
  there: Look,
  signal: AbortSignal,
): Promise<Replaced> {
  const creation = stampOf(there.info.config)?.creation;
  return {
    points: there.points,
    ...(creation === undefined ? {} : { creation }),
    ...(await operationsOf(room, ref, there, signal)),
  };
}

/** Call it last before the deletion. */
export async function requireReplaceable(
  room: ReplacedDeps,
  ref: CollectionRef,
  replaced: Replaceable,
  there: Look,
  signal: AbortSignal,
): Promise<void> {
  const { cluster, collection } = ref;
  const context = { cluster, collection };
  requireCreation(ref, replaced.creation, there.info.config);
  if (replaced.points === undefined) return;
  const stale = (how: string): FerryError =>
    new FerryError(
      'SafetyBackupStale',
      `"${collection}" on "${cluster}" was written after its safety backup: ${how}`,
      {
        context,
      },
    );
  if (there.points !== replaced.points) {
    throw stale(`it holds ${there.points} points, and held ${replaced.points} when its safety backup began`);
  }
  const { operations } = await operationsOf(room, ref, there, signal);
  if (operations === replaced.operations) return;
  throw stale(`it holds ${there.points} points as before, and was changed after its safety backup had begun`);
}

async function operationsOf(
  { target, nodes }: ReplacedDeps,
  { cluster, collection }: CollectionRef,
  { layout }: Look,
  signal: AbortSignal,
): Promise<Pick<Replaced, 'operations'>> {
  const shards = shardsToCapture(layout, (await target.peers(signal)).length > 0);
  return readOperations(nodes, { cluster, collection, shards }, signal);
}
