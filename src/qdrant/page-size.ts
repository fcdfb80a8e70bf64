// How many points to ask for, so that a page has about the wanted bytes: sizes are known only after reading, and one
// collection can hold points of 100 bytes next to points of several MB.

import type { PointPage } from '../cluster/points-port.js';

const FIRST_LIMIT = 32;
const LARGEST_LIMIT = 4_096;
const GROWTH = 4;

export class PageSize {
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
