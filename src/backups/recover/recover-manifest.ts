// Reads the manifest that a recovery goes by. Promises that its backup is complete, or was named although it is partial,
// and at each later step that it is still the very one that the recovery was planned by. Does not look at the objects.

import { FerryError } from '../../model/errors.js';
import type { CollectionBackupRef } from '../../model/contracts/backup-activities.js';
import type { CollectionManifest } from '../../model/format/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { requireUsable, type UsableBackup } from '../catalogue/read-state.js';
import type { FoundManifest } from '../catalogue/read-manifest.js';

export { keyText } from '../catalogue/read-manifest.js';

/** `warnings`: a sentence each, for whoever reads the result. */
export async function readManifest(
  store: ObjectStore,
  from: CollectionBackupRef,
  signal?: AbortSignal,
): Promise<FoundManifest & { warnings: string[] }> {
  const usable = await requireUsable(store, from, signal);
  return { ...usable.found, warnings: warningsOf(usable, from) };
}

function warningsOf({ state, reason }: UsableBackup, { backup, collection }: CollectionBackupRef): string[] {
  if (state !== 'partial') return [];
  return [
    `The backup ${backup} of "${collection}" is partial: ${reason ?? 'a job was filling the collection'}.`,
  ];
}

/** The same as was planned by, or `ManifestInvalid`. */
export async function readPlanned(
  store: ObjectStore,
  from: CollectionBackupRef,
  sha256: string,
  signal?: AbortSignal,
): Promise<CollectionManifest> {
  const found = await readManifest(store, from, signal);
  if (found.sha256 === sha256) return found.manifest;
  const happened = 'The manifest was changed since this recovery was planned';
  throw new FerryError('ManifestInvalid', happened, { context: { key: found.key } });
}
