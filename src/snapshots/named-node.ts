// Which node and which collection an operation on snapshots means: nodes by their address or peer id, collections also by
// an alias. A node that is named and does not answer is an error, never another node.

import type { ClusterNode, ClusterNodes, SnapshotSource, WholeCluster } from '../cluster/snapshots-port.js';
import type { Controls } from '../cluster/control-port.js';
import { FerryError } from '../model/errors.js';
import { given } from '../model/contracts/snapshot-inputs.js';
import { scopeText } from '../model/snapshot-names.js';
import type { NodeRef, SilentNode, SnapshotScope } from '../model/contracts/snapshot-activities.js';

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
  return { node: url, ...given({ peer }) };
}

export function sourceOf({ collection, shard }: SnapshotScope): SnapshotSource {
  return collection === undefined ? 'storage' : { collection, ...given({ shard }) };
}

/** An address that leads to another peer by now is not where the plan was made for. */
export function samePeer(cluster: string, node: ClusterNode, peer: string | undefined): ClusterNode {
  if (node.peer === peer) return node;
  const happened = `${node.url} was peer ${peer ?? '(none)'} and is now ${node.peer ?? 'without clustering'}`;
  throw new FerryError('ClusterChanged', happened, { context: { cluster, node: node.url } });
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
  const real = await collectionBehind(controls, cluster, collection, signal);
  return { collection: real ?? collection, ...given({ shard }) };
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
