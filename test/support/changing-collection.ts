// A collection that an application changes: numbered points with the time of their last write, filled, and changed in rounds.

import { seededRandom } from '../../demo/seeded-random.js';
import {
  collectionPath,
  createIndex,
  recreateCollection,
  rest,
  type RestSide,
  upsertTexts,
} from './rest-text.js';

export interface Filling {
  points: number;
  shards?: number;
  round?: number;
  /** Fields of integers. */
  indexed?: readonly string[];
}

export interface ChangingCollection {
  fill(side: RestSide, name: string, filling: Filling): Promise<void>;
  /** Inserts, updates of vectors and payloads, deletions, and points that come back under an id that was deleted. */
  change(side: RestSide, name: string, round: number): Promise<void>;
  text(n: number, round: number): string;
  texts(count: number, round: number): string[];
}

/** Changes go up to this number, so that some of them insert. */
const MOST = 2_500;

export function changingCollection(seed: number): ChangingCollection {
  const random = seededRandom(seed);
  const text = (n: number, round: number) => {
    const id = n % 5 === 4 ? `"00000000-0000-4000-8000-${String(n).padStart(12, '0')}"` : String(n * 3);
    const vector = Array.from({ length: 4 }, () => random.below(1_000) / 8).join();
    return `{"id":${id},"vector":[${vector}],"payload":{"n":${n},"round":${round},"meta":{"at":${Date.now()}},"wide":18446744073709551615}}`;
  };
  const texts = (count: number, round: number) => Array.from({ length: count }, (_, n) => text(n, round));
  const some = (count: number, round: number) =>
    unique(Array.from({ length: count }, () => text(random.below(MOST), round)));
  return {
    text,
    texts,
    fill: async (side, name, { points, shards, round = 0, indexed = [] }) => {
      const sharding = shards === undefined ? '' : `,"shard_number":${shards}`;
      await recreateCollection(side, name, `{"vectors":{"size":4,"distance":"Dot"}${sharding}}`);
      for (const field of indexed) await createIndex(side, name, field, '"integer"');
      await upsertTexts(side, name, texts(points, round));
    },
    change: async (side, name, round) => {
      const path = `${collectionPath(name)}/points`;
      await upsertTexts(side, name, some(30, round));
      const gone = some(20, round).map(idOf);
      await rest(side, 'POST', `${path}/delete?wait=true`, `{"points":[${gone.join()}]}`);
      const payloads = some(10, round).map(idOf);
      const body = `{"payload":{"edited":${round},"meta":{"at":${Date.now()}}},"points":[${payloads.join()}]}`;
      await rest(side, 'POST', `${path}/payload?wait=true`, body).catch(() => undefined);
    },
  };
}

function unique(texts: readonly string[]): string[] {
  return [...new Map(texts.map((text) => [idOf(text), text])).values()];
}

function idOf(text: string): string {
  return /"id":("[^"]+"|\d+)/.exec(text)?.[1] ?? '';
}
