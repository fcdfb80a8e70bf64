import { collectionPath, rest, type RestSide } from './rest-text.js';

/** Names of the snapshots that a node keeps of any shard of a collection. */
export async function snapshotsOn(node: RestSide, collection: string): Promise<string[]> {
  const { result } = JSON.parse(await rest(node, 'GET', `${collectionPath(collection)}/cluster`)) as {
    result: { local_shards: { shard_id: number }[] };
  };
  const files = await Promise.all(
    result.local_shards.map(async ({ shard_id: shard }) => {
      const path = `${collectionPath(collection)}/shards/${shard}/snapshots`;
      return (JSON.parse(await rest(node, 'GET', path)) as { result: { name: string }[] }).result;
    }),
  );
  return files.flat().map(({ name }) => name);
}
