// The id set of a collection as it is now, into the store. Promises that an id is left out only when its point did not
// exist at some moment after the call began: cluster/living-ids.ts says how.

import { randomBytes } from 'node:crypto';
import type { WriteIdSetInput, WriteIdSetResult } from '../../model/contracts/backup-activities.js';
import { idsKey } from '../../model/format/backup-names.js';
import { settingsOf } from '../../model/settings/collection-settings.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import { livingIds } from '../../cluster/living-ids.js';
import { shardKeysOf } from '../../cluster/look.js';
import type { IdReader } from '../../cluster/points-port.js';
import type { IdPage } from '../../shards/recoverable-collection.js';
import { storeIdSet } from './write-id-set.js';

export interface IdsDeps {
  store: ObjectStore;
  control: ClusterControl;
  /** One a captured peer; of two of them each reads once. */
  readers: readonly [IdReader, ...IdReader[]];
}

export async function captureIds(
  { store, control, readers }: IdsDeps,
  { cluster, backup, collection, maxPoints }: WriteIdSetInput,
  onIds: (count: number) => void,
  signal: AbortSignal,
): Promise<WriteIdSetResult> {
  const keys = await keysOf(control, collection, signal);
  async function* pages(): AsyncGenerator<IdPage> {
    for (const key of keys) {
      const shardKey = key === undefined ? {} : { shardKey: key };
      const limit = maxPoints === undefined ? {} : { maxPoints };
      yield { ...shardKey, ids: [] };
      for await (const ids of livingIds({ readers, range: { collection, signal, ...shardKey, ...limit } })) {
        onIds(ids.length);
        yield { ...shardKey, ids };
      }
    }
  }
  const key = idsKey(cluster, backup, collection, randomBytes(4).toString('hex'));
  return { ids: await storeIdSet({ store, key, pages: pages(), signal }) };
}

/** Without custom sharding one section holds all ids. */
async function keysOf(
  control: ClusterControl,
  collection: string,
  signal: AbortSignal,
): Promise<(ShardKey | undefined)[]> {
  const { config } = await control.info(collection, signal);
  if (settingsOf(config).sharding_method !== 'custom') return [undefined];
  return shardKeysOf(await control.layout(collection, signal)).map((one) => one.key);
}
