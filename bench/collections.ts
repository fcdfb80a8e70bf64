// The collection that is measured, on either side: indexing held back alike for everybody, so that moving is measured
// and not the building of an index.

import { qdrantRequest } from '../demo/fill-collection.js';
import { connectGrpc } from '../src/qdrant/points/grpc.js';
import { DIMENSION, type VectorMaker } from './bench-points.js';
import { pointBatches } from './point-batches.js';

/** In kB of vectors: no segment gets so large. */
export const NEVER_INDEX = 1_000_000_000;
const IN_FLIGHT = 4;
const FILL_BATCH_BYTES = 2 << 20;

export interface Server {
  url: string;
  grpcUrl: string;
}

export async function createCollection({ url }: Server, name: string, shards: number): Promise<void> {
  const body = {
    vectors: { size: DIMENSION, distance: 'Cosine' },
    shard_number: shards,
    optimizers_config: { indexing_threshold: NEVER_INDEX },
  };
  await dropCollection({ url }, name);
  await qdrantRequest(url, 'PUT', `/collections/${name}`, JSON.stringify(body));
}

export async function dropCollection({ url }: Pick<Server, 'url'>, name: string): Promise<void> {
  await qdrantRequest(url, 'DELETE', `/collections/${name}`);
}

export async function countPoints({ url }: Pick<Server, 'url'>, name: string): Promise<number> {
  const answer = await qdrantRequest(url, 'POST', `/collections/${name}/points/count`, '{"exact":true}');
  return (JSON.parse(answer) as { result: { count: number } }).result.count;
}

/** Gives every payload an integer that gRPC does not carry. */
export async function widen({ url }: Pick<Server, 'url'>, name: string): Promise<void> {
  const body = '{"payload":{"hash":18446744073709551615},"filter":{}}';
  await qdrantRequest(url, 'POST', `/collections/${name}/points/payload?wait=true`, body);
}

export async function fillSource(
  server: Server,
  name: string,
  points: number,
  vector?: VectorMaker,
): Promise<void> {
  const nodes = [{ url: server.url, grpcUrl: server.grpcUrl }];
  const grpc = connectGrpc({ alias: 'source', nodes }, 0, { readMaxBytes: 1 << 20 });
  const batches = pointBatches(points, FILL_BATCH_BYTES, vector);
  const once = () => ({ timeoutMs: 60_000, signal: new AbortController().signal });
  const lane = async () => {
    for (let batch = batches.next(); !batch.done; batch = batches.next()) {
      await grpc.points.upsert({ collectionName: name, points: batch.value.points }, once());
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  } finally {
    grpc.close();
  }
}
