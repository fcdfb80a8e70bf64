// From `GET /collections/{name}/cluster` of one node to shards with their replicas, and shard keys between Qdrant's
// JSON and ours. Peer ids and numeric keys are unsigned 64-bit and stay text.

import { isLosslessNumber, LosslessNumber } from 'lossless-json';
import { objectAt, numberAt, textAt, type Json } from '../model/json.js';
import type { ShardKey } from '../model/state/slice.js';
import type { Layout, Shard } from '../cluster/control-port.js';

export function layoutOf(answer: Json): Layout {
  const { local_shards, remote_shards, shard_transfers, resharding_operations } = objectAt(answer);
  const here = textAt(answer, 'peer_id') ?? '0';
  const shards = new Map<number, Shard>();
  for (const part of [...list(local_shards), ...list(remote_shards)]) addReplica(shards, part, here);
  return {
    shards: [...shards.values()].sort((a, b) => a.id - b.id),
    transfers: list(shard_transfers).length,
    resharding: list(resharding_operations).length,
  };
}

function addReplica(shards: Map<number, Shard>, part: Json, here: string): void {
  const id = numberAt(part, 'shard_id') ?? -1;
  const shard = shards.get(id) ?? { id, replicas: [], ...keyOf(objectAt(part).shard_key) };
  shard.replicas.push({ peer: textAt(part, 'peer_id') ?? here, state: textAt(part, 'state') ?? 'unknown' });
  shards.set(id, shard);
}

function keyOf(json: Json | undefined): { key?: ShardKey } {
  if (typeof json === 'string') return { key: { keyword: json } };
  return isLosslessNumber(json) ? { key: { number: json.value } } : {};
}

export function shardKeyJson(key: ShardKey): Json {
  return 'keyword' in key ? key.keyword : new LosslessNumber(key.number);
}

export function list(json: Json | undefined): Json[] {
  return Array.isArray(json) ? json : [];
}
