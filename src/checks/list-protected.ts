// Which collections of a cluster have to be protected, and by which peers its backups are recognised.

import { collectionsMeant } from '../backups/capture/resolve-backup.js';
import type { ListProtectedInput, ListProtectedResult } from '../model/contracts/check-activities.js';
import type { ClusterFacts } from '../cluster/control-port.js';

/** The names are part of the input of an activity. */
const MOST_COLLECTIONS = 2_000;
const MOST_BYTES = 65_536;

export async function listProtected(
  cluster: ClusterFacts,
  { cluster: alias, collections: asked, exclude }: ListProtectedInput,
  signal?: AbortSignal,
): Promise<ListProtectedResult> {
  const [there, aliases, identity] = await Promise.all([
    cluster.collections(signal),
    cluster.aliases(signal),
    cluster.identity(undefined, signal),
  ]);
  const meant = [...collectionsMeant(selection(alias, asked, exclude), there, aliases).names].sort();
  const collections: string[] = [];
  let bytes = 0;
  for (const name of meant) {
    bytes += Buffer.byteLength(name) + 4;
    if (collections.length === MOST_COLLECTIONS || bytes > MOST_BYTES) break;
    collections.push(name);
  }
  const nodes = [...cluster.nodeUrls];
  return { collections, identity, nodes, there: there.length, leftOut: meant.length - collections.length };
}

/** A name that is not there is judged all the same: somebody said that it has to be. */
export function selection(cluster: string, collections: string[] | undefined, exclude: string[] | undefined) {
  return {
    cluster,
    ...(collections === undefined ? {} : { collections }),
    ...(exclude === undefined ? {} : { exclude }),
    onMissing: 'continue' as const,
  };
}
