// Fills a collection from hand-made JSON text over REST. Text, because numbers must arrive as they are written:
// JSON.stringify turns 1.0 into 1 and knows no integers over 2^53.

import { FerryError } from '../src/model/errors.js';

/** Several upserts are under way at once: the server parses one while it applies another. */
const IN_FLIGHT = 4;
const BATCH_CHARS = 2_000_000;
const ATTEMPTS = 5;

export type OnFilled = (done: number, total: number) => void;

export async function qdrantRequest(
  url: string,
  method: string,
  path: string,
  body?: string,
): Promise<string> {
  const response = await send(new URL(path, url), {
    method,
    ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (response.ok) return text;
  throw new FerryError(
    'QdrantRejected',
    `${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`,
  );
}

/** On a busy machine Qdrant closes connections that we were slow on; all that is asked here may be asked again. */
async function send(url: URL, request: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fetch(url, request);
    } catch (cause) {
      if (attempt === ATTEMPTS) {
        throw new FerryError('ClusterUnreachable', `${url.origin} failed ${ATTEMPTS} requests`, { cause });
      }
    }
  }
}

/** Writes the points, given as JSON objects in text; returns when Qdrant has applied all of them. */
export async function fillCollection(
  url: string,
  collection: string,
  points: Iterable<string>,
  total: number,
  onFilled: OnFilled = () => undefined,
): Promise<void> {
  const batches = inBatches(points);
  let done = 0;
  const lane = async () => {
    for (let batch = batches.next(); !batch.done; batch = batches.next()) {
      const body = `{"points":[${batch.value.join(',')}]}`;
      await qdrantRequest(url, 'PUT', `/collections/${collection}/points?wait=true`, body);
      done += batch.value.length;
      onFilled(done, total);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

function* inBatches(points: Iterable<string>): Generator<string[], void> {
  let batch: string[] = [];
  let chars = 0;
  for (const point of points) {
    batch.push(point);
    chars += point.length;
    if (chars < BATCH_CHARS) continue;
    yield batch;
    [batch, chars] = [[], 0];
  }
  if (batch.length > 0) yield batch;
}
