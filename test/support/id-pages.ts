// The ids of a collection as an id set holds them, read here and now.

import type { IdPage } from '../../src/shards/recoverable-collection.js';
import type { PointId } from '../../src/model/point-id.js';
import type { ShardKey } from '../../src/model/state/slice.js';
import { connectPoints } from '../../src/qdrant/points/point-connection.js';
import { shardKeysOf } from '../../src/cluster/look.js';
import type { ControlSides } from './control-sides.js';

function sourcePoints(sides: ControlSides) {
  return connectPoints({ alias: 'source', nodes: [sides.source] }, 0);
}

/** Every id of the source, key by key. */
export async function idPagesOf(sides: ControlSides, collection: string): Promise<IdPage[]> {
  const points = sourcePoints(sides);
  const keys = shardKeysOf(await sides.controls.of('source').layout(collection)).map((one) => one.key);
  const pages: IdPage[] = [];
  for (const shardKey of keys.length > 0 ? keys : [undefined]) {
    const which = shardKey === undefined ? {} : { shardKey };
    const ids: PointId[] = [];
    for await (const page of points.ids({ collection, ...which })) ids.push(...page);
    pages.push({ ...which, ids });
  }
  points.close();
  return pages;
}

export async function* eachPage(pages: IdPage[]): AsyncGenerator<IdPage> {
  await Promise.resolve();
  yield* pages;
}

export async function deleteOnSource(
  sides: ControlSides,
  collection: string,
  ids: PointId[],
  shardKey?: ShardKey,
): Promise<void> {
  if (ids.length === 0) return;
  const points = sourcePoints(sides);
  await points.delete(collection, shardKey, ids).finally(() => points.close());
}
