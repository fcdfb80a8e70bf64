// The walk over one slice that copying and hashing share. Promises: pages in order of id, read ahead while earlier ones
// are still being written; at most `writesAhead` writes under way, so memory is flat in the size of the slice; the
// cursor moves over a page only after its write and all earlier ones succeeded, and the digest moves with it as one pair.
//
//   read page n+1 ┐
//   write page n  ├─ side by side
//   write page n−1┘  settled strictly in order: cursor := the id behind its last one, digest += its hashes

import type { SliceClaim } from '../model/contracts/slice-activities.js';
import { EMPTY_DIGEST, addDigests, type RangeDigest } from '../model/format/digest.js';
import { nextId, type PointId } from '../model/point-id.js';
import type { Slice } from '../model/state/slice.js';
import type { Pacer } from '../cluster/pacer.js';
import type { PointPage, PointReader, ReadRange } from '../cluster/points-port.js';
import { RangeSum } from '../cluster/range-sum.js';

export interface WalkSignals {
  /** Ends the walk at once, by throwing the signal's reason. */
  signal: AbortSignal;
  /** Ends it in good order: what is under way is finished and claimed. */
  stop: AbortSignal;
}

export interface WalkState extends SliceClaim {
  digest: RangeDigest;
}

export interface Walk extends WalkSignals {
  reader: PointReader;
  collection: string;
  slice: Slice;
  /** Where an earlier attempt of the same activity stood; its claim counts on. */
  state: WalkState;
  read: Pick<ReadRange, 'mode' | 'pageBytes' | 'maxPoints'>;
  pacer: Pacer;
  deadline: number;
  writesAhead: number;
  /** Called once a page, in order; the walk keeps reading meanwhile. */
  write: (page: PointPage) => Promise<void>;
  onProgress: (state: WalkState) => void;
}

export function freshState(cursor: PointId | undefined): WalkState {
  return {
    done: false,
    points: 0,
    bytes: 0,
    digest: EMPTY_DIGEST,
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Walks until the slice is done, the deadline has passed, or `stop` is aborted; returns what may be claimed. */
export async function walkSlice(walk: Walk): Promise<WalkState> {
  const progress = new Progress(walk);
  const either = AbortSignal.any([walk.signal, walk.stop]);
  const pages = readFrom(walk, progress.state.cursor, either)[Symbol.asyncIterator]();
  let upcoming = ahead(pages);
  try {
    for (;;) {
      const next = await orStopped(walk, upcoming);
      if (next === undefined) return await progress.settleAll(false);
      if (next.done === true) return await progress.settleAll(true);
      upcoming = ahead(pages);
      await walk.pacer.take(next.value.count, next.value.bytes, either).catch(ignoreStop(walk));
      if (walk.stop.aborted) return await progress.settleAll(false);
      progress.begin(next.value);
      await progress.settleDownTo(walk.writesAhead);
      if (performance.now() >= walk.deadline) return await progress.settleAll(false);
    }
  } catch (error) {
    // Asked to stop, what is settled is claimed also when the last writes failed: they will be repeated.
    if (walk.stop.aborted && !walk.signal.aborted) return progress.state;
    throw error;
  } finally {
    await progress.ended();
    void pages.return?.();
  }
}

function readFrom(walk: Walk, cursor: PointId | undefined, signal: AbortSignal): AsyncIterable<PointPage> {
  const { collection, slice, read, pacer } = walk;
  const from = cursor ?? slice.from;
  const limits = [read.maxPoints, pacer.pagePoints].filter((limit) => limit !== undefined);
  return walk.reader.pages({
    collection,
    mode: read.mode,
    pageBytes: read.pageBytes,
    signal,
    ...(limits.length === 0 ? {} : { maxPoints: Math.min(...limits) }),
    ...(slice.shardKey === undefined ? {} : { shardKey: slice.shardKey }),
    ...(from === undefined ? {} : { from }),
    ...(slice.to === undefined ? {} : { to: slice.to }),
  });
}

/** Starts the next read; a failure is kept until the result is awaited. */
function ahead<T>(iterator: AsyncIterator<T>): Promise<IteratorResult<T>> {
  const result = iterator.next();
  result.catch(() => undefined);
  return result;
}

async function orStopped<T>(walk: WalkSignals, upcoming: Promise<T>): Promise<T | undefined> {
  if (walk.stop.aborted) return undefined;
  return upcoming.catch(ignoreStop(walk));
}

function ignoreStop({ signal, stop }: WalkSignals): (error: unknown) => undefined {
  return (error) => {
    if (signal.aborted) throw signal.reason;
    if (!stop.aborted) throw error;
    return undefined;
  };
}

/** The pages under way, and the claim they become. */
class Progress {
  state: WalkState;
  readonly #walk: Walk;
  readonly #underWay: { page: PointPage; written: Promise<void> }[] = [];

  constructor(walk: Walk) {
    this.#walk = walk;
    this.state = walk.state;
  }

  begin(page: PointPage): void {
    const written = this.#walk.write(page);
    written.catch(() => undefined);
    this.#underWay.push({ page, written });
  }

  async settleDownTo(left: number): Promise<void> {
    while (this.#underWay.length > left) await this.#settleOne();
  }

  async settleAll(done: boolean): Promise<WalkState> {
    await this.settleDownTo(0);
    if (done) this.state = { ...this.state, done: true };
    return this.state;
  }

  /** No write outlives the walk, also when it failed. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#underWay.map(({ written }) => written));
  }

  async #settleOne(): Promise<void> {
    const { page, written } = this.#underWay[0] as { page: PointPage; written: Promise<void> };
    await written;
    this.#underWay.shift();
    this.state = claim(this.state, page);
    page.release();
    this.#walk.onProgress(this.state);
  }
}

function claim(state: WalkState, page: PointPage): WalkState {
  const sum = new RangeSum();
  sum.add(page);
  const cursor = nextId(page.idAt(page.count - 1));
  return {
    done: cursor === undefined,
    points: state.points + page.count,
    bytes: state.bytes + page.bytes,
    digest: addDigests(state.digest, sum.value()),
    ...(cursor === undefined ? {} : { cursor }),
  };
}
