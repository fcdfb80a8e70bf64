// The backups of a store, read from here: after a disaster there may be no Temporal to ask.

import { existsSync } from 'node:fs';
import { showBackup } from '../../backups/catalogue/catalogue.js';
import type {
  CatalogueEntry,
  CollectionBackup,
  ListedBackup,
} from '../../model/contracts/backup-catalogue.js';
import { FerryError } from '../../model/errors.js';
import type { StoreConnection } from '../../model/ferry-config.js';
import type { ObjectStore } from '../../storage/object-store.js';

export function stateText(state: CollectionBackup['state']): string {
  if (state === 'tooNew') return 'too new';
  return state === 'otherCluster' ? 'of another cluster' : state;
}

export interface CatalogueOptions {
  store?: string;
  cluster?: string;
}

export async function openCatalogue(
  configPath: string | undefined,
  { store }: CatalogueOptions,
): Promise<ObjectStore> {
  // The SDK of S3 is heavy: other commands do without it.
  const { openStore } = await import('../../storage/open-store.js');
  const { loadConfig } = await import('../../config.js');
  const { isDisk, requireStore } = await import('../../model/ferry-config.js');
  const place = requireStore(loadConfig(configPath), store);
  if (isDisk(place) && !existsSync(new URL(place.url))) throw notHere(place);
  return openStore(place);
}

/** Not the same as "no backups": perhaps only its workers have this disk. */
function notHere({ alias, url }: StoreConnection): FerryError {
  const happened = `This machine has no folder ${url}, which is the store "${alias}"`;
  const remedy =
    'If backups were made, run this command on the machine whose workers have that disk, or mount the disk here. If none was made yet, `ferry backup` makes the first. Otherwise correct `url` in ferry.yaml.';
  return new FerryError('StoreUnreachable', happened, { context: { store: alias }, remedy });
}

/** `limit` of them, and how many there are. */
export async function newestBackups(
  store: ObjectStore,
  { cluster, limit }: CatalogueOptions & { limit?: string },
): Promise<{ listed: ListedBackup[]; total: number }> {
  const most = Number(limit ?? 0);
  if (!Number.isInteger(most) || most < 0)
    throw new FerryError('InvalidInput', `\`--limit\` must be a whole number, not "${limit}"`);
  const { listBackups } = await import('../../backups/catalogue/catalogue.js');
  const asked = { ...(cluster === undefined ? {} : { cluster }), most: most === 0 ? Infinity : most };
  const { backups, total } = await listBackups(store, asked);
  return { listed: backups, total };
}

/** The backup of that id, of whichever cluster. */
export async function backupNamed(
  store: ObjectStore,
  id: string,
  options: CatalogueOptions,
): Promise<CatalogueEntry> {
  if (options.cluster !== undefined) return showBackup(store, { cluster: options.cluster, backup: id });
  for await (const cluster of store.folders('')) {
    if (cluster.startsWith('.')) continue;
    const found = await showBackup(store, { cluster, backup: id }).catch(unlessNotFound);
    if (found) return found;
  }
  throw new FerryError('BackupNotFound', `The store "${store.alias}" has no backup ${id}`, {
    context: { store: store.alias, backup: id },
  });
}

function unlessNotFound(error: unknown): undefined {
  if (error instanceof FerryError && error.code === 'BackupNotFound') return undefined;
  throw error;
}
