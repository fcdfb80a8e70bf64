// Few points that fill many megabytes and do not compress: for tests in which something must happen in the middle of a
// snapshot.

import { createHash } from 'node:crypto';
import { recreateCollection, type RestSide, upsertTexts } from './rest-text.js';

const BATCH = 1_000;
const PAYLOAD_BYTES = 3_072;

export interface BulkyCollection {
  name: string;
  points: number;
  shards?: number;
}

export async function fillBulky(
  side: RestSide,
  { name, points, shards = 1 }: BulkyCollection,
): Promise<void> {
  const configuration = { vectors: { size: 4, distance: 'Dot' }, shard_number: shards };
  await recreateCollection(side, name, JSON.stringify(configuration));
  for (let at = 0; at < points; at += BATCH) {
    const ids = Array.from({ length: Math.min(BATCH, points - at) }, (_, i) => at + i);
    await upsertTexts(side, name, ids.map(pointText));
  }
}

/** The same for the same id. */
export function pointText(id: number): string {
  const text = createHash('shake256', { outputLength: PAYLOAD_BYTES }).update(`${id}`).digest('base64');
  return `{"id":${id},"vector":[${id}.5,-0.25,1.0,0.5],"payload":{"n":${id},"text":"${text}"}}`;
}
