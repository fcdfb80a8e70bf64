// Changes of a collection as an application makes them: a quarter each of new points, new vectors, new payloads and deletions,
// all of them stamped.

import { qdrantRequest } from '../../demo/fill-collection.js';
import { seededRandom } from '../../demo/seeded-random.js';
import { DIMENSION } from '../bench-points.js';
import type { Server } from '../collections.js';

const AT_ONCE = 250;
export const FIELD = 'updated_at';

/** Every point gets a time, and the field an index. */
export async function stampAll({ url }: Pick<Server, 'url'>, name: string): Promise<void> {
  const path = `/collections/${name}`;
  const index = JSON.stringify({ field_name: FIELD, field_schema: 'integer' });
  await qdrantRequest(url, 'PUT', `${path}/index?wait=true`, index);
  const all = JSON.stringify({ payload: { [FIELD]: seconds() }, filter: {} });
  await qdrantRequest(url, 'POST', `${path}/points/payload?wait=true`, all);
}

/** Ids below `points` exist at first; new ones are above all that were. */
export class Application {
  readonly #server: Pick<Server, 'url'>;
  readonly #name: string;
  readonly #points: number;
  readonly #random = seededRandom(2_026);
  readonly #gone = new Set<number>();
  #next: number;

  constructor(server: Pick<Server, 'url'>, name: string, points: number) {
    [this.#server, this.#name, this.#points, this.#next] = [server, name, points, points];
  }

  async change(share: number): Promise<number> {
    const quarter = Math.round((this.#points * share) / 4);
    await this.#write(Array.from({ length: quarter }, () => this.#next++));
    await this.#write(this.#some(quarter));
    const payload = { payload: { [FIELD]: seconds(), edited: true } };
    await this.#inBatches(this.#some(quarter), '/payload', (points) => ({ ...payload, points }));
    const gone = this.#some(quarter);
    await this.#inBatches(gone, '/delete', (points) => ({ points }));
    for (const id of gone) this.#gone.add(id);
    return quarter * 4;
  }

  /** With a new vector and payload. */
  async #write(ids: number[]): Promise<void> {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const points = ids.slice(at, at + AT_ONCE).map((id) => ({
        id,
        vector: Array.from({ length: DIMENSION }, () => this.#random.next() - 0.5),
        payload: { title: `written again ${id}`, [FIELD]: seconds() },
      }));
      await qdrantRequest(this.#server.url, 'PUT', this.#path(), JSON.stringify({ points }));
    }
  }

  async #inBatches(ids: number[], path: string, body: (ids: number[]) => object): Promise<void> {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const text = JSON.stringify(body(ids.slice(at, at + AT_ONCE)));
      await qdrantRequest(this.#server.url, 'POST', this.#path(path), text);
    }
  }

  #some(count: number): number[] {
    const ids = Array.from({ length: count }, () => this.#random.below(this.#points));
    return [...new Set(ids)].filter((id) => !this.#gone.has(id));
  }

  #path(more = ''): string {
    return `/collections/${this.#name}/points${more}?wait=true`;
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}
