// What the administration of snapshots needs of a cluster: every node of it, each by its own address, and the collection
// behind a name. qdrant/ implements it. Each node that is handed out has just reported its peer id, so that no list and no
// file is another node's.

import type { Controls } from '../cluster/control-port.js';
import { FerryError } from '../model/errors.js';
import { scopeText } from '../model/snapshot-names.js';
import type { NodeRef, SilentNode, SnapshotScope } from '../model/contracts/snapshot-activities.js';
import type { ShardNode } from '../shards/receiver-port.js';
import type { SnapshotNode, SnapshotSource } from '../cluster/snapshots-port.js';

export interface HeldShard {
  id: number;
  /** "Active", "Dead", "Partial", … */
  state: string;
  /** Roughly; exact enough to tell none from some. */
  points: number;
}

/** Close it. */
export interface ClusterNode {
  /** Absent where Qdrant runs without clustering. */
  readonly peer?: string;
  readonly url: string;
  readonly snapshots: SnapshotNode;
  /** Shards of the collection on this very node; `undefined` when the cluster has no such collection. */
  shardsOf(collection: string, signal: AbortSignal): Promise<HeldShard[] | undefined>;
  /** To put a snapshot in. Close it. */
  receiver(into: { collection: string; shard?: number }): ShardNode;
  close(): Promise<void>;
}

export interface WholeCluster {
  nodes: ClusterNode[];
  silent: SilentNode[];
}

/** Throws `NodesUnknown` where two addresses lead to one node, or an address to a balancer. */
export type ClusterNodes = (cluster: string, signal: AbortSignal) => Promise<WholeCluster>;

export interface SnapshotDeps {
  open: ClusterNodes;
  controls: Controls;
}

export async function withNodes<T>(
  open: ClusterNodes,
  cluster: string,
  signal: AbortSignal,
  work: (whole: WholeCluster) => Promise<T>,
): Promise<T> {
  const whole = await open(cluster, signal);
  try {
    return await work(whole);
  } finally {
    await Promise.all(whole.nodes.map((node) => node.close()));
  }
}

/** The node that is meant: by its address or its peer id, or the only one where none is named. */
export function nodeNamed(cluster: string, { nodes, silent }: WholeCluster, named?: string): ClusterNode {
  const only = nodes.length === 1 && silent.length === 0 ? nodes[0] : undefined;
  const found = named === undefined ? only : nodes.find((node) => isNamed(node, named));
  if (found) return found;
  const absent = silent.find(({ node }) => named !== undefined && isNamed(addressOf(node), named));
  if (absent) throw silence(cluster, absent);
  const why = named === undefined ? 'Name one node' : `"${named}" is not a node of "${cluster}"`;
  throw new FerryError('InvalidInput', `${why}, by its address or its peer id: ${listed(nodes, silent)}`, {
    context: { cluster },
  });
}

export function isNamed({ url, peer }: { url: string; peer?: string }, named: string): boolean {
  return named === peer || named.replace(/\/+$/, '') === url;
}

export function refOf({ url, peer }: ClusterNode): NodeRef {
  return peer === undefined ? { node: url } : { node: url, peer };
}

export function sourceOf({ collection, shard }: SnapshotScope): SnapshotSource {
  if (collection === undefined) return 'storage';
  return shard === undefined ? { collection } : { collection, shard };
}

export function silence(cluster: string, { node, code, message }: SilentNode): FerryError {
  return new FerryError(code === 'NodesUnknown' ? 'NodesUnknown' : 'ClusterUnreachable', message, {
    context: { cluster, node },
    retryable: code !== 'NodesUnknown',
  });
}

function addressOf(node: string): { url: string; peer?: string } {
  return node.startsWith('peer ') ? { url: '', peer: node.slice(5) } : { url: node };
}

function listed(nodes: readonly ClusterNode[], silent: readonly SilentNode[]): string {
  const living = nodes.map(({ url, peer }) => (peer === undefined ? url : `${url} (${peer})`));
  return [...living, ...silent.map(({ node }) => `${node} (no answer)`)].join(', ');
}

/** With the collection's own name. */
export async function scopeBehind(
  controls: Controls,
  cluster: string,
  { collection, shard }: SnapshotScope,
  signal: AbortSignal,
): Promise<SnapshotScope> {
  if (collection === undefined) return {};
  const real = (await collectionBehind(controls, cluster, collection, signal)) ?? collection;
  return shard === undefined ? { collection: real } : { collection: real, shard };
}

/** Undefined when it is no alias. */
export async function collectionBehind(
  controls: Controls,
  cluster: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const aliases = await controls.of(cluster).aliases(signal);
  return aliases.find(({ alias }) => alias === name)?.collection;
}

export async function requireOwnName(
  controls: Controls,
  cluster: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const real = await collectionBehind(controls, cluster, name, signal);
  if (real === undefined) return;
  const happened = `"${name}" is an alias of "${real}" on "${cluster}"; recover into the collection by its own name`;
  throw new FerryError('NameTakenByAlias', happened, { context: { cluster, collection: real } });
}

export function noCollection(cluster: string, collection: string): FerryError {
  const happened = `There is no collection "${collection}" on "${cluster}"`;
  return new FerryError('CollectionNotFound', happened, { context: { cluster, collection } });
}

export function notFound(
  cluster: string,
  { url }: ClusterNode,
  scope: SnapshotScope,
  name: string,
): FerryError {
  const happened = `${url} has no snapshot ${name} of ${scopeText(scope)}`;
  return new FerryError('SnapshotNotFound', happened, { context: { cluster, node: url } });
}
