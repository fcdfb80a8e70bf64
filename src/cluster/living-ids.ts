// The ids of all living points of a collection, while it is written. Promises that an id is left out only when the point
// did not exist at some moment after the call began, and that memory is flat.
//
// A scroll under writes can miss a living point: its segments are read one after another, and a point that is updated
// moves to another segment. So the collection is read twice, the second time some pages behind the first, and the two
// streams are compared as they come:
//
//   1. an id that both reads saw belongs to the set
//   2. an id that only one of them saw is read by itself, twice with a pause, for a read by id can miss it too
//   3. what is found belongs to the set; the rest was deleted, or written and deleted, in between

import { setTimeout as sleep } from 'node:timers/promises';
import { compareIds, type PointId } from '../model/point-id.js';
import type { IdReader, ReadIds } from './points-port.js';

/** 80,000 ids: some tenths of a second, longer than any move takes. */
const PAGES_AHEAD = 8;
const CHUNK = 10_000;
const PAUSE_MS = 200;

export interface LivingIds {
  /** Read by two nodes where two are given: what either of them has is living. */
  readers: readonly [IdReader, ...IdReader[]];
  range: ReadIds;
  pauseMs?: number;
  /** Ids that one read had missed. */
  onConfirmed?(count: number): void;
}

/** Pages of at most 10,000 ids, ascending. */
export async function* livingIds({ readers, range, ...options }: LivingIds): AsyncGenerator<PointId[]> {
  const [first, last] = [readers[0], readers.at(-1) ?? readers[0]];
  const ahead = readAhead(first.ids(range), PAGES_AHEAD);
  const behind = last.ids(range);
  for await (const chunk of merged(ahead, behind)) {
    const doubtful = chunk.filter((one) => one.reads === 1).map((one) => one.id);
    const living = new Set(await confirm(readers, range, doubtful, options.pauseMs ?? PAUSE_MS));
    if (living.size > 0) options.onConfirmed?.(living.size);
    yield chunk.filter((one) => one.reads === 2 || living.has(one.id)).map((one) => one.id);
  }
}

async function confirm(
  readers: readonly IdReader[],
  range: ReadIds,
  doubtful: readonly PointId[],
  pauseMs: number,
): Promise<PointId[]> {
  const living = new Set<PointId>();
  for (const [at, reader] of [...readers, ...readers].entries()) {
    const open = doubtful.filter((id) => !living.has(id));
    if (open.length === 0) break;
    if (at > 0) await sleep(pauseMs, undefined, range.signal === undefined ? {} : { signal: range.signal });
    for (const id of await reader.existing(range, open)) living.add(id);
  }
  return [...living];
}

interface Seen {
  id: PointId;
  reads: 1 | 2;
}

/** Both ascending, and so is the result; in chunks. */
async function* merged(
  one: AsyncIterable<PointId[]>,
  other: AsyncIterable<PointId[]>,
): AsyncGenerator<Seen[]> {
  const [a, b] = [new Pages(one), new Pages(other)];
  let chunk: Seen[] = [];
  for (;;) {
    // Only at the end of a page is anything waited for.
    if (a.isSpent) await a.turn();
    if (b.isSpent) await b.turn();
    const [left, right] = [a.head, b.head];
    if (left === undefined && right === undefined) break;
    const order = left === undefined ? 1 : right === undefined ? -1 : compareIds(left, right);
    if (order <= 0) a.at += 1;
    if (order >= 0) b.at += 1;
    chunk.push({ id: (order <= 0 ? left : right) as PointId, reads: order === 0 ? 2 : 1 });
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

class Pages {
  at = 0;
  readonly #pages: AsyncIterator<PointId[]>;
  #page: PointId[] = [];
  #hasEnded = false;

  constructor(pages: AsyncIterable<PointId[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  get isSpent(): boolean {
    return this.at >= this.#page.length && !this.#hasEnded;
  }

  /** Undefined at the end. */
  get head(): PointId | undefined {
    return this.#page[this.at];
  }

  async turn(): Promise<void> {
    while (this.isSpent) {
      const next = await this.#pages.next();
      [this.#page, this.at] = [next.done === true ? [] : next.value, 0];
      this.#hasEnded = next.done === true;
    }
  }
}

/** Gives nothing before so many pages, or all, have come. */
async function* readAhead<T>(pages: AsyncIterable<T>, ahead: number): AsyncGenerator<T> {
  const queue: T[] = [];
  for await (const page of pages) {
    queue.push(page);
    if (queue.length > ahead) yield queue.shift() as T;
  }
  yield* queue;
}
