// A snapshot of what a node holds, made and kept by Qdrant. Promises that the file named lies on the node when it is
// answered, and that nobody else was told the same name: Qdrant names them by the second, a second one of that second
// takes the place of the first, and a full storage snapshot removes those that it made on its way. A call whose answer was
// lost is settled: no second one is sent beside it. Other snapshots that appeared meanwhile are named in `notes`.

import { setTimeout as sleep } from 'node:timers/promises';
import { FerryError } from '../model/errors.js';
import { isNamedAs, scopeText } from '../model/snapshot-names.js';
import type {
  CreateOnNodeInput,
  CreateOnNodeResult,
  FindHoldersInput,
  FindHoldersResult,
  SnapshotScope,
} from '../model/contracts/snapshot-activities.js';
import {
  isNamed,
  nodeNamed,
  noCollection,
  refOf,
  scopeBehind,
  samePeer,
  silence,
  sourceOf,
  withNodes,
  type SnapshotDeps,
} from './named-node.js';
import { listed } from './list-snapshots.js';
import type { ClusterNode, ClusterNodes, NodeFile, WholeCluster } from '../cluster/snapshots-port.js';
import { settledCreate, type CreateSite } from './settled-create.js';

/** Names have whole seconds: after this time nobody is given ours any more. */
const NAME_IS_OLD_MS = 1_100;

/** Throws where a part of it cannot be had, before anything is made. */
export async function findHolders(
  { open, controls }: SnapshotDeps,
  { cluster, node, ...asked }: FindHoldersInput,
  signal: AbortSignal,
): Promise<FindHoldersResult> {
  const scope = await scopeBehind(controls, cluster, asked, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const nodes = node === undefined ? allOf(cluster, whole) : [nodeNamed(cluster, whole, node)];
    if (scope.collection === undefined) return { holders: nodes.map(refOf), notes: [] };
    const holders: ClusterNode[] = [];
    for (const one of nodes) if (await holdsActive(cluster, one, scope, signal)) holders.push(one);
    if (holders.length === 0) throw nothingThere(cluster, scope, node);
    return { ...scope, holders: holders.map(refOf), notes: notesOn(scope, holders, nodes, node) };
  });
}

export async function createOnNode(
  open: ClusterNodes,
  { cluster, node, peer, what: _what, ...scope }: CreateOnNodeInput,
  { log, signal }: Pick<CreateSite, 'log' | 'signal'>,
): Promise<CreateOnNodeResult> {
  return withNodes(open, cluster, signal, async (whole) => {
    const there = samePeer(cluster, nodeNamed(cluster, whole, node), peer);
    const source = sourceOf(scope);
    const all = await there.snapshots.list(source, signal);
    const { made, before } = await settledCreate({ node: there.snapshots, source, log, signal });
    if (before.includes(made.name)) throw collision(there, made, 'existed before this one was requested');
    await sleep(NAME_IS_OLD_MS, undefined, { signal });
    const after = await there.snapshots.list(source, signal);
    const kept = after.find(({ name }) => name === made.name);
    if (kept?.bytes !== made.bytes || kept.sha256 !== made.sha256)
      throw collision(there, made, kept ? 'was replaced by another one of that name' : 'was deleted again');
    const others = ownNames(after, scope).filter((name) => name !== made.name && !before.includes(name));
    const notes = others.map((name) => alsoThere(there, name));
    return { made: listed(there, made), notes: [...notes, ...byTheWay(scope, all, after)] };
  });
}

function allOf(cluster: string, { nodes, silent }: WholeCluster): ClusterNode[] {
  const [lost] = silent;
  if (lost) throw silence(cluster, lost);
  return nodes;
}

async function holdsActive(
  cluster: string,
  node: ClusterNode,
  { collection = '', shard }: SnapshotScope,
  signal: AbortSignal,
): Promise<boolean> {
  const shards = await node.shardsOf(collection, signal);
  if (shards === undefined) throw noCollection(cluster, collection);
  const wanted = shards.filter(({ id }) => shard === undefined || id === shard);
  const ill = wanted.find(({ state }) => state !== 'Active');
  if (!ill) return wanted.length > 0;
  const happened = `Shard ${ill.id} of "${collection}" is ${ill.state} on ${node.url}: its snapshot would be incomplete`;
  throw new FerryError('ReplicaNotActive', happened, { context: { cluster, shard: ill.id } });
}

function nothingThere(cluster: string, scope: SnapshotScope, node: string | undefined): FerryError {
  const holds = node === undefined ? 'No node holds anything' : `${node} holds nothing`;
  const happened = `${holds} of ${scopeText(scope)}: its snapshot would be empty`;
  return new FerryError('InvalidInput', happened, { context: { cluster } });
}

function notesOn(
  scope: SnapshotScope,
  holders: readonly ClusterNode[],
  nodes: readonly ClusterNode[],
  named: string | undefined,
): string[] {
  if (scope.shard !== undefined || holders.length + nodes.length === 2) {
    const single = named !== undefined && scope.shard === undefined;
    return single ? ["The snapshot holds this node's part of the collection only."] : [];
  }
  const parts =
    holders.length === 1
      ? []
      : ['Each snapshot holds the part on its own node; together they hold the collection.'];
  const idle = nodes.filter((node) => !holders.some(({ url }) => isNamed({ url }, node.url)));
  return [
    ...parts,
    ...idle.map(({ url }) => `${url} holds nothing of ${scopeText(scope)}, and was left out.`),
  ];
}

function ownNames(files: readonly NodeFile[], scope: SnapshotScope): string[] {
  const names = files.map(({ name }) => name).filter((name) => isNamedAs(scope, name));
  return names.sort();
}

function collision({ url }: ClusterNode, { name }: NodeFile, how: string): FerryError {
  return new FerryError('SnapshotCollision', `The snapshot ${name} on ${url} ${how}`, {
    context: { node: url },
  });
}

/** Measured on 1.16.3 and 1.17.0: out of S3 they are not deleted again. */
function byTheWay(scope: SnapshotScope, before: readonly NodeFile[], after: readonly NodeFile[]): string[] {
  if (scope.collection !== undefined) return [];
  const known = new Set(before.map(({ name }) => name));
  const others = after.map(({ name }) => name).filter((name) => !known.has(name) && !isNamedAs(scope, name));
  if (others.length === 0) return [];
  const names = `${others.slice(0, 10).join(', ')}${others.length > 10 ? ', …' : ''}`;
  return [
    `${others.length} other snapshots appeared meanwhile: where Qdrant keeps snapshots in S3, a full storage snapshot leaves one of each collection behind (${names}).`,
  ];
}

function alsoThere({ url }: ClusterNode, name: string): string {
  return `${name} on ${url} appeared meanwhile and is not part of this result.`;
}
