// Points of one cluster over one connection: reads in pages of a wanted size in bytes, writes in batches; over gRPC, or
// over REST alone where the cluster has nothing else (slower, and the same digest).
// Promises: every point exactly once and in ascending order of id; a write returns only after `Completed`; nothing is
// dropped silently. Does not retry: each call may be repeated from the last id, and the activity above does that.

import { create } from '@bufbuild/protobuf';
import type { ClusterConnection } from '../../model/cluster.js';
import { bitsOf, settingsOf, vectorsOf } from '../../model/settings/collection-settings.js';
import { FerryError } from '../../model/errors.js';
import { objectAt, type JsonObject } from '../../model/json.js';
import { compareIds, isUuid, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { BeforeEnd, PointConnection, PointPage, ReadIds } from '../../cluster/points-port.js';
import { readPayloads } from './exact-payloads.js';
import {
  PointIdSchema,
  ShardKeySelectorSchema,
  type PointId as WireId,
  type ShardKeySelector,
  type UpdateResult,
} from './gen/points_pb.js';
import { beforeNormalising } from './before-normalising.js';
import { asFerryError, connectGrpc, isPageTooLarge, type GrpcConnection } from './grpc.js';
import { asWirePage, type WirePoint } from './point-page.js';
import { PointReads, type PointAnswer, type What } from './point-reads.js';
import { asPointStruct, pointId, withoutPayload } from '../encoding/point-wire.js';
import { restNode, type RestNode } from '../rest.js';
import { RestPoints } from './rest-points.js';
import { wireFilter } from './since-filter.js';
import { overwritePayloads, upsertTexts, type TextWrite } from './text-writes.js';

const READ_MAX_BYTES = 64 << 20;
const CALL_TIMEOUT_MS = 60_000;
const COMPLETED = 2;
const EVERYTHING = { withPayload: { enable: true }, withVectors: { enable: true } };
const NO_NAMES: ReadonlySet<string> = new Set();
const ID_ONLY = { withPayload: { enable: false }, withVectors: { enable: false } };

export function connectPoints(cluster: ClusterConnection, lane: number): PointConnection {
  const nodes = cluster.nodes.map((_, node) => restNode(cluster, node));
  if (cluster.grpc === false) return new RestPoints(nodes, lane, READ_MAX_BYTES);
  return new GrpcPoints(connectGrpc(cluster, lane, { readMaxBytes: READ_MAX_BYTES }), nodes, lane);
}

class GrpcPoints extends PointReads implements PointConnection {
  readonly #grpc: GrpcConnection;

  constructor(grpc: GrpcConnection, nodes: readonly RestNode[], lane: number) {
    super(nodes, lane);
    this.#grpc = grpc;
  }

  override close(): void {
    this.#grpc.close();
    super.close();
  }

  /**
   * A payload that gRPC does not carry goes over REST, with its point: an integer of 2^63 and more, or one nested so
   * deeply that Qdrant would refuse the whole batch. Where the point's vectors have no text (NaN), they go over gRPC and
   * the payload follows.
   */
  async upsert(
    collection: string,
    shardKey: ShardKey | undefined,
    page: PointPage,
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void> {
    const { points } = asWirePage(page);
    const write: TextWrite = { rest: this.rest, collection, shardKey, signal, beforeEnd };
    const asText = points.filter((point) => point.payloadText !== undefined);
    const inTwo = asText.filter(({ notNumbers }) => notNumbers);
    const cosine = points.some(({ notNumbers }) => notNumbers)
      ? await this.#cosineVectors(collection, signal)
      : NO_NAMES;
    const overGrpc = [
      ...points
        .filter(({ payloadText }) => payloadText === undefined)
        .map((point) => asPointStruct(beforeNormalising(point, cosine))),
      ...inTwo.map((point) => withoutPayload(beforeNormalising(point, cosine))),
    ];
    if (overGrpc.length > 0) {
      const request = { collectionName: collection, points: overGrpc, ...selector(shardKey) };
      const answer = await this.#call(signal, (options) =>
        this.#grpc.points.upsert(request, { ...options, beforeEnd }),
      );
      this.#requireCompleted(answer.result, collection);
    }
    await overwritePayloads(write, inTwo);
    const separate = new Set(inTwo);
    await upsertTexts(
      write,
      asText.filter((point) => !separate.has(point)),
    );
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

  protected override async scroll(
    range: ReadIds,
    offset: PointId | undefined,
    limit: number,
    what: What,
  ): Promise<PointAnswer> {
    const request = {
      collectionName: range.collection,
      limit,
      ...(what === 'ids' ? ID_ONLY : EVERYTHING),
      ...(offset === undefined ? {} : { offset: wireId(offset) }),
      ...wireFilter(range.since),
      ...selector(range.shardKey),
    };
    const { result, nextPageOffset } = await this.#call(range.signal, (options) =>
      this.#grpc.points.scroll(request, options),
    );
    const next = nextPageOffset?.pointIdOptions.value;
    return { ...this.#answer(result), ...(next === undefined ? {} : { next }) };
  }

  protected override async get(range: ReadIds, ids: readonly PointId[], what: What): Promise<PointAnswer> {
    const request = {
      collectionName: range.collection,
      ids: ids.map(wireId),
      ...(what === 'ids' ? ID_ONLY : EVERYTHING),
      ...selector(range.shardKey),
    };
    const { result } = await this.#call(range.signal, (options) => this.#grpc.points.get(request, options));
    const keyed = result.map((bytes) => ({ id: pointId(bytes), bytes }));
    return this.#answer(keyed.sort((a, b) => compareIds(a.id, b.id)).map(({ bytes }) => bytes));
  }

  protected override isTooLarge(error: unknown): boolean {
    return error instanceof FerryError && isPageTooLarge(error.cause);
  }

  protected override exactly(
    { collection, shardKey, signal }: ReadIds,
    ids: PointId[],
  ): Promise<Map<PointId, Buffer>> {
    return readPayloads(this.nodes, collection, shardKey, ids, signal);
  }

  /** All points of one answer: its memory is used again when the page is released. */
  #answer(result: readonly Uint8Array[]): PointAnswer {
    return {
      points: result.map((bytes): WirePoint => ({ bytes })),
      giveBack: () => this.#grpc.points.giveBack(result),
    };
  }

  /** Names of the vectors that Qdrant normalises when it writes them. */
  async #cosineVectors(collection: string, signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
    const path = `/collections/${encodeURIComponent(collection)}`;
    const info = await this.rest.json<JsonObject>('GET', path, { signal });
    const vectors = Object.entries(vectorsOf(settingsOf(objectAt(info, 'config'))));
    return new Set(vectors.filter(([, one]) => bitsOf(one, 'distance') === '"Cosine"').map(([name]) => name));
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

function wireId(id: PointId): WireId {
  return create(PointIdSchema, {
    pointIdOptions: isUuid(id) ? { case: 'uuid', value: id } : { case: 'num', value: id },
  });
}

function selector(key: ShardKey | undefined): { shardKeySelector?: ShardKeySelector } {
  if (key === undefined) return {};
  const wire =
    'keyword' in key
      ? { case: 'keyword' as const, value: key.keyword }
      : { case: 'number' as const, value: key.number };
  return { shardKeySelector: create(ShardKeySelectorSchema, { shardKeys: [{ key: wire }] }) };
}
