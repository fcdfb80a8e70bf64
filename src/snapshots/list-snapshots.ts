// The snapshots on the nodes of a cluster: each node is asked for its own. Promises that a node which did not answer is
// named, never left out. Does not promise that all of them belong to the scope: where Qdrant keeps snapshots in S3, its
// lists mix collections, shards and nodes, and a note reports it.

import { FerryError } from '../model/errors.js';
import { isNamedAs, scopeText } from '../model/snapshot-names.js';
import type {
  ListedSnapshot,
  ListOnNodesInput,
  ListSnapshotsResult,
  SilentNode,
  SnapshotScope,
} from '../model/contracts/snapshot-activities.js';
import {
  nodeNamed,
  notFound,
  refOf,
  scopeBehind,
  sourceOf,
  withNodes,
  type SnapshotDeps,
} from './named-node.js';
import type { ClusterNode, NodeFile, WholeCluster } from '../cluster/snapshots-port.js';

/** With `name`, those of that name alone: the same name can lie on several nodes. */
export async function listOnNodes(
  { open, controls }: SnapshotDeps,
  { cluster, node, name, ...given }: ListOnNodesInput,
  signal: AbortSignal,
): Promise<ListSnapshotsResult> {
  const scope = await scopeBehind(controls, cluster, given, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const { nodes, silent: unreached } = narrowed(cluster, whole, node);
    const answers = await Promise.all(nodes.map((one) => listOf(one, scope, signal)));
    signal.throwIfAborted();
    const lists = answers.flatMap((one) => (one.list === undefined ? [] : [one.list]));
    const silent = [...unreached, ...answers.flatMap((one) => one.silent ?? [])];
    if (lists.length === 0 && silent.length === unreached.length) throw heldNowhere(cluster, scope);
    const snapshots = lists
      .flat()
      .filter((one) => name === undefined || one.name === name)
      .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
    if (name !== undefined && snapshots.length === 0 && silent.length === 0)
      throw noSnapshot(cluster, nodes, scope, name);
    const without = answers.filter(({ absent }) => absent).length;
    return { cluster, ...scope, snapshots, silent, notes: notesOn(scope, snapshots, without) };
  });
}

/** Fits one event of a workflow's history. The command has no limit. */
const MOST_IN_A_HISTORY = 500;

export function shortened(result: ListSnapshotsResult): ListSnapshotsResult {
  const { snapshots, notes } = result;
  if (snapshots.length <= MOST_IN_A_HISTORY) return result;
  const counts = new Map<string, number>();
  for (const { node } of snapshots.slice(MOST_IN_A_HISTORY)) counts.set(node, (counts.get(node) ?? 0) + 1);
  const leftOut = [...counts].map(([node, count]) => ({ node, count }));
  const perNode = leftOut.map(({ node, count }) => `${count} on ${node}`).join(', ');
  const note = `${snapshots.length - MOST_IN_A_HISTORY} more snapshots are left out: ${perNode}. Narrow the list with \`node\` or \`snapshot\`, or run \`ferry snapshots list\`, which prints all of them.`;
  return { ...result, snapshots: snapshots.slice(0, MOST_IN_A_HISTORY), notes: [...notes, note], leftOut };
}

interface Answer {
  list?: ListedSnapshot[];
  silent?: SilentNode;
  /** The node holds no such shard. */
  absent?: boolean;
}

async function listOf(node: ClusterNode, scope: SnapshotScope, signal: AbortSignal): Promise<Answer> {
  try {
    if (scope.shard !== undefined && !(await holds(node, scope, signal))) return { absent: true };
    const files = await node.snapshots.list(sourceOf(scope), signal);
    return { list: files.map((file) => listed(node, file)) };
  } catch (error) {
    if (!(error instanceof FerryError) || error.code === 'CollectionNotFound') throw error;
    if (error.code === 'ClusterUnauthorized' || error.code === 'ClusterKeyRefused') throw error;
    return { silent: { node: node.url, code: error.code, message: error.happened } };
  }
}

async function holds(node: ClusterNode, scope: SnapshotScope, signal: AbortSignal): Promise<boolean> {
  const shards = await node.shardsOf(scope.collection ?? '', signal);
  return (shards ?? []).some(({ id }) => id === scope.shard);
}

export function listed(node: ClusterNode, file: NodeFile): ListedSnapshot {
  return { ...refOf(node), ...file };
}

function narrowed(cluster: string, whole: WholeCluster, node: string | undefined): WholeCluster {
  return node === undefined ? whole : { nodes: [nodeNamed(cluster, whole, node)], silent: [] };
}

/** By node, then by name. */
function placeOf({ node, name }: ListedSnapshot): string {
  return `${node} ${name}`;
}

function noSnapshot(
  cluster: string,
  nodes: readonly ClusterNode[],
  scope: SnapshotScope,
  name: string,
): FerryError {
  const [only] = nodes.length === 1 ? nodes : [];
  if (only) return notFound(cluster, only, scope, name);
  const happened = `No node of "${cluster}" has a snapshot ${name} of ${scopeText(scope)}`;
  return new FerryError('SnapshotNotFound', happened, { context: { cluster } });
}

function heldNowhere(cluster: string, { collection, shard }: SnapshotScope): FerryError {
  const happened = `No node that answered holds shard ${shard} of "${collection}"`;
  return new FerryError('InvalidInput', happened, { context: { cluster } });
}

function notesOn(scope: SnapshotScope, all: readonly ListedSnapshot[], without: number): string[] {
  const notes: string[] = [];
  const others = all.filter(({ name }) => !isNamedAs(scope, name)).length;
  if (without > 0) notes.push(`${without} of the nodes hold no ${scopeText(scope)}.`);
  if (others > 0)
    notes.push(
      `${others} are not named as Qdrant names snapshots of ${scopeText(scope)}: where it keeps them in S3 its lists mix collections, shards and nodes.`,
    );
  return notes;
}
