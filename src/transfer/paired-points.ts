// Two reads of the same range, walked in step by id: what is on one side only, and what differs. Memory holds two
// pages a side, whatever the size of the range.

import { compareIds, type PointId } from '../model/point-id.js';
import type { PointPage } from '../cluster/points-port.js';

export type Kind = 'missing' | 'changed' | 'extra';

export interface Step {
  /** Everything up to this id has been compared. */
  id: PointId;
  /** Absent when both sides are equal here. */
  kind?: Kind;
  /** Of the larger side's point. */
  bytes: number;
  /** The source's point, where it has one. */
  source?: { hash: Uint8Array; bytes: number };
  /** Set on the first step into a page of the source. */
  entered?: PointPage;
}

/** Yields a step for each id that either side has, in ascending order. */
export async function* pairedPoints(
  source: AsyncIterable<PointPage>,
  target: AsyncIterable<PointPage>,
): AsyncGenerator<Step> {
  const [left, right] = [new Cursor(source), new Cursor(target)];
  try {
    await Promise.all([left.ready(), right.ready()]);
    while (left.page !== undefined || right.page !== undefined) {
      yield step(left, right);
      if (left.needsPage || right.needsPage) await Promise.all([left.ready(), right.ready()]);
    }
  } finally {
    await Promise.all([left.close(), right.close()]);
  }
}

function step(left: Cursor, right: Cursor): Step {
  const order = compareCursors(left, right);
  const id = order <= 0 ? left.id : right.id;
  const source = order <= 0 ? left.point() : undefined;
  const bytes = Math.max(source?.bytes ?? 0, order >= 0 ? right.pointBytes : 0);
  const entered = order <= 0 ? left.enteredPage() : undefined;
  const kind = order < 0 ? 'missing' : order > 0 ? 'extra' : left.hashEquals(right) ? undefined : 'changed';
  if (order <= 0) left.move();
  if (order >= 0) right.move();
  return {
    id,
    bytes,
    ...(kind === undefined ? {} : { kind }),
    ...(source === undefined ? {} : { source }),
    ...(entered === undefined ? {} : { entered }),
  };
}

function compareCursors(left: Cursor, right: Cursor): number {
  if (left.page === undefined) return 1;
  if (right.page === undefined) return -1;
  return compareIds(left.id, right.id);
}

class Cursor {
  page: PointPage | undefined;
  id: PointId = '';
  needsPage = true;
  #position = 0;
  readonly #pages: AsyncIterator<PointPage>;
  #next: Promise<IteratorResult<PointPage>>;

  constructor(pages: AsyncIterable<PointPage>) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#next = this.#ahead();
  }

  /** Waits for the next page where the last one is used up, and starts to read the one behind it. */
  async ready(): Promise<void> {
    if (!this.needsPage) return;
    const next = await this.#next;
    this.needsPage = false;
    this.page = next.done === true ? undefined : next.value;
    if (this.page === undefined) return;
    this.#next = this.#ahead();
    this.#position = 0;
    this.id = this.page.idAt(0);
  }

  move(): void {
    if (this.page === undefined) return;
    this.#position += 1;
    if (this.#position === this.page.count) this.needsPage = true;
    else this.id = this.page.idAt(this.#position);
  }

  /** The page's average: pages know their bytes, points do not. */
  get pointBytes(): number {
    return this.page === undefined ? 0 : this.page.bytes / this.page.count;
  }

  point(): Step['source'] {
    if (this.page === undefined) return undefined;
    return { hash: this.page.hashAt(this.#position), bytes: this.pointBytes };
  }

  enteredPage(): PointPage | undefined {
    return this.#position === 0 ? this.page : undefined;
  }

  hashEquals(other: Cursor): boolean {
    const [a, b] = [this.page?.hashAt(this.#position), other.page?.hashAt(other.#position)];
    return a !== undefined && b !== undefined && a.every((byte, i) => byte === b[i]);
  }

  async close(): Promise<void> {
    await this.#next.catch(() => undefined);
    await this.#pages.return?.();
  }

  #ahead(): Promise<IteratorResult<PointPage>> {
    const next = this.#pages.next();
    next.catch(() => undefined);
    return next;
  }
}
