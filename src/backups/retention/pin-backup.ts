// A pin is an object of its own beside the manifest: while it is there, no prune removes the backup of that collection. A prune
// that goes on meanwhile sees the pin, or is seen: then pinning says that the backup is gone.

import type { CatalogueEntry, CollectionBackupRef } from '../../model/contracts/backup-catalogue.js';
import { FerryError } from '../../model/errors.js';
import { manifestKey, pinKey } from '../../model/format/backup-names.js';
import { type PinDocument } from '../../model/format/manifest.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { outlastRemoval } from './readers.js';

type OfCollection = Pick<CollectionBackupRef, 'cluster' | 'backup' | 'collection'>;

/** Pinned again, it keeps its first pin. */
export async function pinBackup(store: ObjectStore, of: OfCollection, reason?: string): Promise<void> {
  const document: PinDocument = {
    format: 'qdrant-ferry/pin',
    version: MANIFEST_VERSION,
    ...{ backup: of.backup, cluster: of.cluster, collection: of.collection },
    at: new Date().toISOString(),
    ...(reason === undefined ? {} : { reason }),
  };
  const body = Buffer.from(documentText(document));
  try {
    const key = pinKey(of.cluster, of.backup, of.collection);
    await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  } catch (error) {
    if (!(error instanceof FerryError) || error.code !== 'ObjectExists') throw error;
  }
  await outlastRemoval(store, of);
  // A prune may have been quicker: a pin on what is gone would be believed.
  if ((await store.head(manifestKey(of.cluster, of.backup, of.collection))) === undefined) {
    await unpinBackup(store, of);
    throw new FerryError('BackupNotFound', `The backup ${of.backup} of "${of.collection}" has no manifest`, {
      context: { store: store.alias, ...of },
    });
  }
}

export async function unpinBackup(store: ObjectStore, of: OfCollection): Promise<void> {
  await store.delete(pinKey(of.cluster, of.backup, of.collection));
}

/** Those that are named, or all that have a manifest. Throws `BackupNotFound` for a name that the run does not hold. */
export function collectionsOf(
  { collections, store, cluster, backup }: CatalogueEntry,
  wanted?: string,
): string[] {
  const there = collections.filter(({ state }) => state !== 'incomplete').map(({ collection }) => collection);
  if (wanted === undefined && there.length > 0) return there;
  if (wanted !== undefined && there.includes(wanted)) return [wanted];
  const what = wanted === undefined ? 'any collection' : `"${wanted}"`;
  throw new FerryError('BackupNotFound', `The backup ${backup} has no manifest of ${what}`, {
    context: { store, cluster, backup },
  });
}
