// Three searches in the real sample, asked of both sides: exact, so that the answer depends on the points alone.

import { parse, stringify } from 'lossless-json';
import { type SampleQuery, sampleQueries } from './debian-packages.js';
import { qdrantRequest } from './fill-collection.js';
import { SAMPLE_COLLECTION } from './sample-collections.js';

const ASKED = ['relational database server', 'compile C++ programs faster', 'edit photos and drawings'];
const HITS = 3;

export interface ComparedSearch {
  text: string;
  /** Names of the packages found on the source, best first. */
  hits: string[];
  /** Ids and scores are the same on both sides, digit for digit. */
  alike: boolean;
}

interface Hit {
  id: unknown;
  score: unknown;
  payload: { package: string };
}

export async function searchAlike(
  sourceUrl: string,
  targetUrl: string,
  targetCollection = SAMPLE_COLLECTION,
): Promise<ComparedSearch[]> {
  const queries = (await sampleQueries()).filter((query) => ASKED.includes(query.text));
  return Promise.all(
    queries.map(async (query) => {
      const source = await search(sourceUrl, SAMPLE_COLLECTION, query);
      const target = await search(targetUrl, targetCollection, query);
      const alike = source.length > 0 && ranking(source) === ranking(target);
      return { text: query.text, hits: source.map((hit) => hit.payload.package), alike };
    }),
  );
}

async function search(url: string, collection: string, query: SampleQuery): Promise<Hit[]> {
  const body = { query: query.vector, limit: HITS, params: { exact: true }, with_payload: ['package'] };
  const text = await qdrantRequest(
    url,
    'POST',
    `/collections/${collection}/points/query`,
    JSON.stringify(body),
  );
  return (parse(text) as { result: { points: Hit[] } }).result.points;
}

function ranking(hits: Hit[]): string {
  return stringify(hits.map((hit) => [hit.id, hit.score])) ?? '';
}
