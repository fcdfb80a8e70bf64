// Clusters in memory and the activities over them, for tests of the workflows: points are really copied, digested and
// compared, so that a forgotten slice or a doubled one shows. Faults are put in by `before`.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { AwaitReadyResult, ControlActivities } from '../../src/model/contracts/activities.js';
import type {
  CompareSliceInput,
  CopySliceInput,
  DataActivities,
  Difference,
  DigestSliceInput,
} from '../../src/model/contracts/slice-activities.js';
import type { CollectionRef, TargetState } from '../../src/model/collections.js';
import { EMPTY_DIGEST, addDigests, type RangeDigest } from '../../src/model/format/digest.js';
import { catalogue } from '../../src/model/error-catalogue.js';
import { type ErrorCode } from '../../src/model/errors.js';
import type { MoveActivities, MoveControlActivities } from '../../src/model/contracts/move-activities.js';
import { compareIds } from '../../src/model/point-id.js';
import type { Slice } from '../../src/model/state/slice.js';
import { moveActivities, type FakeMoves } from './fake-moves.js';
import { FakeStore, type StoreActivities } from './fake-store.js';

export type Points = Map<string, string>;
type Activities = ControlActivities &
  DataActivities &
  MoveControlActivities &
  MoveActivities &
  StoreActivities;
export interface Call {
  name: keyof Activities;
  input: unknown;
}

export class FakeClusters {
  readonly clusters: Record<string, Record<string, Points>> = {};
  readonly calls: Call[] = [];
  readonly holder = { text: 'scrollMigration other-job, running' };
  /** Called before each activity; may throw, wait, or change the clusters. */
  before: (name: keyof Activities, input: never) => void | Promise<void> = () => undefined;
  /** Of the next planCollection; found out from the points when absent. */
  targetState: TargetState | undefined;
  owned = true;
  /** As the operator's `deleteExtras` sets it. */
  mayDelete = false;
  /** Of a `known` target. */
  verified: RangeDigest | undefined;
  batchPoints = 100;
  batchMs = 0;
  pageSize = 100;
  slicesPerPage = 100;
  searchAttributes: boolean | undefined;
  differences: string[] = [];
  dataQueue: string;
  nodes = 1;
  ready: AwaitReadyResult = { ready: true };
  /** Of a wait for replicas alone. */
  replicas: AwaitReadyResult = { ready: true };
  readonly moves: FakeMoves = { shards: 3, plan: {}, left: [] };
  readonly store = new FakeStore(this);

  constructor(dataQueue: string) {
    this.dataQueue = dataQueue;
  }

  fill(cluster: string, collection: string, count: number): Points {
    const points: Points = new Map();
    for (let id = 1; id <= count; id += 1) points.set(String(id), `value ${id}`);
    (this.clusters[cluster] ??= {})[collection] = points;
    this.clusters[cluster][collection] = points;
    return points;
  }

  points({ cluster, collection }: CollectionRef): Points {
    const found = this.clusters[cluster]?.[collection];
    if (!found) throw fail('CollectionNotFound', `${collection} is not on ${cluster}`);
    return found;
  }

  called(name: keyof Activities): unknown[] {
    return this.calls.filter((call) => call.name === name).map((call) => call.input);
  }

  /** What a worker of the test registers. */
  activities(): Activities {
    const all: Activities = {
      ...this.control(),
      ...this.data(),
      ...moveActivities(this, this.moves),
      ...this.store.activities(),
    };
    const watched = Object.entries(all).map(([name, run]) => [
      name,
      this.watched(name as keyof Activities, run),
    ]);
    return Object.fromEntries(watched) as Activities;
  }

  private watched(name: keyof Activities, run: (input: never) => Promise<unknown>) {
    return async (input: never) => {
      this.calls.push({ name, input });
      await this.before(name, input);
      return run(input);
    };
  }

  control(): ControlActivities {
    const pin = { version: '1.16.3', peers: [], identity: [], shape: 'shape' };
    const read = { mode: 'scroll' as const };
    return {
      resolveCollections: async ({ source, target, collections, as, after }) => {
        const all = this.cluster(source);
        this.cluster(target);
        const names = (collections ?? Object.keys(all)).filter((name) => !after || name > after).sort();
        for (const name of names) this.points({ cluster: source, collection: name });
        const page = names.slice(0, this.pageSize);
        const more = names.length > page.length ? { next: page.at(-1)! } : {};
        const rows = page.map((name) => ({ asked: name, source: name, target: as?.[name] ?? name }));
        const off = this.searchAttributes === undefined ? {} : { searchAttributes: this.searchAttributes };
        return { collections: rows, dataQueue: this.dataQueue, ...more, ...off };
      },
      planCollection: async ({ source, target, onExisting }) => {
        const there = this.cluster(target.cluster)[target.collection];
        const state = this.targetState ?? (there ? 'merge' : 'absent');
        if (state === 'merge' && onExisting !== 'merge')
          throw fail('TargetNotEmpty', 'The target has points');
        return {
          sourcePin: pin,
          targetState: state,
          ...(this.verified === undefined ? {} : { verified: this.verified }),
          sourcePoints: this.points(source).size,
          targetPoints: there?.size ?? 0,
          sourceRead: read,
          heldBack: { indexingThreshold: '20000' },
          notes: [],
        };
      },
      prepareTarget: async ({ target, targetState }) => {
        const there = this.cluster(target.cluster);
        if (targetState === 'recreate') delete there[target.collection];
        there[target.collection] ??= new Map();
        const owned = this.owned && targetState !== 'known';
        const rights = { owned, stamped: targetState !== 'merge', mayDelete: owned || this.mayDelete };
        return { targetPin: pin, targetRead: read, ...rights, targetNodes: this.nodes };
      },
      compareReplicas: async () => ({ notes: [] }),
      renewStamp: async () => undefined,
      closeStamp: async () => undefined,
      releaseTarget: async () => undefined,
      planVerification: async ({ source, target }) => ({
        sourcePin: pin,
        targetPin: pin,
        sourcePoints: this.points(source).size,
        targetPoints: this.points(target).size,
        sourceRead: read,
        targetRead: read,
        targetNodes: this.nodes,
      }),
      planSlices: async ({ collection, slices, fromKey }) => {
        const all = cut([...this.points(collection).keys()].sort(compareIds), slices);
        const start = fromKey ?? 0;
        const end = start + this.slicesPerPage;
        return { slices: all.slice(start, end), ...(end < all.length ? { next: end } : {}) };
      },
      countPoints: async ({ collection }) => ({ count: this.points(collection).size }),
      compareConfigurations: async () => ({ differences: this.differences }),
      copyAliases: async () => ({ aliases: ['current'], notes: [] }),
      awaitReady: async ({ replicasOnly }) => (replicasOnly ? this.replicas : this.ready),
      describeHolder: async () => ({ holder: this.holder.text }),
    };
  }

  private data(): DataActivities {
    return {
      copySlice: (input) =>
        this.walk(input, this.points(input.source), (id, value) => this.points(input.target).set(id, value)),
      digestSlice: (input) => this.walk(input, this.points(input.side), () => undefined),
      compareSlice: (input) => this.compare(input),
    };
  }

  /** In batches, with a heartbeat each; returns its claim when called back, or when its budget is spent. */
  private async walk(
    input: CopySliceInput | DigestSliceInput,
    points: Points,
    visit: (id: string, value: string) => unknown,
  ) {
    const context = Context.current();
    const ids = within(points, input.slice, input.cursor);
    const began = Date.now();
    let digest: RangeDigest = EMPTY_DIGEST;
    let position = 0;
    const claim = (done: boolean) => ({
      ...(done ? {} : { cursor: ids[position]! }),
      done,
      points: position,
      bytes: position * 100,
      digest,
    });
    while (position < ids.length) {
      for (const id of ids.slice(position, position + this.batchPoints)) {
        const value = points.get(id)!;
        visit(id, value);
        digest = addDigests(digest, digestOf(id, value));
        position += 1;
      }
      context.heartbeat(claim(false));
      if (this.batchMs > 0) await sleep(this.batchMs);
      const stopped = context.cancellationSignal.aborted || Date.now() - began >= input.budgetMs;
      if (stopped && position < ids.length) return claim(false);
    }
    return claim(true);
  }

  private async compare(input: CompareSliceInput) {
    const source = this.points(input.source);
    const target = this.points(input.target);
    const found = { missing: 0, changed: 0, extra: 0, renormalised: 0, upserted: 0, deleted: 0 };
    const first: Difference[] = [];
    const note = (kind: Difference['kind'], id: string) => {
      found[kind] += 1;
      if (first.length < 10) first.push({ id, kind });
    };
    let digest: RangeDigest = EMPTY_DIGEST;
    for (const id of within(source, input.slice, input.cursor)) {
      const value = source.get(id)!;
      digest = addDigests(digest, digestOf(id, value));
      const there = target.get(id);
      if (there === value) continue;
      if (there === `~${value}`) {
        found.renormalised += 1;
        continue;
      }
      note(there === undefined ? 'missing' : 'changed', id);
      if (input.mode === 'repair') {
        target.set(id, value);
        found.upserted += 1;
      }
    }
    for (const id of within(target, input.slice, input.cursor)) {
      if (source.has(id) || input.extras === 'ignore') continue;
      note('extra', id);
      if (input.mode !== 'report' && input.extras === 'delete') {
        target.delete(id);
        found.deleted += 1;
      }
    }
    return { done: true, points: digest.count, bytes: digest.count * 100, digest, first, ...found };
  }

  private cluster(alias: string): Record<string, Points> {
    const found = this.clusters[alias];
    if (!found)
      throw fail('UnknownAlias', `${alias} is no alias; there are ${Object.keys(this.clusters).join(', ')}`);
    return found;
  }
}

/** As the interceptor of the real workers maps a FerryError. */
export function fail(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: !catalogue[code].retryable });
}

function within(points: Points, slice: Slice, cursor: string | undefined): string[] {
  const from = cursor ?? slice.from;
  return [...points.keys()]
    .filter((id) => from === undefined || compareIds(id, from) >= 0)
    .filter((id) => slice.to === undefined || compareIds(id, slice.to) < 0)
    .sort(compareIds);
}

function cut(ids: string[], count: number): Slice[] {
  const borders = new Set<string>();
  for (let part = 1; part < count; part += 1) {
    const id = ids[Math.floor((part * ids.length) / count)];
    if (id !== undefined) borders.add(id);
  }
  const edges = [...borders];
  return [undefined, ...edges].map((from, position) => {
    const to = edges[position];
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  });
}

export function digestOfPoints(points: Points): RangeDigest {
  return addDigests(EMPTY_DIGEST, ...[...points].map(([id, value]) => digestOf(id, value)));
}

function digestOf(id: string, value: string): RangeDigest {
  return { count: 1, sum: createHash('md5').update(`${id}=${value}`).digest('hex') };
}
