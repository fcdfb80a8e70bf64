// Round a recovery from one of Qdrant's own snapshots: what speaks against it, found before anything is touched; and how
// the collection stands afterwards. Qdrant may answer 200 OK and leave a collection without a point (custom sharding
// under a new name, qdrant/qdrant#10135), so nothing is believed that was not counted.

import { FerryError } from '../model/errors.js';
import type {
  LookAtRecoveredInput,
  LookAtRecoveredResult,
  PlanSnapshotRecoveryInput,
  RemoveEmptyInput,
  RemoveEmptyResult,
  SnapshotRecoveryPlan,
} from '../model/contracts/snapshot-activities.js';
import type { ClusterControl, Shard } from '../cluster/control-port.js';
import {
  nodeNamed,
  noCollection,
  refOf,
  requireOwnName,
  withNodes,
  type ClusterNode,
  type SnapshotDeps,
  type WholeCluster,
} from './cluster-nodes.js';
import { fileOnNode } from './snapshot-file.js';

export async function planSnapshotRecovery(
  { open, controls }: SnapshotDeps,
  input: PlanSnapshotRecoveryInput,
  signal: AbortSignal,
): Promise<SnapshotRecoveryPlan> {
  const { cluster, collection, shard, node, name } = input;
  await requireOwnName(controls, cluster, collection, signal);
  const control = controls.of(cluster);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const exists = (await control.collections(signal)).includes(collection);
    if (shard !== undefined) await requireShard(input, exists, there, signal);
    if (exists && !input.replace) throw inTheWay(input);
    if (input.priority === 'replica') await requireOtherReplica(control, input, exists, there, signal);
    const before = exists ? await countOf(control, collection, signal) : undefined;
    const found = name === undefined ? {} : await checksumOf(input, name, there, signal);
    return {
      ...refOf(there),
      exists,
      ...(before === undefined ? {} : { before }),
      ...found,
      notes: notesOn(input, whole),
    };
  });
}

export async function lookAtRecovered(
  { open, controls }: SnapshotDeps,
  { cluster, collection, shard, node }: LookAtRecoveredInput,
  signal: AbortSignal,
): Promise<LookAtRecoveredResult> {
  const points = await countIfThere(controls.of(cluster), collection, signal);
  if (points === undefined) return {};
  if (shard === undefined) return { points };
  return withNodes(open, cluster, signal, async (whole) => {
    const shards = (await nodeNamed(cluster, whole, node).shardsOf(collection, signal)) ?? [];
    return { points, shardPoints: shards.find(({ id }) => id === shard)?.points ?? 0 };
  });
}

/** Only what holds no point goes: whoever wrote into it since then keeps it. */
export async function removeEmpty(
  { controls }: SnapshotDeps,
  { cluster, collection }: RemoveEmptyInput,
  signal: AbortSignal,
): Promise<RemoveEmptyResult> {
  const control = controls.of(cluster);
  if ((await countIfThere(control, collection, signal)) !== 0) return { removed: false };
  await control.remove(collection, signal);
  return { removed: true };
}

async function requireShard(
  { cluster, collection, shard }: PlanSnapshotRecoveryInput,
  exists: boolean,
  there: ClusterNode,
  signal: AbortSignal,
): Promise<void> {
  const shards = exists ? await there.shardsOf(collection, signal) : undefined;
  if (shards === undefined) throw noCollection(cluster, collection);
  if (shards.some(({ id }) => id === shard)) return;
  const held = shards.map(({ id }) => id).join(', ') || 'none';
  const happened = `${there.url} holds no shard ${shard} of "${collection}"; of its shards it holds: ${held}`;
  throw new FerryError('InvalidInput', happened, { context: { cluster, node: there.url } });
}

/** Where no other replica lives, there is none to follow: Qdrant would take the snapshot's points without a word. */
async function requireOtherReplica(
  control: ClusterControl,
  { cluster, collection, shard }: PlanSnapshotRecoveryInput,
  exists: boolean,
  there: ClusterNode,
  signal: AbortSignal,
): Promise<void> {
  const shards = exists ? (await control.layout(collection, signal)).shards : [];
  const wanted = shards.filter(({ id, replicas }) =>
    shard === undefined ? replicas.some(({ peer }) => peer === there.peer) : id === shard,
  );
  const isFollowed = (one: Shard) =>
    one.replicas.some(({ peer, state }) => peer !== there.peer && state === 'Active');
  if (there.peer !== undefined && wanted.length > 0 && wanted.every(isFollowed)) return;
  const alone = wanted.find((one) => !isFollowed(one));
  const what = alone === undefined ? `"${collection}"` : `shard ${alone.id} of "${collection}"`;
  const happened = `\`priority: "replica"\` follows the other replicas, and ${what} has no other Active one`;
  throw new FerryError('InvalidInput', `${happened}: use "snapshot" or "no_sync"`, {
    context: { cluster, node: there.url },
  });
}

/** Moving shards and a recovery would undo each other. */
async function countOf(control: ClusterControl, collection: string, signal: AbortSignal): Promise<number> {
  const { transfers, resharding } = await control.layout(collection, signal);
  if (transfers + resharding > 0) {
    const happened = `Shards of "${collection}" are being moved or resharded`;
    throw new FerryError('ReshardingInProgress', happened, { context: { cluster: control.alias } });
  }
  return control.count(collection, undefined, signal);
}

async function countIfThere(
  control: ClusterControl,
  collection: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return await control.count(collection, undefined, signal);
  } catch (error) {
    if (error instanceof FerryError && error.code === 'CollectionNotFound') return undefined;
    throw error;
  }
}

async function checksumOf(
  { cluster, collection, shard }: PlanSnapshotRecoveryInput,
  name: string,
  there: ClusterNode,
  signal: AbortSignal,
): Promise<{ sha256?: string }> {
  const scope = shard === undefined ? { collection } : { collection, shard };
  const { sha256 } = await fileOnNode(cluster, there, scope, name, signal);
  return sha256 === undefined ? {} : { sha256 };
}

function notesOn({ shard }: PlanSnapshotRecoveryInput, { nodes, silent }: WholeCluster): string[] {
  const all = nodes.length + silent.length;
  if (shard !== undefined || all === 1) return [];
  return [
    `A snapshot of a collection holds the shards of one node only, and this cluster has ${all}: recover those of the other nodes too, each on its node.`,
  ];
}

function inTheWay({ cluster, collection }: PlanSnapshotRecoveryInput): FerryError {
  const happened = `The collection "${collection}" exists on "${cluster}", and a recovery replaces its content with the snapshot`;
  return new FerryError('CollectionExists', happened, { context: { cluster, collection } });
}
