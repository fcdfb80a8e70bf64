// Removes one snapshot from one node, by its full name. Promises that nothing else goes: no pattern, no list is asked. A
// name that is not there is an error, unless an attempt whose answer was lost may have removed it.

import { FerryError } from '../model/errors.js';
import { scopeText } from '../model/snapshot-names.js';
import type {
  DeleteOnNodeInput,
  DeleteSnapshotResult,
  SnapshotScope,
} from '../model/contracts/snapshot-activities.js';
import { nodeNamed, refOf, sourceOf, withNodes, type ClusterNode } from './cluster-nodes.js';
import { noCollection } from './create-snapshot.js';
import type { SnapshotDeps } from './list-snapshots.js';
import { scopeBehind } from './snapshot-scope.js';

export async function deleteOnNode(
  { open, controls }: SnapshotDeps,
  { cluster, node, name, ...asked }: DeleteOnNodeInput,
  { isRepeated, signal }: { isRepeated: boolean; signal: AbortSignal },
): Promise<DeleteSnapshotResult> {
  const scope = await scopeBehind(controls, cluster, asked, signal);
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

export function notFound(
  cluster: string,
  { url }: ClusterNode,
  scope: SnapshotScope,
  name: string,
): FerryError {
  const happened = `${url} has no snapshot ${name} of ${scopeText(scope)}`;
  return new FerryError('SnapshotNotFound', happened, { context: { cluster, node: url } });
}
