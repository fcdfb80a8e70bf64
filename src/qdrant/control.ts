// Everything about a Qdrant that is not point data, over REST by text. Promises that no number is changed on the way
// and that a missing collection is `CollectionNotFound`. Does not wait for indexing and does not retry.

import { LosslessNumber } from 'lossless-json';
import type { ClusterConnection } from '../model/cluster.js';
import type { CollectionInfo } from '../model/settings/collection-settings.js';
import { requireCluster } from '../model/ferry-config.js';
import { numberAt, objectAt, textAt, writeJson, type Json, type JsonObject } from '../model/json.js';
import type { PointId } from '../model/point-id.js';
import type { ShardKey } from '../model/state/slice.js';
import type { ClusterControl, Controls, Layout, NewShardKey, NodeReplicas } from '../cluster/control-port.js';
import { QdrantCluster } from './control-cluster.js';
import { layoutOf, list, shardKeyJson } from './control-layout.js';
import { onePerConnection } from './per-connection.js';

const at = (collection: string): string => `/collections/${encodeURIComponent(collection)}`;
const number = (value: number): LosslessNumber => new LosslessNumber(String(value));

export class QdrantControl extends QdrantCluster implements ClusterControl {
  async info(collection: string, signal?: AbortSignal): Promise<CollectionInfo> {
    const answer = await this.call('GET', at(collection), { signal });
    const optimizer = objectAt(answer).optimizer_status ?? 'ok';
    return {
      status: textAt(answer, 'status') ?? 'unknown',
      optimizerStatus: typeof optimizer === 'string' ? optimizer : writeJson(optimizer),
      indexedVectors: numberAt(answer, 'indexed_vectors_count') ?? 0,
      points: numberAt(answer, 'points_count') ?? 0,
      config: objectAt(answer, 'config'),
      payloadSchema: objectAt(answer, 'payload_schema'),
    };
  }

  async infoText(collection: string, signal?: AbortSignal): Promise<string> {
    return writeJson(await this.call('GET', at(collection), { signal }));
  }

  async layout(collection: string, signal?: AbortSignal): Promise<Layout> {
    return layoutOf(await this.call('GET', `${at(collection)}/cluster`, { signal }));
  }

  async count(collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number> {
    const body: JsonObject = { exact: true, ...inKey(key) };
    const answer = await this.call('POST', `${at(collection)}/points/count`, { body, signal });
    return numberAt(answer, 'count') ?? 0;
  }

  async replicas(collection: string, signal?: AbortSignal): Promise<NodeReplicas[]> {
    return this.onEachNode(async (node, lane) => {
      const path = `${at(collection)}/cluster`;
      const answer = (await node.json('GET', path, { signal, timeoutMs: 10_000 })) as Json;
      const peer = textAt(answer, 'peer_id');
      return {
        lane,
        node: new URL(node.url).host,
        ...(peer === undefined ? {} : { peer }),
        shards: list(objectAt(answer).local_shards).map((shard) => ({
          id: numberAt(shard, 'shard_id') ?? -1,
          state: textAt(shard, 'state') ?? 'unknown',
          points: numberAt(shard, 'points_count') ?? 0,
        })),
      };
    });
  }

  async countOn(lane: number, collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number> {
    const body = writeJson({ exact: true, ...inKey(key) });
    const path = `${at(collection)}/points/count`;
    return numberAt((await this.node(lane).json('POST', path, { body, signal })) as Json, 'count') ?? 0;
  }

  async sample(collection: string, key: ShardKey | undefined, most: number, signal?: AbortSignal) {
    const body: JsonObject = {
      query: { sample: 'random' },
      limit: number(most),
      with_payload: false,
      with_vector: false,
      ...inKey(key),
    };
    const answer = await this.call('POST', `${at(collection)}/points/query`, { body, signal });
    return list(objectAt(answer).points).map((point): PointId => textAt(point, 'id') ?? '');
  }

  async create(collection: string, settings: JsonObject, signal?: AbortSignal): Promise<void> {
    await this.call('PUT', at(collection), { body: settings, signal });
  }

  async change(collection: string, patch: JsonObject, signal?: AbortSignal): Promise<void> {
    await this.call('PATCH', at(collection), { body: patch, signal });
  }

  async remove(collection: string, signal?: AbortSignal): Promise<void> {
    // Qdrant waits for a recovery into the collection, and answers then.
    await this.call('DELETE', at(collection), { signal, timeoutMs: 0 });
  }

  async createShardKey(collection: string, wanted: NewShardKey, signal?: AbortSignal): Promise<void> {
    const body: JsonObject = { shard_key: shardKeyJson(wanted.key) };
    if (wanted.shards !== undefined) body.shards_number = number(wanted.shards);
    if (wanted.replicas !== undefined) body.replication_factor = number(wanted.replicas);
    await this.call('PUT', `${at(collection)}/shards`, { body, signal });
  }

  async createIndex(collection: string, field: string, schema: Json, signal?: AbortSignal): Promise<void> {
    const body: JsonObject = { field_name: field, field_schema: schema };
    await this.call('PUT', `${at(collection)}/index?wait=true`, { body, signal, timeoutMs: 300_000 });
  }

  async deleteIndex(collection: string, field: string, signal?: AbortSignal): Promise<void> {
    const index = `${at(collection)}/index/${encodeURIComponent(field)}?wait=true`;
    await this.call('DELETE', index, { signal, timeoutMs: 300_000 });
  }

  async pointAliases(aliases: readonly string[], collection: string, signal?: AbortSignal): Promise<void> {
    const there = new Set((await this.aliases(signal)).map((one) => one.alias));
    const actions = aliases.flatMap((alias): Json[] => {
      const create = { create_alias: { alias_name: alias, collection_name: collection } };
      return there.has(alias) ? [{ delete_alias: { alias_name: alias } }, create] : [create];
    });
    await this.call('POST', '/collections/aliases', { body: { actions }, signal });
  }
}

function inKey(key: ShardKey | undefined): JsonObject {
  return key === undefined ? {} : { shard_key: shardKeyJson(key) };
}

/** One control a connection, made when first asked for. */
export function qdrantControls(clusters: Record<string, ClusterConnection>): Controls {
  return {
    of: onePerConnection(clusters, (connection) => new QdrantControl(connection)),
    taskQueueOf: (alias) => requireCluster({ clusters }, alias).taskQueue,
  };
}
