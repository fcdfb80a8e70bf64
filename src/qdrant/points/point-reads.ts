// Reading points in pages of a wanted size in bytes, whatever the wire. Promises: every point exactly once and in
// ascending order of id. Does not retry: each call may be repeated from the last id.
//
// Two ways to read (figures in docs/decisions/0002-relay.md):
//   scroll    one request a page; right where one shard answers
//   idsFirst  a scroll of ids alone, then the points by id: a scroll over N shards makes each read the whole limit

import type { PointPage, PointReader, ReadIds, ReadRange } from '../../cluster/points-port.js';
import { compareIds, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { RestNode } from '../rest.js';
import { hashedPage, type WirePage, type WirePoint } from './point-page.js';
import { pointId } from '../encoding/point-wire.js';

const IDS_PER_SCROLL = 4_096;
const IDS_PER_PAGE = 10_000;

export type What = 'everything' | 'ids';

export interface PointAnswer {
  points: WirePoint[];
  /** Of a scroll. */
  next?: PointId;
  /** Nobody reads the points' bytes any more. */
  giveBack?: () => void;
}

/** Reads by two requests, which are of one wire. */
export abstract class PointReads implements PointReader {
  protected readonly nodes: readonly RestNode[];
  /** The one that takes what this connection sends over REST. */
  protected readonly rest: RestNode;

  constructor(nodes: readonly RestNode[], lane: number) {
    this.nodes = nodes;
    this.rest = nodes[lane % nodes.length] as RestNode;
  }

  close(): void {
    for (const node of this.nodes) void node.close();
  }

  protected abstract scroll(
    range: ReadIds,
    offset: PointId | undefined,
    limit: number,
    what: What,
  ): Promise<PointAnswer>;
  /** Ascending; an id that does not exist is absent. */
  protected abstract get(range: ReadIds, ids: readonly PointId[], what: What): Promise<PointAnswer>;
  /** True for an answer that would be larger than we let into memory at once. */
  protected abstract isTooLarge(error: unknown): boolean;
  /** Payloads of points that the answer may not have shown exactly. */
  protected abstract exactly(range: ReadIds, ids: PointId[]): Promise<Map<PointId, Buffer>>;

  pages(range: ReadRange): AsyncIterable<PointPage> {
    return range.mode === 'scroll' ? this.#scrolled(range) : this.#idsFirst(range);
  }

  async byId(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
  ): Promise<PointPage> {
    const range = idsRange(collection, shardKey, signal);
    return this.#page({ points: await this.#getAll(range, ids) }, range);
  }

  async *ids(range: ReadIds): AsyncGenerator<PointId[]> {
    const limit = Math.min(IDS_PER_PAGE, range.maxPoints ?? IDS_PER_PAGE);
    let offset = range.from;
    do {
      const answer = await this.scroll(range, offset, limit, 'ids');
      const ids = before(range.to, answer.points).map(idOf);
      answer.giveBack?.();
      if (ids.length > 0) yield ids;
      offset = answer.next;
    } while (offset !== undefined && isBefore(offset, range.to));
  }

  async existing(range: ReadIds, ids: readonly PointId[]): Promise<PointId[]> {
    const found: PointId[] = [];
    const limit = Math.min(IDS_PER_PAGE, range.maxPoints ?? IDS_PER_PAGE);
    for (let at = 0; at < ids.length; at += limit) {
      const { points } = await this.get(range, ids.slice(at, at + limit), 'ids');
      found.push(...points.map(idOf));
    }
    return found;
  }

  async *#scrolled(range: ReadRange): AsyncGenerator<PointPage> {
    const size = new PageSize(range);
    let offset = range.from;
    do {
      const answer = await this.#smaller(size, (limit) => this.scroll(range, offset, limit, 'everything'));
      const points = before(range.to, answer.points);
      if (points.length > 0) {
        const page = await this.#page({ ...answer, points }, range);
        size.learn(page);
        yield page;
      }
      if (points.length < answer.points.length) return;
      offset = answer.next;
    } while (offset !== undefined && isBefore(offset, range.to));
  }

  async *#idsFirst(range: ReadRange): AsyncGenerator<PointPage> {
    const size = new PageSize(range);
    const idLimit = Math.min(IDS_PER_SCROLL, range.maxPoints ?? IDS_PER_SCROLL);
    let offset = range.from;
    do {
      const answer = await this.scroll(range, offset, idLimit, 'ids');
      const found = before(range.to, answer.points);
      const ids = found.map(idOf);
      for (let at = 0; at < ids.length;) {
        const { chunk, read } = await this.#smaller(size, async (limit) => {
          const chunk = ids.slice(at, at + limit);
          return { chunk, read: await this.get(range, chunk, 'everything') };
        });
        at += chunk.length;
        if (read.points.length === 0) continue; // all deleted since their ids were read
        const page = await this.#page(read, range);
        size.learn(page);
        yield page;
      }
      if (found.length < answer.points.length) return;
      offset = answer.next;
    } while (offset !== undefined && isBefore(offset, range.to));
  }

  /** In halves where the answer would be larger than we let into memory at once. */
  async #getAll(range: ReadIds, ids: readonly PointId[]): Promise<WirePoint[]> {
    if (ids.length === 0) return [];
    try {
      return (await this.get(range, ids, 'everything')).points;
    } catch (error) {
      if (!this.isTooLarge(error) || ids.length < 2) throw error;
    }
    const half = ids.length >> 1;
    const first = await this.#getAll(range, ids.slice(0, half));
    return [...first, ...(await this.#getAll(range, ids.slice(half)))];
  }

  #page({ points, giveBack }: PointAnswer, range: ReadIds): Promise<WirePage> {
    return hashedPage(points, range.shardKey, (ids) => this.exactly(range, ids), giveBack);
  }

  /** Asks again for fewer points while the answer is larger than we let into memory. */
  async #smaller<T>(size: PageSize, read: (limit: number) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await read(size.limit);
      } catch (error) {
        if (!this.isTooLarge(error) || !size.shrink()) throw error;
      }
    }
  }
}

/** What a read by ids needs of a range. */
function idsRange(collection: string, shardKey?: ShardKey, signal?: AbortSignal): ReadIds {
  return {
    collection,
    ...(shardKey === undefined ? {} : { shardKey }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function idOf({ bytes }: WirePoint): PointId {
  return pointId(bytes);
}

function isBefore(id: PointId, end: PointId | undefined): boolean {
  return end === undefined || compareIds(id, end) < 0;
}

/** The points whose id is below `end`; they come in ascending order, so usually all or a prefix. */
function before(end: PointId | undefined, points: WirePoint[]): WirePoint[] {
  let kept = points.length;
  while (kept > 0 && !isBefore(idOf(points[kept - 1] as WirePoint), end)) kept--;
  return kept === points.length ? points : points.slice(0, kept);
}

const FIRST_LIMIT = 32;
const LARGEST_LIMIT = 4_096;
const GROWTH = 4;

/**
 * How many points to request for a page of about the wanted bytes: sizes are known only after reading, and one collection
 * can hold points of 100 bytes next to points of several MB.
 */
class PageSize {
  limit: number;
  readonly #wantedBytes: number;
  readonly #largest: number;

  constructor({ pageBytes, maxPoints }: { pageBytes: number; maxPoints?: number }) {
    this.#wantedBytes = pageBytes;
    this.#largest = Math.max(1, Math.min(LARGEST_LIMIT, maxPoints ?? LARGEST_LIMIT));
    this.limit = Math.min(FIRST_LIMIT, this.#largest);
  }

  /** Follows the page just read; upwards only step by step. */
  learn(page: PointPage): void {
    const wanted = Math.floor(this.#wantedBytes / Math.max(1, page.bytes / page.count));
    this.limit = Math.max(1, Math.min(wanted, this.limit * GROWTH, this.#largest));
  }

  /** After an answer that was too large; false when it cannot go lower. */
  shrink(): boolean {
    if (this.limit === 1) return false;
    this.limit = Math.max(1, Math.floor(this.limit / GROWTH));
    return true;
  }
}
