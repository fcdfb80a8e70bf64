// Searches that never stop, from several places at once, and what they were answered.

import { collectionPath, rest, type RestSide } from './rest-text.js';

export interface SearchLoad {
  /** `old` when the hit was marked so; in the order in which the answers came. */
  answers: ('old' | 'new')[];
  byPlace: ('old' | 'new')[][];
  until(is: (answers: SearchLoad['answers']) => boolean): Promise<void>;
  /** Returns the searches that failed. */
  stop(): Promise<string[]>;
}

export function searchLoad(side: RestSide, collection: string, places: number): SearchLoad {
  const failures: string[] = [];
  const answers: SearchLoad['answers'] = [];
  const byPlace: SearchLoad['byPlace'] = Array.from({ length: places }, () => []);
  let ends = false;
  const running = byPlace.map(async (own) => {
    while (!ends) {
      try {
        const answer = await search(side, collection);
        answers.push(answer);
        own.push(answer);
      } catch (error) {
        failures.push(String(error));
      }
    }
  });
  return {
    answers,
    byPlace,
    until: async (is) => {
      while (!is(answers) && failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    },
    stop: async () => {
      ends = true;
      await Promise.all(running);
      return failures;
    },
  };
}

/** An answer without a hit is a failed search. */
async function search(side: RestSide, collection: string): Promise<'old' | 'new'> {
  const body = '{"query":[1.0,0.5,0.25,1.0],"limit":1,"with_payload":["old"]}';
  const text = await rest(side, 'POST', `${collectionPath(collection)}/points/query`, body);
  const { result } = JSON.parse(text) as { result: { points: { payload?: { old?: boolean } }[] } };
  const [hit] = result.points;
  if (!hit) throw new Error(`no hit: ${text}`);
  return hit.payload?.old ? 'old' : 'new';
}
