// When a collection has arrived for those who search it: every point there, every payload index full, as many vectors in
// graphs as on the source, and nothing left to optimize.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from '../collections.js';
import { lookAt, type Sight } from './indexed-collection.js';

const LOOK_EVERY_MS = 200;

/** Milliseconds since 1970 at which it was first seen so. `signal` ends the waiting. */
export async function whenSearchable(
  server: Pick<Server, 'url'>,
  name: string,
  wanted: Sight,
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    const sight = await lookAt(server, name);
    if (sight !== undefined && isAsGood(sight, wanted)) return Date.now();
    await sleep(LOOK_EVERY_MS);
    signal.throwIfAborted();
  }
}

function isAsGood(sight: Sight, wanted: Sight): boolean {
  const fields = Object.entries(wanted.fields);
  return (
    sight.isGreen &&
    sight.points >= wanted.points &&
    sight.indexedVectors >= wanted.indexedVectors &&
    fields.every(([field, points]) => (sight.fields[field] ?? 0) >= points)
  );
}
