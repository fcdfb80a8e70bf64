// Every node of a cluster, each by its own address. Promises that each said just now which peer it is, that no two are
// the same, and that a peer which was not reached is named: a list through a balancer would be one node's, and which one
// is chance.

import type { ClusterNode, ClusterNodes, HeldShard } from '../snapshots/cluster-nodes.js';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { requireCluster } from '../model/ferry-config.js';
import { numberAt, objectAt, textAt, type Json } from '../model/json.js';
import type { SilentNode } from '../model/contracts/snapshot-activities.js';
import { list } from './control-layout.js';
import { QdrantReceiver } from './recover-snapshot.js';
import { RestNode } from './rest.js';
import { addresses, type NodeOptions } from './snapshot-nodes.js';
import { QdrantSnapshots } from './snapshots.js';

export function clusterNodes(
  clusters: Record<string, ClusterConnection>,
  { silenceMs }: NodeOptions = {},
): ClusterNodes {
  return async (cluster, signal) => {
    const nodes = await addresses(requireCluster({ clusters }, cluster), signal);
    const answers = await Promise.allSettled(nodes.map((node) => ask(node, signal)));
    const said = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const living = said.map(({ node }) => node);
    try {
      signal.throwIfAborted();
      requireDistinct(cluster, said);
      return {
        nodes: said.map((one) => new QdrantClusterNode(one, silenceMs)),
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

interface Said {
  node: RestNode;
  peer: string | undefined;
  /** All that it knows, with itself. */
  peers: string[];
}

async function ask(node: RestNode, signal: AbortSignal): Promise<Said> {
  const answer = (await node.json('GET', '/cluster', { signal, timeoutMs: 10_000 })) as Json;
  return { node, peer: textAt(answer, 'peer_id'), peers: Object.keys(objectAt(answer, 'peers')) };
}

function requireDistinct(cluster: string, said: readonly Said[]): void {
  if (said.length < 2) return;
  const lone = said.find(({ peer }) => peer === undefined);
  if (lone) throw unknown(cluster, `${lone.node.url} runs without clustering and is no node of a cluster`);
  for (const [at, { node, peer }] of said.entries()) {
    const twin = said.slice(0, at).find((one) => one.peer === peer);
    if (twin) throw unknown(cluster, `${twin.node.url} and ${node.url} lead to one node, peer ${peer}`);
  }
}

/** Addresses that failed; or, where all answered, peers to which no address leads. */
function silentOf(nodes: readonly RestNode[], answers: PromiseSettledResult<Said>[]): SilentNode[] {
  const failed = answers.flatMap((one, at): SilentNode[] => {
    if (one.status === 'fulfilled') return [];
    const error: unknown = one.reason;
    const code = error instanceof FerryError ? error.code : 'QdrantUnavailable';
    const message = error instanceof FerryError ? error.happened : String(error);
    return [{ node: nodes[at]?.url ?? '', code, message }];
  });
  const said = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const known = new Set(said.map(({ peer }) => peer));
  const missing = [...new Set(said.flatMap(({ peers }) => peers))].filter((peer) => !known.has(peer)).sort();
  if (failed.length >= missing.length) return failed;
  return [
    ...failed,
    ...missing.map((peer) => ({
      node: `peer ${peer}`,
      code: 'NodesUnknown',
      message: `ferry.yaml leads to no node that is peer ${peer}`,
    })),
  ];
}

class QdrantClusterNode implements ClusterNode {
  readonly peer?: string;
  readonly url: string;
  readonly snapshots: QdrantSnapshots;
  readonly #node: RestNode;

  constructor({ node, peer }: Said, silenceMs: number | undefined) {
    this.#node = node;
    this.url = node.url;
    if (peer !== undefined) this.peer = peer;
    this.snapshots = new QdrantSnapshots(node, peer, silenceMs);
  }

  async shardsOf(collection: string, signal: AbortSignal): Promise<HeldShard[] | undefined> {
    try {
      const path = `/collections/${encodeURIComponent(collection)}/cluster`;
      const answer = (await this.#node.json('GET', path, { signal, timeoutMs: 10_000 })) as Json;
      return list(objectAt(answer).local_shards).map((shard) => ({
        id: numberAt(shard, 'shard_id') ?? -1,
        state: textAt(shard, 'state') ?? 'unknown',
        points: numberAt(shard, 'points_count') ?? 0,
      }));
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
