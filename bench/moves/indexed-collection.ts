// The collection that is moved: with an HNSW graph, built on the source before anything is measured, and with indexes of
// its payload.

import { setTimeout as sleep } from 'node:timers/promises';
import { qdrantRequest } from '../../demo/fill-collection.js';
import { DIMENSION } from '../bench-points.js';
import { countPoints, dropCollection, fillSource, NEVER_INDEX, type Server } from '../collections.js';
import { embeddings } from './embeddings.js';

/** In kB of vectors: so low that also a few thousand points get their graph. */
const INDEX_FROM = 1_000;
const FIELDS = { language: 'keyword', tags: 'keyword', tokens: 'integer', published_at: 'datetime' };
const LOOK_EVERY_MS = 1_000;
/** Between two optimizations a collection is green for a moment. */
const SAME_LOOKS = 3;

/** What Qdrant says of a collection. */
export interface Sight {
  isGreen: boolean;
  points: number;
  indexedVectors: number;
  /** Points in each payload index. */
  fields: Record<string, number>;
}

export async function createIndexed(
  { url }: Pick<Server, 'url'>,
  name: string,
  shards: number,
  indexFrom = INDEX_FROM,
): Promise<void> {
  const body = {
    vectors: { size: DIMENSION, distance: 'Cosine' },
    shard_number: shards,
    optimizers_config: { indexing_threshold: indexFrom },
  };
  await dropCollection({ url }, name);
  await qdrantRequest(url, 'PUT', `/collections/${name}`, JSON.stringify(body));
  for (const [field_name, field_schema] of Object.entries(FIELDS)) {
    const index = JSON.stringify({ field_name, field_schema });
    await qdrantRequest(url, 'PUT', `/collections/${name}/index?wait=true`, index);
  }
}

/** Indexed all at once and at the end, as on a target of ours. Returns what a finished copy has to look like. */
export async function makeSource(
  server: Server,
  name: string,
  { points, shards }: { points: number; shards: number },
): Promise<Sight> {
  await createIndexed(server, name, shards, NEVER_INDEX);
  await fillSource(server, name, points, embeddings());
  while ((await countPoints(server, name)) < points) await sleep(LOOK_EVERY_MS);
  const threshold = JSON.stringify({ optimizers_config: { indexing_threshold: INDEX_FROM } });
  await qdrantRequest(server.url, 'PATCH', `/collections/${name}`, threshold);
  return settled(server, name);
}

/** As it is when nothing is left to optimize. */
export async function settled(server: Server, name: string): Promise<Sight> {
  for (let looks = 0, before = 0; ;) {
    const sight = await lookAt(server, name);
    const { isGreen = false, indexedVectors = 0 } = sight ?? {};
    looks = isGreen && indexedVectors > 0 && indexedVectors === before ? looks + 1 : 0;
    if (sight !== undefined && looks === SAME_LOOKS) return sight;
    before = indexedVectors;
    await sleep(LOOK_EVERY_MS);
  }
}

/** Undefined where there is none of that name. */
export async function lookAt({ url }: Pick<Server, 'url'>, name: string): Promise<Sight | undefined> {
  const answer = await fetch(`${url}/collections/${name}`);
  const text = await answer.text();
  if (!answer.ok) return undefined;
  const { result } = JSON.parse(text) as { result: Info };
  const counts = Object.entries(result.payload_schema).map(([field, { points }]) => [field, points] as const);
  return {
    isGreen: result.status === 'green' && result.optimizer_status === 'ok',
    points: result.points_count ?? 0,
    indexedVectors: result.indexed_vectors_count ?? 0,
    fields: Object.fromEntries(counts),
  };
}

interface Info {
  status: string;
  optimizer_status: unknown;
  points_count: number | null;
  indexed_vectors_count: number | null;
  payload_schema: Record<string, { points: number }>;
}
