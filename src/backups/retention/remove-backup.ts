// Removes the backup of one collection, and a run of which nothing is left. The order is a promise: wherever it is cut
// off, nothing lists as complete that is not, and the next prune finishes it.
//
//   1. pruned.json, beside the manifest: why it is removed. As long as the manifest is there it means nothing.
//      Then a last look for a pin, and for whoever reads the backup (readers.ts): with one, it stays.
//   2. The manifest is deleted: from here on the backup is not complete, and pruned.json says that this was meant.
//   3. complete.json, then everything else in the folder. pruned.json stays, for backup.json still names the collection.
//   4. Of a run without collections: backup.json, the rest, the markers, and started.json last.
//
// What is gone already counts as removed. What the store refuses to delete is named, and tried again by the next prune.

import { FerryError } from '../../model/errors.js';
import {
  backupKey,
  completeKey,
  manifestKey,
  pinKey,
  prunedKey,
  startedKey,
} from '../../model/format/backup-names.js';
import { type PrunedDocument } from '../../model/format/manifest.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { documentText } from '../../model/format/document-text.js';
import { mapInOrder } from '../../model/map-in-order.js';
import type { ObjectStore, StoredObject } from '../../storage/object-store.js';
import { readersOf } from './readers.js';
import type { StoredBackup, StoredRun } from './stored-backups.js';

const DELETIONS_AT_ONCE = 8;

/** Keys that the store did not delete, and why. */
export type Left = { key: string; why: string }[];

/** `onGone` is called when it is no longer a backup, before its objects are deleted. */
export async function removeBackup(
  store: ObjectStore,
  { run, collection, objects }: StoredBackup,
  reasons: readonly string[],
  now: Date,
  onGone: () => Promise<void> = async () => undefined,
): Promise<Left> {
  const of = [run.cluster, run.backup, collection] as const;
  const [manifest, marker, pin] = [manifestKey(...of), prunedKey(...of), pinKey(...of)];
  const isPinned = async () => (await store.head(pin)) !== undefined;
  const pinned = { key: pin, why: 'It was pinned meanwhile' };
  if (await isPinned()) return [pinned];
  if (objects.some(({ key }) => key === manifest)) {
    await writeMarker(store, { cluster: run.cluster, backup: run.backup, collection }, reasons);
    const { readers } = await readersOf(store, now, run.cluster, { backup: run.backup, collection });
    const kept = readers[0] && { key: manifest, why: `It is being read by ${readers[0].reader}` };
    // Whoever pins writes the pin first, and looks for the marker after it: so one of them sees the other.
    const left = (await isPinned()) ? pinned : kept;
    if (left) {
      await deleteOne(store, marker);
      return [left];
    }
    const refused = await deleteOne(store, manifest);
    if (refused.length > 0) return refused;
    await onGone();
  }
  await deleteOne(store, completeKey(...of));
  const others = objects.filter(({ key }) => key !== manifest && key !== marker);
  return removeObjects(store, others);
}

export async function removeObjects(store: ObjectStore, objects: readonly StoredObject[]): Promise<Left> {
  return (await mapInOrder(objects, DELETIONS_AT_ONCE, ({ key }) => deleteOne(store, key))).flat();
}

/** Of a run whose collections are gone. */
export async function removeRun(store: ObjectStore, { cluster, backup, ...run }: StoredRun): Promise<Left> {
  const started = startedKey(cluster, backup);
  const left = await deleteOne(store, backupKey(cluster, backup));
  left.push(
    ...(await removeObjects(
      store,
      run.objects.filter(({ key }) => key !== started),
    )),
  );
  const markers = [...run.collections.keys()].map((collection) => prunedKey(cluster, backup, collection));
  for (const key of markers) left.push(...(await deleteOne(store, key)));
  return left.length > 0 ? left : deleteOne(store, started);
}

async function deleteOne(store: ObjectStore, key: string): Promise<Left> {
  try {
    await store.delete(key);
    return [];
  } catch (error) {
    // Object Lock. Missing permission, for instance to delete versions, ends the prune: no object would go.
    if (error instanceof FerryError && error.code === 'StoreRejected') return [{ key, why: error.happened }];
    throw error;
  }
}

async function writeMarker(
  store: ObjectStore,
  of: { cluster: string; backup: string; collection: string },
  reasons: readonly string[],
): Promise<void> {
  const document: PrunedDocument = {
    format: 'qdrant-ferry/pruned',
    version: MANIFEST_VERSION,
    ...of,
    at: new Date().toISOString(),
    reasons: [...reasons],
  };
  const body = Buffer.from(documentText(document));
  try {
    const key = prunedKey(of.cluster, of.backup, of.collection);
    await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  } catch (error) {
    // Of a prune that was cut off here.
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
  }
}
