// Points that changed although their field does not say so: what an application forgot to stamp. Found where every point is
// compared anyway. A point that is written while both are read looks forgotten to the first reading of the field, so at the
// end the field is read again.

import type { PointId } from '../../model/point-id.js';
import type { WrittenSince } from '../../model/format/written-since.js';
import { livingIds } from '../../cluster/living-ids.js';
import type { IdReader, ReadIds } from '../../cluster/points-port.js';
import { Ascending, seek } from './ascending.js';

export interface UnstampedPoints {
  count: number;
  /** The first of them. */
  ids: PointId[];
}

const MOST_NAMED = 5;
/** More of them are counted as they were first seen. */
const MOST_READ_AGAIN = 10_000;

export class Unstamped {
  readonly #reader: IdReader;
  readonly #range: ReadIds;
  readonly #stamped: Ascending<PointId>;
  #doubtful: PointId[] = [];
  #more = 0;

  constructor(reader: IdReader, range: ReadIds, since: WrittenSince) {
    this.#reader = reader;
    this.#range = { ...range, since };
    this.#stamped = new Ascending(this.#ids(), (id) => id);
  }

  /** A point that changed; ascending over all calls. */
  async see(id: PointId): Promise<void> {
    if ((await seek(this.#stamped, id)) !== undefined) return;
    if (this.#doubtful.length < MOST_READ_AGAIN) this.#doubtful.push(id);
    else this.#more += 1;
  }

  async end(): Promise<UnstampedPoints> {
    const doubtful = new Set(this.#doubtful);
    if (doubtful.size > 0) {
      for await (const ids of this.#ids()) for (const id of ids) doubtful.delete(id);
    }
    return { count: doubtful.size + this.#more, ids: [...doubtful].slice(0, MOST_NAMED) };
  }

  close(): Promise<void> {
    return this.#stamped.close();
  }

  #ids(): AsyncIterable<PointId[]> {
    return livingIds({ readers: [this.#reader], range: this.#range });
  }
}
