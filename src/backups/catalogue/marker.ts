// One small object by which workers find out whether a store is the same place for all of them. Promises that nobody
// takes another's marker for this one: it is found by a name, and believed by a content, that are new each time.

import { markerKey } from '../../model/format/backup-names.js';
import { FerryError } from '../../model/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readIfThere } from '../../shards/read-text.js';

/** A network disk may show a new name a moment later. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 700;

export async function leaveMarker(store: ObjectStore, nonce: string): Promise<void> {
  await store.put(markerKey(nonce), Buffer.from(contentOf(nonce)), { ifAbsent: true });
}

export async function seeMarker(store: ObjectStore, nonce: string, signal?: AbortSignal): Promise<boolean> {
  for (let look = 1; look <= LOOKS; look += 1) {
    const found = await readIfThere(store, markerKey(nonce), signal);
    if (found === contentOf(nonce)) return true;
    if (found !== undefined) throw another(store, nonce);
    if (look < LOOKS) await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
  }
  return false;
}

export async function removeMarker(store: ObjectStore, nonce: string): Promise<void> {
  await store.delete(markerKey(nonce));
}

function contentOf(nonce: string): string {
  return `ferry was here: ${nonce}\n`;
}

function another(store: ObjectStore, nonce: string): FerryError {
  const context = { bucket: store.alias, key: markerKey(nonce) };
  return new FerryError('ObjectDamaged', 'The marker of this check has other content', { context });
}
