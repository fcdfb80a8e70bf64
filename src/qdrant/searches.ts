// Searches by stored points, over REST by text. A point is searched for by its vector, read from its own shard key
// first: given an id, Qdrant takes the vector from whichever key has that id (1.16.3 and 1.17.0). Promises that
// vectors pass unparsed and that the point is not among its own neighbours; does not retry.

import type { Schemas } from '@qdrant/js-client-rest';
import { LosslessNumber } from 'lossless-json';
import { isObject, valueAt, type Json, type JsonObject } from '../model/json.js';
import { isUuid, type PointId } from '../model/point-id.js';
import type { Answers, Neighbour } from '../model/format/recall.js';
import type { SearchPlace, Searches, SearchesOf } from '../cluster/snapshots-port.js';
import type { ClusterConnection } from '../model/cluster.js';
import { onePerConnection, QdrantCluster } from './control-cluster.js';
import { inShardKey } from './control-layout.js';
import { toList, toNumber, toText, type Rest } from './openapi.js';

export class QdrantSearches extends QdrantCluster implements Searches {
  async sample(place: SearchPlace, most: number, signal: AbortSignal): Promise<PointId[]> {
    const points = await this.#query(place, signal, {
      query: { sample: 'random' },
      limit: number(most),
      filter: { must: [{ has_vector: place.vector }] },
    });
    return points.map((point) => toText(point.id) ?? '');
  }

  async nearest(
    place: SearchPlace,
    point: PointId,
    limit: number,
    signal: AbortSignal,
  ): Promise<Answers | undefined> {
    const vector = await this.#vectorOf(place, point, signal);
    if (vector === undefined) return undefined;
    const search = async (exact: boolean): Promise<Neighbour[]> => {
      const found = await this.#query(place, signal, {
        query: vector,
        ...(place.vector === '' ? {} : { using: place.vector }),
        limit: number(limit),
        params: { exact },
        filter: { must_not: [{ has_id: [idJson(point)] }] },
      });
      return found.map((one) => ({ id: toText(one.id) ?? '', score: toNumber(one.score) ?? null }));
    };
    return { exact: await search(true), approximate: await search(false) };
  }

  async #vectorOf(place: SearchPlace, point: PointId, signal: AbortSignal): Promise<Json | undefined> {
    const body = {
      ids: [idJson(point)],
      with_payload: false,
      with_vector: place.vector === '' ? true : [place.vector],
      ...inShardKey(place.shardKey),
    } satisfies { [Field in keyof Schemas['PointRequest']]: Json };
    const answer = await this.call<Rest<'Record'>[]>('POST', `${at(place)}/points`, { body, signal });
    const vector = toList(answer)[0]?.vector as Json | undefined;
    if (place.vector !== '') return valueAt(vector, place.vector);
    // Where there are sparse vectors too, the unnamed one stands among them.
    return isObject(vector) ? valueAt(vector, '') : vector;
  }

  async #query(place: SearchPlace, signal: AbortSignal, query: JsonObject) {
    const body = { ...query, with_payload: false, with_vector: false, ...inShardKey(place.shardKey) };
    const path = `${at(place)}/points/query`;
    return toList((await this.call<Rest<'QueryResponse'>>('POST', path, { body, signal })).points);
  }
}

export function qdrantSearches(clusters: Record<string, ClusterConnection>): SearchesOf {
  return onePerConnection(clusters, (connection) => new QdrantSearches(connection));
}

function at({ collection }: SearchPlace): string {
  return `/collections/${encodeURIComponent(collection)}`;
}

function idJson(id: PointId): Json {
  return isUuid(id) ? id : new LosslessNumber(id);
}

function number(value: number): LosslessNumber {
  return new LosslessNumber(String(value));
}
