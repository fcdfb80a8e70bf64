// Recovers one of Qdrant's own snapshots into a collection or a shard, on one node: one that lies there, one in a store,
// or one that the node fetches, under the lock on what is written. Promises that a collection which exists is touched
// only when `replace` was said, that nothing counts as recovered which has no points, and that a new collection which a
// failure left empty is removed again.

import { CancellationScope, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import { FerryError } from '../../model/errors.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { writeLockId } from '../../model/names.js';
import type {
  LocateSnapshotsResult,
  LookAtRecoveredResult,
  RecoverOnNodeInput,
  RecoverSnapshotResult,
  SnapshotRecoveryPlan,
} from '../../model/contracts/snapshot-activities.js';
import {
  given,
  recoverSnapshotSchema,
  scopeOf,
  type RecoverSnapshotInput,
} from '../../model/contracts/snapshot-inputs.js';
import { scopeText } from '../../model/snapshot-names.js';
import { failure, surfacing, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { underLock } from '../steps/hold-lock.js';

const REPLICAS_WAIT_MS = 10 * 60_000;

export async function recoverSnapshot(input: unknown): Promise<RecoverSnapshotResult> {
  return surfacing(async () => {
    const asked = parseInput(recoverSnapshotSchema, input);
    const { cluster, collection, object, store, onBusy } = asked;
    const where = object === undefined ? { cluster } : { cluster, store: store ?? null };
    const place = await runActivity('locateSnapshots', where, `where ${cluster} is`);
    const lock = {
      workflowId: writeLockId(cluster, collection),
      summary: `a snapshot into ${scopeText(scopeOf(asked))} on ${cluster}`,
      onBusy,
    };
    return underLock(lock, () => planAndRecover(asked, place));
  });
}

async function planAndRecover(
  asked: RecoverSnapshotInput,
  place: LocateSnapshotsResult,
): Promise<RecoverSnapshotResult> {
  const startedAt = Date.now();
  const plan = await planned(asked);
  try {
    const { notes, ...recovered } = await recovery(asked, place, plan);
    const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
    return { ...recovered, notes: [...plan.notes, ...notes], seconds };
  } catch (error) {
    throw await afterFailure(asked, plan, error);
  }
}

function planned(asked: RecoverSnapshotInput): Promise<SnapshotRecoveryPlan> {
  const { cluster, collection, node, snapshot: name, replace, priority } = asked;
  const what = { cluster, collection, ...scopeOf(asked), ...given({ node, name }), replace, priority };
  return runActivity('planSnapshotRecovery', what, `check it beforehand`);
}

type Recovered = Omit<RecoverSnapshotResult, 'seconds'>;

async function recovery(
  asked: RecoverSnapshotInput,
  place: LocateSnapshotsResult,
  plan: SnapshotRecoveryPlan,
): Promise<Recovered> {
  const { cluster, collection, priority, heartbeatSeconds } = asked;
  const ref = { node: plan.node, ...given({ peer: plan.peer }) };
  const target = { cluster, collection, ...scopeOf(asked), ...ref };
  const what = `recover ${scopeText(scopeOf(asked))} on ${plan.node}`;
  setCurrentDetails(what);
  const from = sourceOf(asked, place);
  const sha256 = asked.checksum ?? plan.sha256;
  const order = { what, ...target, from, priority, ...given({ sha256 }) };
  const taskQueue = 'store' in from ? (place.storeQueue ?? place.dataQueue) : place.dataQueue;
  const file = await runActivity('recoverOnNode', order, { taskQueue, heartbeatSeconds, summary: what });
  const notes = await awaitReplicas(asked);
  const look = await runActivity('lookAtRecovered', target, `count ${collection}`);
  const points = countedIn(asked, plan, look);
  return { ...target, priority, points, ...file, notes };
}

function sourceOf(asked: RecoverSnapshotInput, place: LocateSnapshotsResult): RecoverOnNodeInput['from'] {
  if (asked.url !== undefined) return { url: asked.url };
  if (asked.object !== undefined) return { store: place.store ?? '', object: asked.object };
  return { name: asked.snapshot ?? '' };
}

/** Into one node alone nothing is synchronised: that others wait is a note, not a failure. */
async function awaitReplicas({ cluster, collection, priority }: RecoverSnapshotInput): Promise<string[]> {
  const target = { cluster, collection };
  const wait = { target, waitMs: priority === 'no_sync' ? 10_000 : REPLICAS_WAIT_MS, replicasOnly: true };
  const { ready, reason = 'unknown' } = await runActivity(
    'awaitReady',
    wait,
    `replicas of ${collection} Active`,
  );
  if (ready) return [];
  const happened = `The replicas of ${collection} on ${cluster} are not all Active: ${reason}`;
  if (priority === 'no_sync') return [`${happened}.`];
  throw new FerryError('ReplicaNotActive', happened, { context: target });
}

function countedIn(
  { cluster, collection, shard, allowEmpty }: RecoverSnapshotInput,
  { before }: SnapshotRecoveryPlan,
  { points, shardPoints }: LookAtRecoveredResult,
): RecoverSnapshotResult['points'] {
  const context = { cluster, collection, ...given({ shard }) };
  const held = shard === undefined ? points : shardPoints;
  if (points === undefined || (held === 0 && !allowEmpty)) {
    const what = shard === undefined ? `"${collection}"` : `shard ${shard} of "${collection}"`;
    const had = before === undefined ? '' : ` (the collection had ${before} before)`;
    const how = points === undefined ? 'does not exist' : 'holds no points';
    throw new FerryError('RecoveredEmpty', `Qdrant reported ${what} as recovered, but it ${how}${had}`, {
      context,
    });
  }
  return { ...given({ before }), after: points };
}

/** What existed stays as the failure left it; what is new and empty goes. */
async function afterFailure(
  { cluster, collection }: RecoverSnapshotInput,
  plan: SnapshotRecoveryPlan,
  error: unknown,
): Promise<unknown> {
  const { code, message } = troubleOf(error);
  // A node may still be filling it: that it is empty now says nothing.
  if (plan.exists || code === 'RecoveryUnsettled') return error;
  const left = await CancellationScope.nonCancellable(async () => {
    try {
      const what = { cluster, collection };
      const { removed } = await runActivity('removeEmpty', what, `remove ${collection} if empty`);
      return removed ? ` The empty collection "${collection}" was removed again.` : '';
    } catch (trouble) {
      return ` Check "${collection}": it may be incomplete (${troubleOf(trouble).message}).`;
    }
  });
  return isCancellation(error) ? error : failure(code, `${message}${left}`);
}
