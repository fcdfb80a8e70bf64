// Qdrant over REST, bodies and answers as text. Uses nothing of the product, so that it may judge it.

import { Agent, fetch } from 'undici';

/** No connection is kept: a busy Qdrant closes an idle one just when the next request is sent. */
const UNSHARED = new Agent({ pipelining: 0 });

export interface RestSide {
  url: string;
  apiKey?: string;
  /** PEM text of the authority behind an https url. */
  ca?: string;
  /** Points a page when everything is read; 500 when absent. */
  pageSize?: number;
}

export class RestRefusal extends Error {
  readonly status: number;
  constructor(status: number, what: string) {
    super(what);
    this.status = status;
  }
}

export async function rest(side: RestSide, method: string, path: string, body?: string): Promise<string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (side.apiKey !== undefined) headers['api-key'] = side.apiKey;
  const response = await fetch(new URL(path, side.url), {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
    dispatcher: side.ca === undefined ? UNSHARED : new Agent({ connect: { ca: side.ca }, pipelining: 0 }),
  });
  const text = await response.text();
  if (!response.ok)
    throw new RestRefusal(response.status, `${method} ${path}: ${response.status} ${text.slice(0, 400)}`);
  return text;
}

export const collectionPath = (name: string) => `/collections/${encodeURIComponent(name)}`;

/** Deletes whatever has this name and creates it from a body of JSON text. */
export async function recreateCollection(side: RestSide, name: string, body: string): Promise<void> {
  await rest(side, 'DELETE', collectionPath(name));
  await rest(side, 'PUT', collectionPath(name), body);
}

export async function createIndex(
  side: RestSide,
  name: string,
  field: string,
  schema: string,
): Promise<void> {
  const body = `{"field_name":${JSON.stringify(field)},"field_schema":${schema}}`;
  await rest(side, 'PUT', `${collectionPath(name)}/index?wait=true`, body);
}

/** Upserts points given as JSON text; `shardKey` is JSON text too (`"a"` or `7`). */
export async function upsertTexts(
  side: RestSide,
  name: string,
  points: readonly string[],
  shardKey?: string,
): Promise<void> {
  const key = shardKey === undefined ? '' : `,"shard_key":${shardKey}`;
  const body = `{"points":[${points.join(',')}]${key}}`;
  await rest(side, 'PUT', `${collectionPath(name)}/points?wait=true`, body);
}
