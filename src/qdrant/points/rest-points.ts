// Points of a cluster that has REST only, as text whose numbers nobody parses on the way. The same promises and the same
// digests as over gRPC, at several times the cost. What it cannot do: NaN and infinity in a vector, for which JSON has
// no number; such a point is refused by its id and the vector's name.

import { compareIds, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { BeforeEnd, PointConnection, PointPage, ReadIds } from '../../cluster/points-port.js';
import { readPayloads } from './exact-payloads.js';
import { asWirePage, type WirePoint } from './point-page.js';
import { PointReads, type PointAnswer, type What } from './point-reads.js';
import { idText, pointsPath, requireNumbers, shardKeyField } from './point-text.js';
import { pointId } from '../encoding/point-wire.js';
import { isAnswerTooLarge, type RestNode } from '../rest.js';
import { textFilter } from './since-filter.js';
import { readTextAnswer } from './text-points.js';
import { deleteIds, upsertTexts, type TextWrite } from './text-writes.js';

export class RestPoints extends PointReads implements PointConnection {
  readonly #maxBytes: number;

  constructor(nodes: readonly RestNode[], lane: number, maxBytes: number) {
    super(nodes, lane);
    this.#maxBytes = maxBytes;
  }

  async upsert(
    collection: string,
    shardKey: ShardKey | undefined,
    page: PointPage,
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void> {
    const { points } = asWirePage(page);
    points.forEach(requireNumbers);
    await upsertTexts(this.#write(collection, shardKey, signal, beforeEnd), points);
  }

  async delete(
    collection: string,
    shardKey: ShardKey | undefined,
    ids: readonly PointId[],
    signal?: AbortSignal,
    beforeEnd?: BeforeEnd,
  ): Promise<void> {
    await deleteIds(this.#write(collection, shardKey, signal, beforeEnd), ids);
  }

  protected override async scroll(
    range: ReadIds,
    offset: PointId | undefined,
    limit: number,
    what: What,
  ): Promise<PointAnswer> {
    const from = offset === undefined ? '' : `,"offset":${idText(offset)}`;
    return this.#read(range, '/scroll', `"limit":${limit}${from}${textFilter(range.since)}`, what);
  }

  protected override async get(range: ReadIds, ids: readonly PointId[], what: What): Promise<PointAnswer> {
    const { points } = await this.#read(range, '', `"ids":[${ids.map(idText).join()}]`, what);
    return { points: points.sort((a, b) => compareIds(idOf(a), idOf(b))) };
  }

  protected override isTooLarge(error: unknown): boolean {
    return isAnswerTooLarge(error);
  }

  /** A single node shows its own points exactly; one of several may have fields another one over gRPC. */
  protected override async exactly(
    { collection, shardKey, signal }: ReadIds,
    ids: PointId[],
  ): Promise<Map<PointId, Buffer>> {
    if (this.nodes.length === 1) return new Map();
    return readPayloads(this.nodes, collection, shardKey, ids, signal);
  }

  async #read(range: ReadIds, path: string, fields: string, what: What): Promise<PointAnswer> {
    const all = what === 'everything';
    const body = `{${fields},"with_payload":${all},"with_vector":${all}${shardKeyField(range.shardKey)}}`;
    const options = { body, signal: range.signal, maxBytes: this.#maxBytes };
    return readTextAnswer(await this.rest.bytes('POST', `${pointsPath(range.collection)}${path}`, options));
  }

  #write(
    collection: string,
    shardKey: ShardKey | undefined,
    signal: AbortSignal | undefined,
    beforeEnd: BeforeEnd | undefined,
  ): TextWrite {
    return { rest: this.rest, collection, shardKey, signal, beforeEnd };
  }
}

function idOf({ bytes }: WirePoint): PointId {
  return pointId(bytes);
}
