// From `GET /collections/{name}/cluster` of one node to shards with their replicas, and shard keys between Qdrant's
// JSON and ours. Peer ids and numeric keys are unsigned 64-bit and stay text.

import { LosslessNumber } from 'lossless-json';
import type { Json, JsonObject } from '../model/json.js';
import type { ShardKey } from '../model/state/slice.js';
import type { Layout, Shard } from '../cluster/control-port.js';
import { toList, toNumber, toShardKey, toText, type Rest } from './openapi.js';

type ClusterInfo = Rest<'CollectionClusterInfo'>;

export function clusterPath(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}/cluster`;
}

export function layoutOf(answer: ClusterInfo): Layout {
  const here = toText(answer.peer_id) ?? '0';
  const shards = new Map<number, Shard>();
  const add = (part: Rest<'LocalShardInfo'>, peer: string): void => {
    const id = toNumber(part.shard_id) ?? -1;
    const key = toShardKey(part.shard_key);
    const shard = shards.get(id) ?? { id, replicas: [], ...(key === undefined ? {} : { key }) };
    shard.replicas.push({ peer, state: part.state ?? 'unknown' });
    shards.set(id, shard);
  };
  for (const part of toList(answer.local_shards)) add(part, here);
  for (const part of toList(answer.remote_shards)) add(part, toText(part.peer_id) ?? here);
  return {
    shards: [...shards.values()].sort((a, b) => a.id - b.id),
    transfers: toList(answer.shard_transfers).length,
    resharding: toList(answer.resharding_operations).length,
  };
}

/** The replicas that the node which answered holds itself. */
export function localShards(answer: ClusterInfo): { id: number; state: string; points: number }[] {
  return toList(answer.local_shards).map((shard) => ({
    id: toNumber(shard.shard_id) ?? -1,
    state: shard.state ?? 'unknown',
    points: toNumber(shard.points_count) ?? 0,
  }));
}

export function shardKeyJson(key: ShardKey): Json {
  return 'keyword' in key ? key.keyword : new LosslessNumber(key.number);
}

/** The field of a body that restricts it to one shard key; none without. */
export function inShardKey(key: ShardKey | undefined): JsonObject {
  return key === undefined ? {} : { shard_key: shardKeyJson(key) };
}
