// Writing points over REST, as text that Qdrant reads to the very bits. Promises: a write returns only after
// `completed`; a request's last byte is held back until `beforeEnd` has agreed; bodies stay far below the 32 MB that
// Qdrant takes by default. Each write may be repeated.

import { FerryError } from '../../model/errors.js';
import type { PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { BeforeEnd } from '../../cluster/points-port.js';
import { exactlyReadable } from '../encoding/number-text.js';
import type { WirePoint } from './point-page.js';
import { idText, pointsPath, shardKeyField, writePointText } from './point-text.js';
import { pointId } from '../encoding/point-wire.js';
import type { RestNode } from '../rest.js';
import { TextBytes } from '../encoding/text-bytes.js';

const BODY_BYTES = 4 << 20;

export interface TextWrite {
  rest: RestNode;
  collection: string;
  shardKey: ShardKey | undefined;
  signal?: AbortSignal | undefined;
  beforeEnd?: BeforeEnd | undefined;
}

/** Their vectors hold numbers only. */
export async function upsertTexts(write: TextWrite, points: readonly WirePoint[]): Promise<void> {
  if (points.length === 0) return;
  const body = new TextBytes(expectedBytes(points));
  for (let at = 0; at < points.length;) {
    body.reset();
    body.text('{"points":[');
    for (let first = at; at < points.length && body.length < BODY_BYTES; at++) {
      if (at > first) body.text(',');
      writePointText(body, points[at] as WirePoint);
    }
    body.text(`]${closing(write)}`);
    await send(write, 'PUT', '', body.bytes());
  }
}

/** A float takes up to four times its bytes; what is more makes the buffer grow. */
function expectedBytes(points: readonly WirePoint[]): number {
  const sum = points.reduce((bytes, point) => bytes + point.bytes.length, 0);
  return Math.min(sum * 4, BODY_BYTES + (BODY_BYTES >> 2)) + 1_024;
}

/** Replaces whole payloads of points that exist, one by one: for points whose vectors have no text. */
export async function overwritePayloads(write: TextWrite, points: readonly WirePoint[]): Promise<void> {
  for (const { bytes, payloadText } of points) {
    const payload = exactlyReadable(payloadText as Buffer);
    const head = Buffer.from(`{"points":[${idText(pointId(bytes))}],"payload":`);
    await send(write, 'PUT', '/payload', Buffer.concat([head, payload, Buffer.from(closing(write))]));
  }
}

export async function deleteIds(write: TextWrite, ids: readonly PointId[]): Promise<void> {
  await send(write, 'POST', '/delete', Buffer.from(`{"points":[${ids.map(idText).join()}]${closing(write)}`));
}

function closing({ shardKey }: TextWrite): string {
  return `${shardKeyField(shardKey)}}`;
}

async function send(
  { rest, collection, signal, beforeEnd }: TextWrite,
  method: 'PUT' | 'POST',
  path: string,
  body: Buffer,
): Promise<void> {
  const url = `${pointsPath(collection)}${path}?wait=true`;
  const answer = await rest.request(method, url, { body, signal, beforeEnd });
  const status = (JSON.parse(answer) as { result?: { status?: unknown } }).result?.status;
  if (status === 'completed') return;
  throw new FerryError(
    'WriteNotCompleted',
    `Qdrant answered a write with status ${String(status ?? 'none')}, not completed`,
    { context: { cluster: rest.connection.alias, node: rest.url, collection } },
  );
}
