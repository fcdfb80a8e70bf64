// Which node a snapshot is taken from. Promises that the node opened has just reported, under its peer id, that it holds the
// shard as Active: a load balancer can give neither an empty nor an external snapshot. Where ferry.yaml has one address
// and the cluster several peers, their hosts are tried at the same port, and must answer with the right peer id.

import type { SnapshotNode, SnapshotNodes, WantedShard } from '../cluster/snapshots-port.js';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { requireCluster } from '../model/ferry-config.js';
import { clusterPath, localShards } from './control-layout.js';
import { toText, type Rest } from './openapi.js';
import { restNode, RestNode } from './rest.js';
import { QdrantSnapshots } from './snapshots.js';

/** One by one; of three nodes behind a balancer that picks at random, all answers are one peer's once in 2,000 times. */
const BALANCER_TRIES = 8;

export interface NodeOptions {
  /** For tests: how long a node may be silent. */
  silenceMs?: number;
}

/** A node, and what it reports of itself and a collection. */
interface NodeInfo {
  node: RestNode;
  peer: string | undefined;
  /** Shards it holds itself, as Active. */
  active: Set<number>;
}

export function snapshotNodes(
  clusters: Record<string, ClusterConnection>,
  { silenceMs }: NodeOptions = {},
): SnapshotNodes {
  const open = ({ node, peer }: NodeInfo): SnapshotNode => new QdrantSnapshots(node, peer, silenceMs);
  return {
    holding: async (cluster, wanted, signal) =>
      open(await nodeHolding(requireCluster({ clusters }, cluster), wanted, signal)),
    only: async (cluster, signal) => open(await onlyNode(requireCluster({ clusters }, cluster), signal)),
  };
}

async function nodeHolding(
  connection: ClusterConnection,
  wanted: WantedShard,
  signal: AbortSignal,
): Promise<NodeInfo> {
  const { found, failures } = await infoOfAll(await addresses(connection, signal), wanted.collection, signal);
  const holders = found.filter((one) => one.active.has(wanted.shard));
  const chosen = holders.find((one) => one.peer === wanted.peer) ?? holders[0];
  await Promise.all(found.filter((one) => one !== chosen).map((one) => one.node.close()));
  if (chosen) return chosen;
  const lost = failures[0];
  if (lost) throw lost;
  const peers = found.map((one) => one.peer);
  if (wanted.peer !== undefined && !peers.includes(wanted.peer)) throw unknownNode(connection, [wanted.peer]);
  throw notActive(connection, wanted);
}

/** A node that does not answer is no reason to stop while another has the shard. */
async function infoOfAll(nodes: RestNode[], collection: string, signal: AbortSignal) {
  const answers = await Promise.allSettled(nodes.map((node) => infoOf(node, collection, signal)));
  signal.throwIfAborted();
  return {
    found: answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    failures: answers.flatMap((one): unknown[] => (one.status === 'rejected' ? [one.reason] : [])),
  };
}

async function infoOf(node: RestNode, collection: string, signal: AbortSignal): Promise<NodeInfo> {
  const options = { signal, timeoutMs: 10_000 };
  const answer = await node.json<Rest<'CollectionClusterInfo'>>('GET', clusterPath(collection), options);
  const active = localShards(answer).filter(({ state }) => state === 'Active');
  return { node, peer: toText(answer.peer_id), active: new Set(active.map(({ id }) => id)) };
}

/** Every node by its own address: those of the configuration, or the peers' own. */
export async function addresses(connection: ClusterConnection, signal: AbortSignal): Promise<RestNode[]> {
  if (connection.nodes.length > 1) return connection.nodes.map((_, lane) => restNode(connection, lane));
  const given = restNode(connection);
  const peers = Object.entries(await peersBehind(given, signal));
  if (peers.length <= 1) return [given];
  await given.close();
  const at = new URL(given.url).href;
  const places = peers.map(([peer, uri]) => ({ peer, url: placeOf(at, uri) }));
  const here = places.some(({ url }) => url === at) ? await onlyPeerAt(connection, at, signal) : undefined;
  const found = await Promise.all(
    places.map(async ({ peer, url }) => {
      if (url === undefined) return undefined;
      const answers = url === at ? here : await peerAt(connection, url, signal);
      return answers === peer ? new RestNode(url, connection) : undefined;
    }),
  );
  const known = found.filter((node) => node !== undefined);
  if (known.length === 0)
    throw unknownNode(
      connection,
      peers.map(([peer]) => peer),
    );
  return known;
}

/** The peer's own host, at the port of the address we were given. */
function placeOf(given: string, uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(given);
  url.hostname = new URL(uri).hostname;
  return url.href;
}

/** `undefined` for a balancer, which sooner or later answers as another peer. */
async function onlyPeerAt(
  connection: ClusterConnection,
  url: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const first = await peerAt(connection, url, signal);
  for (let tries = 1; first !== undefined && tries < BALANCER_TRIES; tries++)
    if ((await peerAt(connection, url, signal)) !== first) return undefined;
  return first;
}

/** Over a connection of its own, for a balancer may keep to the node of the first request. */
async function peerAt(
  connection: ClusterConnection,
  url: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const node = new RestNode(url, connection);
  try {
    const options = { signal, timeoutMs: 5_000 };
    return toText((await node.json<Rest<'ClusterStatus'>>('GET', '/cluster', options)).peer_id);
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  } finally {
    await node.close();
  }
}

async function peersBehind(node: RestNode, signal: AbortSignal): Promise<Record<string, string>> {
  const answer = await node.json<Rest<'ClusterStatus'>>('GET', '/cluster', { signal });
  const peers = Object.entries(answer.peers ?? {});
  return Object.fromEntries(peers.map(([peer, facts]) => [peer, facts?.uri ?? '']));
}

async function onlyNode(connection: ClusterConnection, signal: AbortSignal): Promise<NodeInfo> {
  const node = restNode(connection);
  const peers = Object.keys(await peersBehind(node, signal));
  if (peers.length <= 1 && connection.nodes.length === 1) {
    return { node, peer: peers[0], active: new Set() };
  }
  await node.close();
  const happened = `\`nodeSnapshot\` is for a cluster of one node; "${connection.alias}" has several`;
  throw new FerryError('InvalidInput', happened, { context: { cluster: connection.alias } });
}

function unknownNode(connection: ClusterConnection, peers: string[]): FerryError {
  const happened = `ferry.yaml has no separate address for ${peers.length > 1 ? 'the peers' : 'peer'} ${peers.join(', ')}`;
  return new FerryError('NodesUnknown', happened, { context: { cluster: connection.alias } });
}

function notActive(connection: ClusterConnection, { collection, shard }: WantedShard): FerryError {
  const happened = `No node of "${connection.alias}" holds shard ${shard} of "${collection}" as Active`;
  return new FerryError('ReplicaNotActive', happened, { context: { cluster: connection.alias, shard } });
}
