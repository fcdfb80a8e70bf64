// Points of one cluster over one connection: reads in pages of a wanted size in bytes, writes in batches.
// Promises: every point exactly once and in ascending order of id; a write returns only after `Completed`; nothing is
// dropped silently. Does not retry: each call may be repeated from the last id, and the activity above does that.
//
// Two ways to read (figures in docs/decisions/0002-relay.md):
//   scroll    one request a page; right where one shard answers
//   idsFirst  a scroll of ids alone, then the points by id: a scroll over N shards makes each read the whole limit

import { create } from '@bufbuild/protobuf';
import type { ClusterConnection } from '../model/cluster.js';
import { FerryError } from '../model/errors.js';
import { compareIds, isUuid, type PointId } from '../model/point-id.js';
import type { ShardKey } from '../model/slice.js';
import type { BeforeEnd, PointConnection, PointPage, ReadIds, ReadRange } from '../transfer/ports.js';
import { overwritePayloads, readPayloads } from './exact-payloads.js';
import {
  PointIdSchema,
  ShardKeySelectorSchema,
  type PointId as WireId,
  type ShardKeySelector,
  type UpdateResult,
} from './gen/points_pb.js';
import { asFerryError, connectGrpc, isPageTooLarge, type GrpcConnection } from './grpc.js';
import { PageSize } from './page-size.js';
import { asWirePage, hashedPage, type WirePage, type WirePoint } from './point-page.js';
import { asPointStruct, pointId, withoutPayload } from './point-wire.js';
import { restNode, type RestNode } from './rest.js';

const READ_MAX_BYTES = 64 << 20;
const CALL_TIMEOUT_MS = 60_000;
const IDS_PER_SCROLL = 4_096;
const IDS_PER_PAGE = 10_000;
const COMPLETED = 2;
const EVERYTHING = { withPayload: { enable: true }, withVectors: { enable: true } };
const ID_ONLY = { withPayload: { enable: false }, withVectors: { enable: false } };

export function connectPoints(cluster: ClusterConnection, lane: number): PointConnection {
  return new GrpcPoints(
    connectGrpc(cluster, lane, { readMaxBytes: READ_MAX_BYTES }),
    cluster.nodes.map((_, node) => restNode(cluster, node)),
    lane,
  );
}

class GrpcPoints implements PointConnection {
  readonly #grpc: GrpcConnection;
  readonly #nodes: readonly RestNode[];
  /** The one that is written through. */
  readonly #rest: RestNode;

  constructor(grpc: GrpcConnection, nodes: readonly RestNode[], lane: number) {
    this.#grpc = grpc;
    this.#nodes = nodes;
    this.#rest = nodes[lane % nodes.length] as RestNode;
  }

  close(): void {
    this.#grpc.close();
    for (const node of this.#nodes) void node.close();
  }

  pages(range: ReadRange): AsyncIterable<PointPage> {
    return range.mode === 'scroll' ? this.#scrolled(range) : this.#idsFirst(range);
  }

  async byId(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
  ): Promise<PointPage> {
    return this.#page(await this.#getAll(collection, shardKey, ids, signal), collection, shardKey, signal);
  }

  async *ids(range: ReadIds): AsyncGenerator<PointId[]> {
    const limit = Math.min(IDS_PER_PAGE, range.maxPoints ?? IDS_PER_PAGE);
    let offset: PointId | undefined;
    do {
      const answer = await this.#scroll(range, offset, limit, ID_ONLY);
      const ids = answer.result.map(pointId);
      this.#grpc.points.giveBack(answer.result);
      if (ids.length > 0) yield ids;
      offset = answer.next;
    } while (offset !== undefined);
  }

  async existing(range: ReadIds, ids: readonly PointId[]): Promise<PointId[]> {
    const found: PointId[] = [];
    const limit = Math.min(IDS_PER_PAGE, range.maxPoints ?? IDS_PER_PAGE);
    for (let at = 0; at < ids.length; at += limit) {
      const { collection, shardKey, signal } = range;
      const chunk = ids.slice(at, at + limit);
      for (const bytes of await this.#get(collection, shardKey, chunk, signal, ID_ONLY))
        found.push(pointId(bytes));
    }
    return found;
  }

  async upsert(
    collection: string,
    shardKey: ShardKey | undefined,
    page: PointPage,
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void> {
    const { points } = asWirePage(page);
    const request = {
      collectionName: collection,
      points: points.map(asWritten),
      ...selector(shardKey),
    };
    const answer = await this.#call(signal, (options) =>
      this.#grpc.points.upsert(request, { ...options, beforeEnd }),
    );
    this.#requireCompleted(answer.result, collection);
    const exact = points.filter((point) => point.exactPayload !== undefined);
    const writes = exact.map((point) => ({ id: pointId(point.bytes), payload: point.exactPayload }));
    await overwritePayloads(this.#rest, collection, shardKey, writes, signal, beforeEnd);
  }

  async delete(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void> {
    const points = { points: { ids: ids.map(wireId) } };
    const request = { collectionName: collection, wait: true, points, ...selector(shardKey) };
    const answer = await this.#call(signal, (options) =>
      this.#grpc.points.delete(request, { ...options, beforeEnd }),
    );
    this.#requireCompleted(answer.result, collection);
  }

  async *#scrolled(range: ReadRange): AsyncGenerator<PointPage> {
    const size = new PageSize(range);
    let offset = range.from;
    do {
      const answer = await this.#smaller(size, (limit) => this.#scroll(range, offset, limit, EVERYTHING));
      const points = before(range.to, answer.result);
      if (points.length > 0) {
        const page = await this.#pageOfAnswer(points, range);
        size.learn(page);
        yield page;
      }
      if (points.length < answer.result.length) return;
      offset = answer.next;
    } while (offset !== undefined && isBefore(offset, range.to));
  }

  async *#idsFirst(range: ReadRange): AsyncGenerator<PointPage> {
    const size = new PageSize(range);
    const idLimit = Math.min(IDS_PER_SCROLL, range.maxPoints ?? IDS_PER_SCROLL);
    let offset = range.from;
    do {
      const answer = await this.#scroll(range, offset, idLimit, ID_ONLY);
      const found = before(range.to, answer.result);
      const ids = found.map(pointId);
      for (let at = 0; at < ids.length;) {
        const { chunk, points } = await this.#smaller(size, async (limit) => {
          const chunk = ids.slice(at, at + limit);
          return { chunk, points: await this.#get(range.collection, range.shardKey, chunk, range.signal) };
        });
        at += chunk.length;
        if (points.length === 0) continue; // all deleted since their ids were read
        const page = await this.#pageOfAnswer(points, range);
        size.learn(page);
        yield page;
      }
      if (found.length < answer.result.length) return;
      offset = answer.next;
    } while (offset !== undefined && isBefore(offset, range.to));
  }

  async #scroll(range: ReadIds, offset: PointId | undefined, limit: number, what: typeof EVERYTHING) {
    const request = {
      collectionName: range.collection,
      limit,
      ...what,
      ...(offset === undefined ? {} : { offset: wireId(offset) }),
      ...selector(range.shardKey),
    };
    const answer = await this.#call(range.signal, (options) => this.#grpc.points.scroll(request, options));
    return { result: answer.result, next: idText(answer.nextPageOffset) };
  }

  /** Ascending; an id that does not exist is absent. */
  async #get(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal: AbortSignal | undefined,
    what = EVERYTHING,
  ): Promise<Uint8Array[]> {
    if (ids.length === 0) return [];
    const request = {
      collectionName: collection,
      ids: ids.map(wireId),
      ...what,
      ...selector(shardKey),
    };
    const answer = await this.#call(signal, (options) => this.#grpc.points.get(request, options));
    const keyed = answer.result.map((bytes) => ({ id: pointId(bytes), bytes }));
    return keyed.sort((a, b) => compareIds(a.id, b.id)).map(({ bytes }) => bytes);
  }

  /** In halves where the answer would be larger than we let into memory at once. */
  async #getAll(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array[]> {
    try {
      return await this.#get(collection, shardKey, ids, signal);
    } catch (error) {
      if (!isTooLarge(error) || ids.length < 2) throw error;
    }
    const half = ids.length >> 1;
    const first = await this.#getAll(collection, shardKey, ids.slice(0, half), signal);
    return [...first, ...(await this.#getAll(collection, shardKey, ids.slice(half), signal))];
  }

  /** All points of one answer: its memory is used again when the page is released. */
  #pageOfAnswer(points: readonly Uint8Array[], range: ReadRange): Promise<WirePage> {
    const giveBack = () => this.#grpc.points.giveBack(points);
    return this.#page(points, range.collection, range.shardKey, range.signal, giveBack);
  }

  #page(
    points: readonly Uint8Array[],
    collection: string,
    shardKey: ShardKey | undefined,
    signal: AbortSignal | undefined,
    giveBack?: () => void,
  ): Promise<WirePage> {
    const exactly = (ids: PointId[]) => readPayloads(this.#nodes, collection, shardKey, ids, signal);
    return hashedPage(points, shardKey, exactly, giveBack);
  }

  /** Asks again for fewer points while the answer is larger than we let into memory. */
  async #smaller<T>(size: PageSize, ask: (limit: number) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask(size.limit);
      } catch (error) {
        if (!isTooLarge(error) || !size.shrink()) throw error;
      }
    }
  }

  async #call<T>(
    signal: AbortSignal | undefined,
    call: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted();
    // A signal of its own for each call: connect leaves a listener behind on the one it is given.
    const own = new AbortController();
    const abort = (): void => own.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await call({ timeoutMs: CALL_TIMEOUT_MS, signal: own.signal });
    } catch (error) {
      throw asFerryError(error, this.#grpc.where, signal);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #requireCompleted(result: UpdateResult | undefined, collection: string): void {
    if (result?.status === COMPLETED) return;
    throw new FerryError(
      'WriteNotCompleted',
      `Qdrant answered a write with status ${result?.status ?? 'none'}, not Completed`,
      {
        context: { ...this.#grpc.where, collection },
      },
    );
  }
}

/** A payload that gRPC does not carry goes over REST: nested too deeply, Qdrant would refuse the whole batch. */
function asWritten({ bytes, exactPayload }: WirePoint): Uint8Array {
  return exactPayload === undefined ? asPointStruct(bytes) : withoutPayload(bytes);
}

function isTooLarge(error: unknown): boolean {
  return error instanceof FerryError && isPageTooLarge(error.cause);
}

function isBefore(id: PointId, end: PointId | undefined): boolean {
  return end === undefined || compareIds(id, end) < 0;
}

/** The points whose id is below `end`; they come in ascending order, so usually all or a prefix. */
function before(end: PointId | undefined, points: readonly Uint8Array[]): readonly Uint8Array[] {
  let kept = points.length;
  while (kept > 0 && !isBefore(pointId(points[kept - 1] as Uint8Array), end)) kept--;
  return kept === points.length ? points : points.slice(0, kept);
}

function wireId(id: PointId): WireId {
  return create(PointIdSchema, {
    pointIdOptions: isUuid(id) ? { case: 'uuid', value: id } : { case: 'num', value: id },
  });
}

function idText(id: WireId | undefined): PointId | undefined {
  return id?.pointIdOptions.value;
}

function selector(key: ShardKey | undefined): { shardKeySelector?: ShardKeySelector } {
  if (key === undefined) return {};
  const wire =
    'keyword' in key
      ? { case: 'keyword' as const, value: key.keyword }
      : { case: 'number' as const, value: key.number };
  return { shardKeySelector: create(ShardKeySelectorSchema, { shardKeys: [{ key: wire }] }) };
}
