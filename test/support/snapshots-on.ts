import type { S3Gateway } from '../../src/local/index.js';
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

/** The environment of a Qdrant that keeps its snapshots in this bucket. */
export function snapshotsIn({
  bucket,
  region,
  endpoint,
  accessKeyId,
  secretAccessKey,
}: Pick<S3Gateway, 'bucket' | 'region' | 'endpoint' | 'accessKeyId' | 'secretAccessKey'>) {
  const prefix = 'QDRANT__STORAGE__SNAPSHOTS_CONFIG__';
  return {
    [`${prefix}SNAPSHOTS_STORAGE`]: 's3',
    [`${prefix}S3_CONFIG__BUCKET`]: bucket,
    [`${prefix}S3_CONFIG__REGION`]: region,
    [`${prefix}S3_CONFIG__ENDPOINT_URL`]: endpoint,
    [`${prefix}S3_CONFIG__ACCESS_KEY`]: accessKeyId,
    [`${prefix}S3_CONFIG__SECRET_KEY`]: secretAccessKey,
  };
}
