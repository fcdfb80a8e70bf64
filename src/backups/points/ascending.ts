// A stream of things by id, passed through once in step with ids that are asked for in ascending order.

import { FerryError } from '../../model/errors.js';
import { compareIds, type PointId } from '../../model/point-id.js';

/** The buffer is used up: call `more`, then ask again. */
export const MORE = Symbol('more is needed');

export class Ascending<T> {
  /** Entries whose ids were asked for. */
  matched = 0;
  readonly #pages: AsyncIterator<readonly T[]>;
  readonly #idOf: (item: T) => PointId;
  #page: readonly T[] = [];
  #at = 0;
  #head: PointId | undefined;
  #last: PointId | undefined;
  #hasEnded = false;

  constructor(pages: AsyncIterable<readonly T[]>, idOf: (item: T) => PointId) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#idOf = idOf;
  }

  /** The item of this id, which is greater than the one before; undefined where there is none. */
  seek(id: PointId): T | typeof MORE | undefined {
    for (;;) {
      const head = this.#peek();
      if (head === undefined) return this.#hasEnded ? undefined : MORE;
      const order = compareIds(head, id);
      if (order > 0) return undefined;
      const item = this.#page[this.#at] as T;
      this.#at += 1;
      this.#head = undefined;
      if (order < 0) continue;
      this.matched += 1;
      return item;
    }
  }

  async more(): Promise<void> {
    const next = await this.#pages.next();
    this.#hasEnded = next.done === true;
    [this.#page, this.#at] = [next.done === true ? [] : next.value, 0];
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }

  #peek(): PointId | undefined {
    const item = this.#page[this.#at];
    if (item === undefined) return undefined;
    if (this.#head !== undefined) return this.#head;
    const id = this.#idOf(item);
    // Out of order, what stands behind would be passed over.
    if (this.#last !== undefined && compareIds(this.#last, id) >= 0)
      throw new FerryError('ObjectDamaged', `Stored ids are out of order: ${id} after ${this.#last}`);
    this.#last = id;
    return (this.#head = id);
  }
}

/** `seek`, with the reading that it needs. */
export async function seek<T>(stream: Ascending<T>, id: PointId): Promise<T | undefined> {
  for (;;) {
    const found = stream.seek(id);
    if (found !== MORE) return found;
    await stream.more();
  }
}

/** Of each of these ids, ascending like all before them, what the stream has. Waits only where the stream has to be read. */
export async function seekEach<T>(
  stream: Ascending<T>,
  ids: readonly PointId[],
  use: (id: PointId, found: T | undefined) => void,
): Promise<void> {
  for (const id of ids) {
    const found = stream.seek(id);
    use(id, found === MORE ? await seek(stream, id) : found);
  }
}

/** Of each of these ids what the first of the streams has that has it. */
export async function seekFirst<T>(
  streams: readonly Ascending<T>[],
  ids: readonly PointId[],
): Promise<Map<PointId, T>> {
  const first = new Map<PointId, T>();
  let open = ids;
  for (const stream of streams) {
    const rest: PointId[] = [];
    await seekEach(stream, open, (id, found) => {
      if (found === undefined) rest.push(id);
      else first.set(id, found);
    });
    open = rest;
  }
  return first;
}
