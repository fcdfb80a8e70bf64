// One of Qdrant's own snapshots into a collection or a shard of one node: what speaks against it, found before anything is
// touched; the recovery; and how the collection stands afterwards. Qdrant may answer 200 OK and leave a collection without
// a point (custom sharding under a new name, qdrant/qdrant#10135), so nothing is believed that was not counted.
//
// The recovery may be repeated: the content is replaced. What lies on the node or in a store passes through here: every
// byte is hashed and the archive looked at, and a file that is cut, or not the expected one, ends the upload before its last
// byte, so that Qdrant refuses it and nothing is changed. What the node fetches by itself is checked by Qdrant, where a
// checksum is given. A call whose answer was lost is settled first: no second one is sent beside it.

import type { ClusterControl, Shard } from '../cluster/control-port.js';
import type { ClusterNode, ClusterNodes, WholeCluster } from '../cluster/snapshots-port.js';
import { FerryError } from '../model/errors.js';
import type {
  LookAtRecoveredInput,
  LookAtRecoveredResult,
  PlanSnapshotRecoveryInput,
  RecoverOnNodeInput,
  RecoverOnNodeResult,
  RemoveEmptyInput,
  RemoveEmptyResult,
  SnapshotRecoveryPlan,
} from '../model/contracts/snapshot-activities.js';
import { given, scopeOf } from '../model/contracts/snapshot-inputs.js';
import { pump } from '../shards/pump.js';
import type { SnapshotFile } from '../cluster/receiver-port.js';
import {
  settledPull,
  settledPush,
  settleEarlier,
  type CallSite,
  type FlightLog,
} from '../shards/settled-call.js';
import { SnapshotCheck } from '../shards/snapshot-check.js';
import type { ObjectStore } from '../storage/object-store.js';
import {
  nodeNamed,
  noCollection,
  refOf,
  requireOwnName,
  samePeer,
  sourceOf,
  withNodes,
  type SnapshotDeps,
} from './named-node.js';
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
    const file = name === undefined ? undefined : await fileOnNode(there, { ...input, name }, signal);
    const known = given({ before, sha256: file?.sha256 });
    return { ...refOf(there), exists, ...known, notes: notesOn(input, whole) };
  });
}

export interface RecoverDeps {
  open: ClusterNodes;
  openStore(alias: string): ObjectStore;
}

export interface Passing {
  log: FlightLog;
  signal: AbortSignal;
  onBytes(bytes: number): void;
}

export async function recoverOnNode(
  { open, openStore }: RecoverDeps,
  input: RecoverOnNodeInput,
  passing: Passing,
): Promise<RecoverOnNodeResult> {
  const { cluster, collection, node, peer, from, priority, sha256 } = input;
  const { signal } = passing;
  return withNodes(open, cluster, signal, async (whole) => {
    const there = samePeer(cluster, nodeNamed(cluster, whole, node), peer);
    const receiver = there.receiver({ collection, ...scopeOf(input) });
    try {
      const { log } = passing;
      // The lock on what is written lets no other recovery of ours be meant by what the node tells.
      const site: CallSite = {
        node: receiver,
        log,
        signal,
        isAlone: true,
        isWhole: input.shard === undefined,
      };
      if ((await settleEarlier(site)) === 'found') return {};
      if ('url' in from) {
        await settledPull(site, () => receiver.pull(from.url, { priority, ...given({ sha256 }) }, signal));
        return {};
      }
      const file =
        'name' in from ? await onNode(there, input, from.name, signal) : await inStore(openStore, from);
      return await pushChecked(input, file, passing, (checked) =>
        settledPush({ ...site, bytes: file.bytes }, checked, (watched) =>
          receiver.push(watched, { priority }, signal),
        ),
      );
    } finally {
      await receiver.close();
    }
  });
}

interface Source {
  name: string;
  bytes: number;
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

async function onNode(
  there: ClusterNode,
  input: RecoverOnNodeInput,
  name: string,
  signal: AbortSignal,
): Promise<Source> {
  const file = await fileOnNode(there, { ...input, name }, signal);
  return { name, bytes: file.bytes, open: (ends) => file.from(0, ends) };
}

async function inStore(
  openStore: RecoverDeps['openStore'],
  { store: alias, object: key }: { store: string; object: string },
): Promise<Source> {
  const store = openStore(alias);
  const found = await store.head(key);
  if (!found) {
    const context = { bucket: alias, key };
    throw new FerryError('ObjectMissing', `The store "${alias}" has no object ${key}`, { context });
  }
  const range = { from: 0, to: found.bytes };
  const name = key.slice(key.lastIndexOf('/') + 1);
  return { name, bytes: found.bytes, open: (signal) => store.read(key, { range, signal }) };
}

async function pushChecked(
  input: RecoverOnNodeInput,
  { name, bytes, open }: Source,
  { signal, onBytes }: Passing,
  push: (checked: SnapshotFile) => Promise<unknown>,
): Promise<RecoverOnNodeResult> {
  const { sha256 } = input;
  const check = new SnapshotCheck({ what: name, source: sourceOf(input), bytes, ...given({ sha256 }) });
  await pump({ open, check, onBytes, signal }, ({ body }) => push({ name, bytes, body: body() }));
  return { bytes: check.bytes, sha256: check.sha256 ?? '' };
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
