// The snapshots that lie on the nodes of a cluster, asked of each node itself. Promises that a node which did not answer
// is named, never left out. Does not promise that all belong to what was asked for: where Qdrant keeps snapshots in S3
// its lists mix collections, shards and nodes, and that is said.

import { FerryError } from '../model/errors.js';
import { isNamedAs, scopeText } from '../model/snapshot-names.js';
import { pageOf } from '../model/state/snapshot-pages.js';
import type {
  ListedSnapshot,
  ListOnNodesInput,
  ListSnapshotsResult,
  SilentNode,
  SnapshotScope,
} from '../model/contracts/snapshot-activities.js';
import type { Controls } from '../cluster/control-port.js';
import {
  nodeNamed,
  refOf,
  sourceOf,
  withNodes,
  type ClusterNode,
  type ClusterNodes,
  type WholeCluster,
} from './cluster-nodes.js';
import type { NodeFile } from '../cluster/snapshots-port.js';
import { scopeBehind } from './snapshot-scope.js';

export interface SnapshotDeps {
  open: ClusterNodes;
  controls: Controls;
}

export async function listOnNodes(
  { open, controls }: SnapshotDeps,
  { cluster, node, after, ...asked }: ListOnNodesInput,
  signal: AbortSignal,
): Promise<ListSnapshotsResult> {
  const scope = await scopeBehind(controls, cluster, asked, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const { nodes, silent } = narrowed(cluster, whole, node);
    const answers = await Promise.all(nodes.map((one) => listOf(one, scope, signal)));
    signal.throwIfAborted();
    const lists = answers.flatMap((one) => (one.list === undefined ? [] : [one.list]));
    const failed = answers.flatMap((one) => (one.silent === undefined ? [] : [one.silent]));
    if (lists.length === 0 && failed.length === 0) throw heldNowhere(cluster, scope);
    const all = lists.flat();
    const notes = notesOn(scope, all, nodes.length - answers.filter(({ absent }) => !absent).length);
    return { cluster, ...scope, ...pageOf(all, after), silent: [...silent, ...failed], notes };
  });
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

function heldNowhere(cluster: string, { collection, shard }: SnapshotScope): FerryError {
  const happened = `No node that was asked holds shard ${shard} of "${collection}"`;
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
