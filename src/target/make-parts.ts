// What a migration and a recovery both make on a collection of their own: shard keys and payload indexes; and its removal
// where the work is not finished. All of it may be repeated.

import type { ClusterControl, NewShardKey } from '../cluster/control-port.js';
import type { Json, JsonObject } from '../model/json.js';
import { indexSchema } from '../model/settings/collection-settings.js';
import { isSameIndex } from '../model/settings/settings-difference.js';

/** `usualReplicas`: of the collection. Fewer than those only means that the source had too few nodes. */
export async function createShardKeys(
  target: ClusterControl,
  collection: string,
  { keys, usualReplicas }: { keys: readonly NewShardKey[]; usualReplicas: number },
  signal?: AbortSignal,
): Promise<void> {
  const peers = (await target.peers(signal)).length;
  for (const { replicas = 0, ...request } of keys) {
    const isMore = replicas > usualReplicas && replicas <= peers;
    await target.createShardKey(collection, { ...request, ...(isMore ? { replicas } : {}) }, signal);
  }
}

/** `known`: the payload schema as it is. */
export async function createIndexes(
  target: ClusterControl,
  collection: string,
  { wanted, known }: { wanted: readonly [field: string, schema: Json][]; known: JsonObject },
  signal?: AbortSignal,
): Promise<void> {
  for (const [field, schema] of wanted) {
    const existing = known[field];
    if (existing !== undefined && isSameIndex(schema, existing)) continue;
    await target.createIndex(collection, field, indexSchema(schema), signal);
  }
}

/** Only what `isMade` finds to be made by the job. A collection that is gone counts as removed. */
export async function removeMade(
  target: ClusterControl,
  collection: string,
  isMade: () => Promise<boolean>,
  signal?: AbortSignal,
): Promise<{ removed: boolean }> {
  if (!(await target.collections(signal)).includes(collection)) return { removed: true };
  if (!(await isMade())) return { removed: false };
  await target.remove(collection, signal);
  return { removed: true };
}
