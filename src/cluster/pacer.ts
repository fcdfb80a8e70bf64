// Holds a stream of pages to a number of points and of megabytes a second. What was taken too early is waited for
// afterwards, so that a page larger than a second's share still passes.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Pace } from '../model/state/steering.js';

export class Pacer {
  readonly #perSecond: { points: number; bytes: number };
  #freeAt = 0;

  constructor(pace: Pace) {
    this.#perSecond = {
      points: pace.maxPointsPerSecond ?? Infinity,
      bytes: (pace.maxMegabytesPerSecond ?? Infinity) * 1_000_000,
    };
  }

  /** The most points a page should have, so that the flow is even: a quarter of a second's worth. */
  get pagePoints(): number | undefined {
    const { points } = this.#perSecond;
    return points === Infinity ? undefined : Math.max(1, Math.ceil(points / 4));
  }

  /** Resolves when these points may go. */
  async take(points: number, bytes: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const wait = this.#freeAt - now;
    const cost = Math.max(points / this.#perSecond.points, bytes / this.#perSecond.bytes) * 1_000;
    this.#freeAt = Math.max(now, this.#freeAt) + cost;
    if (wait > 0) await sleep(wait, undefined, { signal });
  }
}
