// Fingerprints of every point of one side: read over REST as text.

import { createHash } from 'node:crypto';
import { stringify } from 'lossless-json';
import { canonicalPayload, canonicalVector } from './canonical.js';
import { parseExactly } from './exact-json.js';
import { collectionPath, rest, type RestSide } from './rest-text.js';

/** What is known of a point: a hash for its payload and one for each vector. */
export interface PointPrint {
  id: string;
  /** JSON text; absent without custom sharding. */
  shardKey?: string;
  payload: string;
  vectors: Record<string, string>;
}
/** By shard key and id: ids are unique only within a key. */
export type PointPrints = Map<string, PointPrint>;

const PAGE = 500;

export interface RestPoint {
  id: unknown;
  payload?: unknown;
  vector?: unknown;
}

export async function printsOverRest(side: RestSide, name: string): Promise<PointPrints> {
  const prints: PointPrints = new Map();
  for (const shardKey of await shardKeys(side, name)) {
    for await (const point of restPoints(side, name, shardKey)) addPrint(prints, printOf(point, shardKey));
  }
  return prints;
}

/** Its numbers as LosslessNumber. */
export function printOf(point: RestPoint, shardKey?: string): PointPrint {
  return {
    ...(shardKey === undefined ? {} : { shardKey }),
    id: idText(point.id),
    payload: hash(canonicalPayload(point.payload ?? {})),
    vectors: vectorHashes(point.vector),
  };
}

/** The custom shard keys as JSON text, or one `undefined` where there are none. */
export async function shardKeys(side: RestSide, name: string): Promise<(string | undefined)[]> {
  const text = await rest(side, 'GET', `${collectionPath(name)}/cluster`);
  const { result } = parseExactly(text) as { result: { local_shards: Shard[]; remote_shards?: Shard[] } };
  const shards = [...result.local_shards, ...(result.remote_shards ?? [])];
  const keys = shards.map((shard) => stringify(shard.shard_key ?? undefined));
  return [...new Set(keys)].sort();
}

interface Shard {
  shard_key?: unknown;
}

async function* restPoints(
  side: RestSide,
  name: string,
  shardKey: string | undefined,
): AsyncGenerator<RestPoint> {
  const key = shardKey === undefined ? '' : `,"shard_key":${shardKey}`;
  let offset: unknown;
  do {
    const from = offset === undefined ? '' : `,"offset":${stringify(offset)}`;
    const body = `{"limit":${side.pageSize ?? PAGE},"with_payload":true,"with_vector":true${key}${from}}`;
    const text = await rest(side, 'POST', `${collectionPath(name)}/points/scroll`, body);
    const { result } = parseExactly(text) as { result: { points: RestPoint[]; next_page_offset?: unknown } };
    yield* result.points;
    offset = result.next_page_offset ?? undefined;
  } while (offset !== undefined);
}

function vectorHashes(vector: unknown): Record<string, string> {
  if (vector === undefined || vector === null) return {};
  const named = Array.isArray(vector) ? { '': vector } : (vector as object);
  return Object.fromEntries(Object.entries(named).map(([key, inner]) => [key, hash(canonicalVector(inner))]));
}

/** A point that is read twice under one key is a defect of the reading, or of the server: never passed over. */
export function addPrint(prints: PointPrints, print: PointPrint): void {
  const key = `${print.shardKey ?? ''} ${print.id}`;
  if (prints.has(key)) throw new Error(`point ${key} was read twice`);
  prints.set(key, print);
}

const idText = (id: unknown) => (typeof id === 'string' ? id : (stringify(id) ?? ''));
export const hash = (text: string) => createHash('sha256').update(text).digest('hex');
