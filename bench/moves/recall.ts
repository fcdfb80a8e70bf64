// How many of the nearest points a search with Qdrant's defaults finds: of those that an exact search found on the source.

import { foundAgain, type Neighbour } from '../../src/model/format/recall.js';
import { qdrantRequest } from '../../demo/fill-collection.js';
import { seededRandom } from '../../demo/seeded-random.js';
import type { Server } from '../collections.js';
import { embeddings } from './embeddings.js';

export const QUERIES = 200;
export const NEAREST = 10;

/** Of one query each, best first. */
export type Nearest = Neighbour[][];

/** For vectors like those of the points, but none of theirs. */
export async function nearest(
  { url }: Pick<Server, 'url'>,
  collection: string,
  exact: boolean,
): Promise<Nearest> {
  const [random, vector] = [seededRandom(QUERIES), embeddings()];
  const searches = Array.from({ length: QUERIES }, () => {
    const query = Array.from(new Float32Array(vector(random).buffer));
    return { query, limit: NEAREST, params: { exact } };
  });
  const path = `/collections/${collection}/points/query/batch`;
  const answer = await qdrantRequest(url, 'POST', path, JSON.stringify({ searches }));
  const { result } = JSON.parse(answer) as { result: { points: { id: number; score: number }[] }[] };
  return result.map(({ points }) => points.map(({ id, score }) => ({ id: String(id), score })));
}

/** 0 … 1 */
export function recallOf(exact: Nearest, found: Nearest): number {
  const again = exact.map((wanted, at) => foundAgain(wanted, found[at] ?? []));
  return again.reduce((sum, one) => sum + one, 0) / exact.flat().length;
}
