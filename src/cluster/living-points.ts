// The living points of a slice, while it is written. Promises that a point is left out only when it did not exist at some
// moment after the call began, that each comes once, ascending by id, and that memory is flat.
//
// A scroll under writes can miss a living point (living-ids.ts says why). So the ids of the living are read beside the
// points, and the two are compared as they come: an id that the points lack is read by itself, twice with a pause.

import { setTimeout as sleep } from 'node:timers/promises';
import { compareIds, type PointId } from '../model/point-id.js';
import { livingIds } from './living-ids.js';
import type { IdReader, PointPage, PointReader, ReadRange } from './points-port.js';

export interface LivingPoint {
  page: PointPage;
  at: number;
}

export interface LivingPoints {
  reader: PointReader & IdReader;
  range: ReadRange & { signal: AbortSignal };
  pauseMs?: number;
}

const PAUSE_MS = 200;
const READ_AT_ONCE = 500;

/** What is given is valid until the next is asked for. */
export async function* livingPoints(living: LivingPoints): AsyncGenerator<LivingPoint[]> {
  const { reader, range } = living;
  const ids = new LivingIds(living);
  for await (const page of reader.pages(range)) {
    const seen = Array.from({ length: page.count }, (_, at) => ({ page, at }));
    const last = page.idAt(page.count - 1);
    const missed = without(await ids.upTo(last), seen);
    yield missed.length === 0 ? seen : merged(seen, await readById(living, missed));
    page.release();
  }
  for (;;) {
    const missed = await ids.rest(READ_AT_ONCE);
    if (missed.length === 0) return;
    const found = await readById(living, missed);
    if (found.length > 0) yield found;
  }
}

/** Passed through once, in step with the points. */
class LivingIds {
  readonly #pages: AsyncIterator<PointId[]>;
  #page: PointId[] = [];
  #at = 0;
  #hasEnded = false;

  constructor({ reader, range, pauseMs }: LivingPoints) {
    const { mode: _, pageBytes: __, ...ids } = range;
    const pause = pauseMs === undefined ? {} : { pauseMs };
    this.#pages = livingIds({ readers: [reader], range: ids, ...pause });
  }

  async upTo(last: PointId): Promise<PointId[]> {
    const passed: PointId[] = [];
    for (let id; (id = await this.#head()) !== undefined && compareIds(id, last) <= 0; this.#at += 1)
      passed.push(id);
    return passed;
  }

  async rest(most: number): Promise<PointId[]> {
    const passed: PointId[] = [];
    for (let id; passed.length < most && (id = await this.#head()) !== undefined; this.#at += 1)
      passed.push(id);
    return passed;
  }

  async #head(): Promise<PointId | undefined> {
    while (this.#at === this.#page.length && !this.#hasEnded) {
      const next = await this.#pages.next();
      this.#hasEnded = next.done === true;
      [this.#page, this.#at] = [next.done === true ? [] : next.value, 0];
    }
    return this.#page[this.#at];
  }
}

/** Both ascending. */
function without(ids: readonly PointId[], seen: readonly LivingPoint[]): PointId[] {
  const known = new Set(seen.map(idOf));
  return ids.filter((id) => !known.has(id));
}

const idOf = ({ page, at }: LivingPoint): PointId => page.idAt(at);

/** In order of id; twice with a pause, for a read by id can miss a point too. Kept as long as the caller likes. */
export async function readById(
  { reader, range, pauseMs = PAUSE_MS }: LivingPoints,
  missed: readonly PointId[],
): Promise<LivingPoint[]> {
  let found: LivingPoint[] = [];
  for (let reads = 0; reads < 2 && found.length < missed.length; reads += 1) {
    if (reads > 0) await sleep(pauseMs, undefined, { signal: range.signal });
    const open = without(missed, found);
    for (let at = 0; at < open.length; at += READ_AT_ONCE) {
      const some = open.slice(at, at + READ_AT_ONCE);
      const page = await reader.byId(range.collection, range.shardKey, some, range.signal);
      found = merged(
        found,
        Array.from({ length: page.count }, (_, position) => ({ page, at: position })),
      );
    }
  }
  return found;
}

function merged(one: readonly LivingPoint[], other: readonly LivingPoint[]): LivingPoint[] {
  return [...one, ...other].sort((a, b) => compareIds(idOf(a), idOf(b)));
}
