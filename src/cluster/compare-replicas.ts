// Whether the replicas of each shard hold as many points. Qdrant keeps a replica Active that has missed writes, and reads
// from the one at hand: what is read then depends on the node. Promises that a difference is named only when it lasts, so
// that a write which one replica had a moment earlier is none, and that nothing is claimed where nodes did not answer.
//
//   1. each node reports, at its own address, what its own replicas hold; several times
//   2. a shard whose replicas were seen equal once is equal; so is one whose counts overlap, for it is being written
//   3. of what is left, exact counts through each node decide, where a node holds every shard they are taken over

import { setTimeout as sleep } from 'node:timers/promises';
import type { CompareReplicasInput, CompareReplicasResult } from '../model/contracts/activities.js';
import type { CollectionRef } from '../model/collections.js';
import { FerryError } from '../model/errors.js';
import type { ClusterControl, Controls, Layout, NodeReplicas, Shard } from './control-port.js';

const ROUNDS = 4;
const PAUSE_MS = 500;
const MOST_NAMED = 5;

export async function compareReplicas(
  controls: Controls,
  { collection: ref, allow }: CompareReplicasInput,
  signal?: AbortSignal,
  pauseMs = PAUSE_MS,
): Promise<CompareReplicasResult> {
  const control = controls.of(ref.cluster);
  const layout = await control.layout(ref.collection, signal);
  const replicated = layout.shards.filter((shard) => activePeers(shard).length > 1);
  if (replicated.length === 0) return { notes: [] };
  const unknown = unknownPeers(replicated, await control.replicas(ref.collection, signal));
  if (unknown.length > 0) return { notes: [notCompared(ref, unknown)] };
  const suspects = await lastingDifferences(control, ref.collection, replicated, pauseMs, signal);
  const differing: Counts[] = [];
  for (const suspect of suspects) {
    if (await isConfirmed(control, ref.collection, layout, suspect, signal)) differing.push(suspect);
  }
  if (differing.length === 0) return { notes: [] };
  const happened = `The replicas of "${ref.collection}" on "${ref.cluster}" differ: ${describe(differing)}`;
  if (!allow) throw new FerryError('ReplicasDiffer', happened, { context: { ...ref } });
  return { notes: [`${happened}. \`allowReplicaDifference\` allows it`] };
}

export function activePeers(shard: Shard): string[] {
  return shard.replicas.filter((one) => one.state === 'Active').map((one) => one.peer);
}

interface Counts {
  shard: Shard;
  /** By node: the least and the most that was seen. */
  seen: Map<number, { node: NodeReplicas; least: number; most: number; last: number }>;
}

async function lastingDifferences(
  control: ClusterControl,
  collection: string,
  shards: readonly Shard[],
  pauseMs: number,
  signal?: AbortSignal,
): Promise<Counts[]> {
  let open = shards.map((shard): Counts => ({ shard, seen: new Map() }));
  for (let round = 0; round < ROUNDS && open.length > 0; round += 1) {
    if (round > 0) await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
    const nodes = await control.replicas(collection, signal);
    open = open.filter((counts) => !areEqual(counts, nodes));
  }
  return open.filter(isApart);
}

/** Takes a round's counts. */
function areEqual({ shard, seen }: Counts, nodes: readonly NodeReplicas[]): boolean {
  const now: number[] = [];
  for (const node of nodes) {
    const held = node.shards.find((one) => one.id === shard.id && one.state === 'Active');
    if (held === undefined) continue;
    now.push(held.points);
    const known = seen.get(node.lane) ?? { node, least: held.points, most: held.points, last: 0 };
    known.least = Math.min(known.least, held.points);
    known.most = Math.max(known.most, held.points);
    known.last = held.points;
    seen.set(node.lane, known);
  }
  return new Set(now).size <= 1;
}

/** Two replicas that never held what the other held. */
function isApart({ seen }: Counts): boolean {
  const all = [...seen.values()];
  return all.some((one) => all.some((other) => one.most < other.least));
}

/** The exact count is of replicas that the node holds itself, so it can be compared where it holds all that is counted. */
async function isConfirmed(
  control: ClusterControl,
  collection: string,
  layout: Layout,
  { shard, seen }: Counts,
  signal?: AbortSignal,
): Promise<boolean> {
  const sameKey = layout.shards.filter((one) => JSON.stringify(one.key) === JSON.stringify(shard.key));
  const nodes = [...seen.values()].map(({ node }) => node);
  const holdsAll = (node: NodeReplicas): boolean =>
    sameKey.every(({ id }) => node.shards.some((one) => one.id === id && one.state === 'Active'));
  if (!nodes.every(holdsAll)) return true;
  const exact = await Promise.all(
    nodes.map(({ lane }) => control.countOn(lane, collection, shard.key, signal)),
  );
  return new Set(exact).size > 1;
}

/** Peers with an Active replica to which no address of ferry.yaml leads. */
function unknownPeers(shards: readonly Shard[], nodes: readonly NodeReplicas[]): string[] {
  const known = new Set(nodes.map(({ peer }) => peer));
  return [...new Set(shards.flatMap(activePeers))].filter((peer) => !known.has(peer)).sort();
}

function notCompared({ cluster, collection }: CollectionRef, peers: readonly string[]): string {
  const which = `${peers.length === 1 ? 'peer' : 'peers'} ${peers.join(', ')}`;
  return `The replicas of "${collection}" on "${cluster}" were not compared: no address in ferry.yaml answers as ${which}`;
}

/** "shard 0: n0:6333 10,300, n1:6333 10,000" */
function describe(differing: readonly Counts[]): string {
  const named = differing.slice(0, MOST_NAMED).map(({ shard, seen }) => {
    const counts = [...seen.values()].map(({ node, last }) => `${node.node} ${last.toLocaleString('en-US')}`);
    return `shard ${shard.id}: ${counts.join(', ')}`;
  });
  const more = differing.length - named.length;
  return named.join('; ') + (more > 0 ? `; and ${more} more shards` : '');
}
