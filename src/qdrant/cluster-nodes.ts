// Every node of a cluster, each by its own address. Promises that each found just now which peer it is, that no two are
// the same, and that a peer which was not reached is named: a list through a balancer would be one node's, and which one
// is chance.

import type { ClusterNode, ClusterNodes, HeldShard } from '../cluster/snapshots-port.js';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { requireCluster } from '../model/ferry-config.js';
import type { SilentNode } from '../model/contracts/snapshot-activities.js';
import { clusterPath, localShards } from './control-layout.js';
import { toText, type Rest } from './openapi.js';
import { QdrantReceiver } from './snapshot-receiver.js';
import { RestNode } from './rest.js';
import { addresses, type NodeOptions } from './snapshot-nodes.js';
import { QdrantSnapshots } from './snapshots.js';

export function clusterNodes(
  clusters: Record<string, ClusterConnection>,
  { silenceMs }: NodeOptions = {},
): ClusterNodes {
  return async (cluster, signal) => {
    const nodes = await addresses(requireCluster({ clusters }, cluster), signal);
    const answers = await Promise.allSettled(nodes.map((node) => infoOf(node, signal)));
    const found = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const living = found.map(({ node }) => node);
    try {
      signal.throwIfAborted();
      requireDistinct(cluster, found);
      return {
        nodes: found.map((one) => new QdrantClusterNode(one, silenceMs)),
        silent: silentOf(nodes, answers),
      };
    } catch (error) {
      await Promise.all(living.map((node) => node.close()));
      throw error;
    } finally {
      await Promise.all(nodes.filter((node) => !living.includes(node)).map((node) => node.close()));
    }
  };
}

interface NodeInfo {
  node: RestNode;
  peer: string | undefined;
  /** All that it knows, with itself. */
  peers: string[];
}

async function infoOf(node: RestNode, signal: AbortSignal): Promise<NodeInfo> {
  const answer = await node.json<Rest<'ClusterStatus'>>('GET', '/cluster', { signal, timeoutMs: 10_000 });
  return { node, peer: toText(answer.peer_id), peers: Object.keys(answer.peers ?? {}) };
}

function requireDistinct(cluster: string, found: readonly NodeInfo[]): void {
  if (found.length < 2) return;
  const lone = found.find(({ peer }) => peer === undefined);
  if (lone) throw unknown(cluster, `${lone.node.url} runs without clustering and is no node of a cluster`);
  for (const [at, { node, peer }] of found.entries()) {
    const twin = found.slice(0, at).find((one) => one.peer === peer);
    if (twin) throw unknown(cluster, `${twin.node.url} and ${node.url} lead to the same node, peer ${peer}`);
  }
}

/** Addresses that failed; or, where all answered, peers to which no address leads. */
function silentOf(nodes: readonly RestNode[], answers: PromiseSettledResult<NodeInfo>[]): SilentNode[] {
  const failed = answers.flatMap((one, at): SilentNode[] => {
    if (one.status === 'fulfilled') return [];
    const error: unknown = one.reason;
    const code = error instanceof FerryError ? error.code : 'QdrantUnavailable';
    const message = error instanceof FerryError ? error.happened : String(error);
    return [{ node: nodes[at]?.url ?? '', code, message }];
  });
  const found = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const known = new Set(found.map(({ peer }) => peer));
  const missing = [...new Set(found.flatMap(({ peers }) => peers))].filter((peer) => !known.has(peer)).sort();
  if (failed.length >= missing.length) return failed;
  return [
    ...failed,
    ...missing.map((peer) => ({
      node: `peer ${peer}`,
      code: 'NodesUnknown',
      message: `no node in ferry.yaml is peer ${peer}`,
    })),
  ];
}

class QdrantClusterNode implements ClusterNode {
  readonly peer?: string;
  readonly url: string;
  readonly snapshots: QdrantSnapshots;
  readonly #node: RestNode;

  constructor({ node, peer }: NodeInfo, silenceMs: number | undefined) {
    this.#node = node;
    this.url = node.url;
    if (peer !== undefined) this.peer = peer;
    this.snapshots = new QdrantSnapshots(node, peer, silenceMs);
  }

  async shardsOf(collection: string, signal: AbortSignal): Promise<HeldShard[] | undefined> {
    try {
      const options = { signal, timeoutMs: 10_000 };
      return localShards(await this.#node.json('GET', clusterPath(collection), options));
    } catch (error) {
      if (error instanceof FerryError && error.code === 'CollectionNotFound') return undefined;
      throw error;
    }
  }

  receiver(into: { collection: string; shard?: number }): QdrantReceiver {
    return new QdrantReceiver(new RestNode(this.url, this.#node.connection), into);
  }

  close(): Promise<void> {
    return this.#node.close();
  }
}

function unknown(cluster: string, happened: string): FerryError {
  return new FerryError('NodesUnknown', happened, { context: { cluster } });
}
