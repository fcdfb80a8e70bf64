// Deletes one snapshot from one node, by its full name. Promises that nothing else is deleted: no pattern, and no list
// decides. A name that the node does not have is an error, unless an attempt whose answer was lost may have deleted it.

import type { DeleteOnNodeInput, DeleteSnapshotResult } from '../model/contracts/snapshot-activities.js';
import {
  nodeNamed,
  noCollection,
  notFound,
  refOf,
  scopeBehind,
  sourceOf,
  withNodes,
  type SnapshotDeps,
} from './named-node.js';

export async function deleteOnNode(
  { open, controls }: SnapshotDeps,
  { cluster, node, name, ...given }: DeleteOnNodeInput,
  { isRepeated, signal }: { isRepeated: boolean; signal: AbortSignal },
): Promise<DeleteSnapshotResult> {
  const scope = await scopeBehind(controls, cluster, given, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const { collection } = scope;
    if (collection !== undefined && (await there.shardsOf(collection, signal)) === undefined)
      throw noCollection(cluster, collection);
    const removed = await there.snapshots.remove(sourceOf(scope), name, signal);
    if (!removed && !isRepeated) throw notFound(cluster, there, scope, name);
    return { cluster, ...scope, ...refOf(there), name, deleted: true };
  });
}
