// The detour for payload integers of 2^63 and more: over gRPC Qdrant turns them into doubles, over REST it does not
// (measured on 1.16.3 and 1.17.0). Payloads are read and written here as text whose numbers nobody parses.

import { parse, stringify } from 'lossless-json';
import type { PointId } from '../model/point-id.js';
import { isUuid } from '../model/point-id.js';
import type { ShardKey } from '../model/slice.js';
import type { RestNode } from './rest.js';

export interface PayloadWrite {
  id: PointId;
  payload: unknown;
}

/** Payloads by id, as lossless-json parsed them; ids that do not exist are absent. */
export async function readPayloads(
  rest: RestNode,
  collection: string,
  shardKey: ShardKey | undefined,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<Map<PointId, unknown>> {
  const body = `{"ids":[${ids.map(idJson).join()}],"with_payload":true,"with_vector":false${shardKeyJson(shardKey)}}`;
  const text = await rest.request('POST', pointsPath(collection), { body, signal });
  const { result } = parse(text) as { result: { id: unknown; payload: unknown }[] };
  return new Map(result.map((point) => [String(point.id), point.payload ?? {}]));
}

/** Replaces whole payloads of points that exist; returns when they are applied. */
export async function overwritePayloads(
  rest: RestNode,
  collection: string,
  shardKey: ShardKey | undefined,
  writes: readonly PayloadWrite[],
  signal?: AbortSignal,
): Promise<void> {
  for (const { id, payload } of writes) {
    const body = `{"payload":${stringify(payload)},"points":[${idJson(id)}]${shardKeyJson(shardKey)}}`;
    await rest.request('PUT', `${pointsPath(collection)}/payload?wait=true`, { body, signal });
  }
}

function pointsPath(collection: string): string {
  return `/collections/${encodeURIComponent(collection)}/points`;
}

function idJson(id: PointId): string {
  return isUuid(id) ? `"${id}"` : id;
}

function shardKeyJson(key: ShardKey | undefined): string {
  if (key === undefined) return '';
  return `,"shard_key":${'keyword' in key ? JSON.stringify(key.keyword) : key.number}`;
}
