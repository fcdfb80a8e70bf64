// Many plain points, fast: for tests in which the number matters more than the shape.

import { seededRandom, type SeededRandom } from '../../demo/seeded-random.js';
import { recreateCollection, type RestSide, upsertTexts } from './rest-text.js';

const BATCH = 5_000;

export interface RandomCollection {
  name: string;
  points: number;
  dimension?: number;
  seed?: number;
  shards?: number;
  replicas?: number;
}

export async function fillRandom(side: RestSide, wanted: RandomCollection): Promise<void> {
  const { name, points, dimension = 32, seed = 1, shards = 1, replicas = 1 } = wanted;
  const vectors = { size: dimension, distance: 'Dot' };
  const configuration = { vectors, shard_number: shards, replication_factor: replicas };
  await recreateCollection(side, name, JSON.stringify(configuration));
  const texts = [...randomPoints(points, dimension, seed)];
  for (let at = 0; at < points; at += BATCH) await upsertTexts(side, name, texts.slice(at, at + BATCH));
}

function* randomPoints(count: number, dimension: number, seed: number): Generator<string> {
  const random = seededRandom(seed);
  for (let id = 0; id < count; id++) {
    const vector = Array.from({ length: dimension }, () => thousandth(random)).join(',');
    const payload = `{"n":${random.below(1_000_000)},"text":"point ${id} of ${count}","even":${id % 2 === 0}}`;
    yield `{"id":${idText(id)},"vector":[${vector}],"payload":${payload}}`;
  }
}

/** Numbers far apart and UUIDs, so that borders between slices fall among both. */
function idText(id: number): string {
  return id % 4 === 3
    ? `"${(id * 7919).toString(16).padStart(8, '0')}-0000-4000-8000-000000000000"`
    : String(id * 3);
}

const thousandth = (random: SeededRandom) => (random.below(2_001) - 1_000) / 1_000;
