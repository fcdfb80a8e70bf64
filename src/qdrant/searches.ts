// Searches by stored points, over REST by text. A point is searched for by its vector, read from its own shard key
// first: asked by its id, Qdrant takes the vector from whichever key has that id (1.16.3 and 1.17.0). Promises that
// vectors pass unparsed and that the point is not among its own neighbours; does not retry.

import { LosslessNumber } from 'lossless-json';
import { isObject, numberAt, objectAt, textAt, valueAt, type Json, type JsonObject } from '../model/json.js';
import { isUuid, type PointId } from '../model/point-id.js';
import type { Answers, Neighbour } from '../model/format/recall.js';
import type { SearchPlace, Searches, SearchesOf } from '../cluster/snapshots-port.js';
import type { ClusterConnection } from '../model/cluster.js';
import { QdrantCluster } from './control-cluster.js';
import { list, shardKeyJson } from './control-layout.js';
import { onePerConnection } from './per-connection.js';

export class QdrantSearches extends QdrantCluster implements Searches {
  async sample(place: SearchPlace, most: number, signal: AbortSignal): Promise<PointId[]> {
    const points = await this.#query(place, signal, {
      query: { sample: 'random' },
      limit: number(most),
      filter: { must: [{ has_vector: place.vector }] },
    });
    return points.map((point) => textAt(point, 'id') ?? '');
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
      return found.map((one) => ({ id: textAt(one, 'id') ?? '', score: numberAt(one, 'score') ?? null }));
    };
    return { exact: await search(true), approximate: await search(false) };
  }

  async #vectorOf(place: SearchPlace, point: PointId, signal: AbortSignal): Promise<Json | undefined> {
    const body: JsonObject = {
      ids: [idJson(point)],
      with_payload: false,
      with_vector: place.vector === '' ? true : [place.vector],
      ...inKey(place),
    };
    const answer = await this.call('POST', `${at(place)}/points`, { body, signal });
    const vector = valueAt(list(answer)[0], 'vector');
    if (place.vector !== '') return valueAt(vector, place.vector);
    // Where there are sparse vectors too, the unnamed one stands among them.
    return isObject(vector) ? valueAt(vector, '') : vector;
  }

  async #query(place: SearchPlace, signal: AbortSignal, query: JsonObject): Promise<Json[]> {
    const body = { ...query, with_payload: false, with_vector: false, ...inKey(place) };
    const answer = await this.call('POST', `${at(place)}/points/query`, { body, signal });
    return list(objectAt(answer).points);
  }
}

export function qdrantSearches(clusters: Record<string, ClusterConnection>): SearchesOf {
  return onePerConnection(clusters, (connection) => new QdrantSearches(connection));
}

function at({ collection }: SearchPlace): string {
  return `/collections/${encodeURIComponent(collection)}`;
}

function inKey({ shardKey }: SearchPlace): JsonObject {
  return shardKey === undefined ? {} : { shard_key: shardKeyJson(shardKey) };
}

function idJson(id: PointId): Json {
  return isUuid(id) ? id : new LosslessNumber(id);
}

function number(value: number): LosslessNumber {
  return new LosslessNumber(String(value));
}
