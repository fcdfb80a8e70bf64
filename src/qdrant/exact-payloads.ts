// The detour for payload integers of 2^63 and more: over gRPC Qdrant turns them into doubles, over REST it does not
// (measured on 1.16.3 and 1.17.0). Payloads are read and written here as text whose numbers nobody parses.

import { LosslessNumber, parse, stringify } from 'lossless-json';
import type { PointId } from '../model/point-id.js';
import { isUuid } from '../model/point-id.js';
import type { ShardKey } from '../model/slice.js';
import type { RestNode } from './rest.js';

export interface PayloadWrite {
  id: PointId;
  payload: unknown;
}

/**
 * Payloads by id, as lossless-json parsed them; ids that do not exist are absent. Asks every node that the configuration
 * names and keeps the answer with most integers of 2^63 and more: between its nodes Qdrant speaks gRPC, so a node that
 * does not hold the shard answers with doubles, over REST too (measured on 1.17.0). A node that cannot be reached is
 * passed over as long as another answers.
 */
export async function readPayloads(
  nodes: readonly RestNode[],
  collection: string,
  shardKey: ShardKey | undefined,
  ids: readonly PointId[],
  signal?: AbortSignal,
): Promise<Map<PointId, unknown>> {
  const body = `{"ids":[${ids.map(idJson).join()}],"with_payload":true,"with_vector":false${shardKeyJson(shardKey)}}`;
  const answers = await Promise.allSettled(nodes.map((node) => readFrom(node, collection, body, signal)));
  const exact = new Map<PointId, { payload: unknown; wide: number }>();
  for (const answer of answers) {
    if (answer.status === 'rejected') continue;
    for (const [id, payload] of answer.value) {
      const wide = wideIntegers(payload);
      if (wide > (exact.get(id)?.wide ?? -1)) exact.set(id, { payload, wide });
    }
  }
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed !== undefined && answers.every((answer) => answer.status === 'rejected')) throw failed.reason;
  return new Map([...exact].map(([id, { payload }]) => [id, payload]));
}

async function readFrom(
  node: RestNode,
  collection: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<Map<PointId, unknown>> {
  const text = await node.request('POST', pointsPath(collection), { body, signal });
  const { result } = parse(text) as { result: { id: unknown; payload: unknown }[] };
  return new Map(result.map((point) => [String(point.id), point.payload ?? {}]));
}

/** How many integers of 2^63 and more a payload holds, at any depth. */
function wideIntegers(value: unknown): number {
  if (value instanceof LosslessNumber)
    return /^\d{19,20}$/.test(value.value) && BigInt(value.value) >= 2n ** 63n ? 1 : 0;
  if (value === null || typeof value !== 'object') return 0;
  return Object.values(value).reduce((sum: number, inner) => sum + wideIntegers(inner), 0);
}

/** Replaces whole payloads of points that exist; returns when they are applied. */
export async function overwritePayloads(
  rest: RestNode,
  collection: string,
  shardKey: ShardKey | undefined,
  writes: readonly PayloadWrite[],
  signal?: AbortSignal,
  beforeEach?: () => void,
): Promise<void> {
  for (const { id, payload } of writes) {
    beforeEach?.();
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
