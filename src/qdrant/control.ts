// Everything about a Qdrant that is not point data, over REST by text. Promises that no number is changed on the way
// and that a missing collection is `CollectionNotFound`. Does not wait for indexing and does not retry.

import type { Schemas } from '@qdrant/js-client-rest';
import { LosslessNumber } from 'lossless-json';
import type { ClusterConnection } from '../model/cluster.js';
import type { CollectionInfo } from '../model/settings/collection-settings.js';
import { requireCluster } from '../model/ferry-config.js';
import { objectAt, writeJson, type Json, type JsonObject } from '../model/json.js';
import type { PointId } from '../model/point-id.js';
import type { ShardKey } from '../model/state/slice.js';
import type { ClusterControl, Controls, Layout, NewShardKey, NodeReplicas } from '../cluster/control-port.js';
import { onePerConnection, QdrantCluster } from './control-cluster.js';
import { clusterPath, inShardKey, layoutOf, localShards, shardKeyJson } from './control-layout.js';
import { toList, toNumber, toText, type Rest } from './openapi.js';

const at = (collection: string): string => `/collections/${encodeURIComponent(collection)}`;
const number = (value: number): LosslessNumber => new LosslessNumber(String(value));

export class QdrantControl extends QdrantCluster implements ClusterControl {
  async info(collection: string, signal?: AbortSignal): Promise<CollectionInfo> {
    const answer = await this.call<Rest<'CollectionInfo'>>('GET', at(collection), { signal });
    const optimizer = answer.optimizer_status ?? 'ok';
    return {
      status: answer.status ?? 'unknown',
      optimizerStatus: typeof optimizer === 'string' ? optimizer : writeJson(optimizer as JsonObject),
      indexedVectors: toNumber(answer.indexed_vectors_count) ?? 0,
      points: toNumber(answer.points_count) ?? 0,
      config: objectAt(answer.config as JsonObject),
      payloadSchema: objectAt(answer.payload_schema as JsonObject),
    };
  }

  async infoText(collection: string, signal?: AbortSignal): Promise<string> {
    return writeJson(await this.call<Json>('GET', at(collection), { signal }));
  }

  async layout(collection: string, signal?: AbortSignal): Promise<Layout> {
    return layoutOf(await this.call('GET', clusterPath(collection), { signal }));
  }

  async count(collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number> {
    const body = { exact: true, ...inShardKey(key) } satisfies Rest<'CountRequest'>;
    const answer = await this.call<Rest<'CountResult'>>('POST', countPath(collection), { body, signal });
    return toNumber(answer.count) ?? 0;
  }

  async replicas(collection: string, signal?: AbortSignal): Promise<NodeReplicas[]> {
    return this.onEachNode(async (node, lane) => {
      const options = { signal, timeoutMs: 10_000 };
      const answer = await node.json<Rest<'CollectionClusterInfo'>>('GET', clusterPath(collection), options);
      const peer = toText(answer.peer_id);
      return {
        lane,
        node: new URL(node.url).host,
        ...(peer === undefined ? {} : { peer }),
        shards: localShards(answer),
      };
    });
  }

  async countOn(lane: number, collection: string, key?: ShardKey, signal?: AbortSignal): Promise<number> {
    const body = writeJson({ exact: true, ...inShardKey(key) } satisfies Rest<'CountRequest'>);
    const path = countPath(collection);
    const answer = await this.node(lane).json<Rest<'CountResult'>>('POST', path, { body, signal });
    return toNumber(answer.count) ?? 0;
  }

  async sample(collection: string, key: ShardKey | undefined, most: number, signal?: AbortSignal) {
    const body = {
      query: { sample: 'random' },
      limit: number(most),
      with_payload: false,
      with_vector: false,
      ...inShardKey(key),
    } satisfies Rest<'QueryRequest'>;
    const path = `${at(collection)}/points/query`;
    const answer = await this.call<Rest<'QueryResponse'>>('POST', path, { body, signal });
    return toList(answer.points).map((point): PointId => toText(point.id) ?? '');
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
    const { key, shards, replicas } = wanted;
    const body = {
      shard_key: shardKeyJson(key),
      ...(shards === undefined ? {} : { shards_number: number(shards) }),
      ...(replicas === undefined ? {} : { replication_factor: number(replicas) }),
    } satisfies Named<'CreateShardingKey'>;
    await this.call('PUT', `${at(collection)}/shards`, { body, signal });
  }

  async createIndex(collection: string, field: string, schema: Json, signal?: AbortSignal): Promise<void> {
    const body = { field_name: field, field_schema: schema } satisfies Named<'CreateFieldIndex'>;
    await this.call('PUT', `${at(collection)}/index?wait=true`, { body, signal, timeoutMs: 300_000 });
  }

  async deleteIndex(collection: string, field: string, signal?: AbortSignal): Promise<void> {
    const index = `${at(collection)}/index/${encodeURIComponent(field)}?wait=true`;
    await this.call('DELETE', index, { signal, timeoutMs: 300_000 });
  }

  async pointAliases(aliases: readonly string[], collection: string, signal?: AbortSignal): Promise<void> {
    const there = new Set((await this.aliases(signal)).map((one) => one.alias));
    const actions = aliases.flatMap((alias) => {
      const create = { create_alias: { alias_name: alias, collection_name: collection } };
      return there.has(alias) ? [{ delete_alias: { alias_name: alias } }, create] : [create];
    });
    await this.official((api, init) => api.updateAliases({ actions }, init), signal);
  }
}

/** A body of these fields, whatever is in them. */
type Named<Name extends keyof Schemas> = { [Field in keyof Schemas[Name]]?: Json };

function countPath(collection: string): string {
  return `${at(collection)}/points/count`;
}

/** One control a connection, made on first use. */
export function qdrantControls(clusters: Record<string, ClusterConnection>): Controls {
  return {
    of: onePerConnection(clusters, (connection) => new QdrantControl(connection)),
    taskQueueOf: (alias) => requireCluster({ clusters }, alias).taskQueue,
  };
}
