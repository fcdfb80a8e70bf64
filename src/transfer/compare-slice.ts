// Finds every point of a slice that differs between two sides, names it, and repairs the target where wanted. Promises:
// a difference counts only when a second read of both sides still shows it; the cursor moves over an id only when its
// difference was settled and recorded; surplus points are deleted only when the caller says `extras: delete`.
//
//   walk both sides in step ─▶ suspects (ids only) ─▶ enough, or the end: settle them
//   settle: pause, read the suspects again by id on both sides
//           equal now          → the source was being written; forget it
//           renormalised       → counted apart
//           missing / changed  → recorded; in repair: upsert the source's point
//           extra              → recorded; where the caller may delete: deleted

import { setTimeout as sleep } from 'node:timers/promises';
import type {
  CompareSliceInput,
  CompareSliceResult,
  Difference,
} from '../model/contracts/slice-activities.js';
import { nextId, type PointId } from '../model/point-id.js';
import { shardKeyText } from '../model/state/slice.js';
import { parts } from './copy-slice.js';
import { Pacer } from '../cluster/pacer.js';
import { pairedPoints, type Kind, type Step } from './paired-points.js';
import type { PointPage, PointReader, PointWriter, ReadRange } from '../cluster/points-port.js';
import { RangeSum } from '../cluster/range-sum.js';
import { addDigests } from '../model/format/digest.js';
import { freshState, type WalkSignals } from './walk-slice.js';

export type CompareState = Omit<CompareSliceResult, 'reportKey'>;

/** Where the full list of differences goes. Appending twice the same after a crash is harmless. */
export interface DifferenceReport {
  append(differences: readonly Difference[]): Promise<void>;
}

export interface CompareJob extends WalkSignals {
  input: CompareSliceInput;
  source: PointReader;
  target: PointReader & PointWriter;
  /** Named vectors of the target that are float16 with Cosine. */
  renormalisable: ReadonlySet<string>;
  report: DifferenceReport;
  state: CompareState;
  onProgress: (state: CompareState) => void;
}

const SETTLE_AT = 1_024;
const READ_AGAIN_AT_ONCE = 256;
const READ_AGAIN_BYTES = 8 << 20;
const FIRST_KEPT = 10;
const FIELDS_KEPT = 5;

export function freshCompareState(cursor: PointId | undefined): CompareState {
  const counts = { missing: 0, changed: 0, extra: 0, renormalised: 0, upserted: 0, deleted: 0 };
  return { ...freshState(cursor), ...counts, first: [] };
}

/** Compares until the slice is done, the budget is spent, or `stop` is aborted; returns what may be claimed. */
export async function compareSlice(job: CompareJob): Promise<CompareState> {
  const settler = new Settler(job);
  const pacer = new Pacer(job.input);
  const deadline = performance.now() + job.input.budgetMs;
  const both = AbortSignal.any([job.signal, job.stop]);
  try {
    for await (const step of pairedPoints(read(job, 'source', both), read(job, 'target', both))) {
      if (step.entered !== undefined) await pacer.take(step.entered.count, step.entered.bytes, both);
      settler.saw(step);
      if (!settler.isDue) continue;
      await settler.settle(both);
      if (performance.now() >= deadline) return settler.state;
    }
    await settler.settle(both);
    return { ...settler.state, done: true };
  } catch (error) {
    if (job.stop.aborted && !job.signal.aborted) return settler.state;
    throw error;
  }
}

function read(job: CompareJob, side: 'source' | 'target', signal: AbortSignal): AsyncIterable<PointPage> {
  const { input } = job;
  const { slice } = input;
  const from = job.state.cursor ?? slice.from;
  const range: ReadRange = {
    ...(side === 'source' ? input.sourceRead : input.targetRead),
    collection: input[side].collection,
    pageBytes: input.batchBytes,
    signal,
    ...(slice.shardKey === undefined ? {} : { shardKey: slice.shardKey }),
    ...(from === undefined ? {} : { from }),
    ...(slice.to === undefined ? {} : { to: slice.to }),
  };
  return job[side].pages(range);
}

interface Suspect {
  id: PointId;
  kind: Kind;
  /** Of the larger side, as far as its page tells. */
  bytes: number;
}

/** What is read again in one request of each side: few, and not many bytes of either. */
export function* readAtOnce(suspects: readonly Suspect[]): Generator<Suspect[]> {
  let some: Suspect[] = [];
  let bytes = 0;
  for (const suspect of suspects) {
    const isFull = some.length === READ_AGAIN_AT_ONCE || bytes + suspect.bytes > READ_AGAIN_BYTES;
    if (some.length > 0 && isFull) {
      yield some;
      [some, bytes] = [[], 0];
    }
    some.push(suspect);
    bytes += suspect.bytes;
  }
  if (some.length > 0) yield some;
}

/** Collects suspects and the source's digest, and turns them into a claim at each settling. */
class Settler {
  state: CompareState;
  readonly #job: CompareJob;
  #suspects: Suspect[] = [];
  #lastId: PointId | undefined;
  #steps = 0;
  #sum = new RangeSum();
  #points = 0;
  #bytes = 0;
  #pauseMs: number;

  constructor(job: CompareJob) {
    this.#job = job;
    this.state = job.state;
    this.#pauseMs = job.input.recheckAfterMs;
  }

  /** Often enough that a resumed attempt repeats little and little is kept in memory. */
  get isDue(): boolean {
    return this.#suspects.length >= SETTLE_AT || this.#steps >= SETTLE_AT * 16;
  }

  saw(step: Step): void {
    this.#steps += 1;
    this.#lastId = step.id;
    if (step.source !== undefined) {
      this.#sum.addHash(step.source.hash);
      this.#points += 1;
      this.#bytes += step.source.bytes;
    }
    if (step.kind === undefined) return;
    if (step.kind === 'extra' && this.#job.input.extras === 'ignore') return;
    this.#suspects.push({ id: step.id, kind: step.kind, bytes: step.bytes });
  }

  async settle(signal: AbortSignal): Promise<void> {
    const suspects = this.#suspects;
    if (suspects.length > 0 && this.#pauseMs > 0) await sleep(this.#pauseMs, undefined, { signal });
    let stillThere = 0;
    for (const some of readAtOnce(suspects)) stillThere += await this.#settleSome(some, signal);
    // When every suspect is confirmed nobody is writing: no more pauses then.
    if (suspects.length > 0 && stillThere === suspects.length) this.#pauseMs = 0;
    this.#claim();
  }

  async #settleSome(suspects: readonly Suspect[], signal: AbortSignal): Promise<number> {
    const { input, source, target } = this.#job;
    const ids = suspects.map(({ id }) => id);
    const key = input.slice.shardKey;
    const [left, right] = await Promise.all([
      source.byId(input.source.collection, key, ids, signal),
      target.byId(input.target.collection, key, ids, signal),
    ]);
    const found = this.#judge(ids, left, right);
    await this.#job.report.append(found.differences);
    const written = input.mode === 'report' ? NOTHING : await this.#repair(left, found);
    this.state = counted(this.state, found, written);
    return found.differences.length + found.renormalised;
  }

  #judge(ids: readonly PointId[], left: PointPage, right: PointPage): Found {
    const [leftAt, rightAt] = [positions(left), positions(right)];
    const found: Found = { differences: [], renormalised: 0, upsert: [], remove: [] };
    for (const id of ids) {
      const [l, r] = [leftAt.get(id), rightAt.get(id)];
      if (l !== undefined && r !== undefined) this.#judgePair(found, id, left, l, right, r);
      else if (l !== undefined) {
        found.differences.push(this.#difference(id, 'missing'));
        found.upsert.push(l);
      } else if (r !== undefined && this.#job.input.extras !== 'ignore') {
        found.differences.push(this.#difference(id, 'extra'));
        found.remove.push(id);
      }
    }
    return found;
  }

  #judgePair(found: Found, id: PointId, left: PointPage, l: number, right: PointPage, r: number): void {
    const [a, b] = [left.hashAt(l), right.hashAt(r)];
    if (a.every((byte, i) => byte === b[i])) return;
    if (left.isRenormalised(l, right, r, this.#job.renormalisable)) {
      found.renormalised += 1;
      return;
    }
    const fields = left.differingFields(l, right, r).slice(0, FIELDS_KEPT).map(shortened);
    found.differences.push({ ...this.#difference(id, 'changed'), fields });
    found.upsert.push(l);
  }

  #difference(id: PointId, kind: Kind): Difference {
    const key = this.#job.input.slice.shardKey;
    return { id, kind, ...(key === undefined ? {} : { shardKey: shardKeyText(key) }) };
  }

  async #repair(left: PointPage, found: Found): Promise<Written> {
    const { input, target, signal } = this.#job;
    const { collection } = input.target;
    const key = input.slice.shardKey;
    const upsert = input.mode === 'repair' ? found.upsert : [];
    if (upsert.length > 0) {
      for (const part of parts(left.pick(upsert), input.batchBytes, input.maxWritePoints)) {
        await target.upsert(collection, key, part, signal);
      }
    }
    const remove = input.extras === 'delete' ? found.remove : [];
    if (remove.length > 0) await target.delete(collection, key, remove, signal);
    return { upserted: upsert.length, deleted: remove.length };
  }

  #claim(): void {
    const cursor = this.#lastId === undefined ? undefined : nextId(this.#lastId);
    this.state = {
      ...this.state,
      ...(cursor === undefined ? {} : { cursor }),
      points: this.state.points + this.#points,
      bytes: this.state.bytes + Math.round(this.#bytes),
      digest: addDigests(this.state.digest, this.#sum.value()),
    };
    this.#suspects = [];
    this.#steps = this.#points = this.#bytes = 0;
    this.#sum = new RangeSum();
    this.#job.onProgress(this.state);
  }
}

interface Written {
  upserted: number;
  deleted: number;
}

const NOTHING: Written = { upserted: 0, deleted: 0 };

interface Found {
  differences: Difference[];
  renormalised: number;
  /** Positions in the source's page. */
  upsert: number[];
  remove: PointId[];
}

function counted(state: CompareState, found: Found, written: Written): CompareState {
  const of = (kind: Kind) => found.differences.filter((difference) => difference.kind === kind).length;
  return {
    ...state,
    missing: state.missing + of('missing'),
    changed: state.changed + of('changed'),
    extra: state.extra + of('extra'),
    renormalised: state.renormalised + found.renormalised,
    upserted: state.upserted + written.upserted,
    deleted: state.deleted + written.deleted,
    first: [...state.first, ...found.differences].slice(0, FIRST_KEPT),
  };
}

function positions(page: PointPage): Map<PointId, number> {
  return new Map(Array.from({ length: page.count }, (_, i) => [page.idAt(i), i]));
}

function shortened(path: string): string {
  return path.length > 80 ? `${path.slice(0, 79)}…` : path;
}
