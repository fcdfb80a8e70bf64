// The documents of the slices that were captured.

import { sliceKey } from '../../model/format/backup-names.js';
import { sliceDocumentSchema, type ManifestSlice } from '../../model/format/slices.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { mapInOrder } from '../../model/map-in-order.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readText } from '../../shards/read-text.js';
import type { OfCollection } from '../read-backup.js';

const DOCUMENTS_AT_ONCE = 8;

export async function readSlice(
  store: ObjectStore,
  { cluster, backup, collection }: OfCollection,
  name: string,
  signal?: AbortSignal,
): Promise<ManifestSlice> {
  const key = sliceKey(cluster, backup, collection, name, 'json');
  return parseDocument(sliceDocumentSchema, await readText(store, key, signal), key).slice;
}

export function readSlices(
  store: ObjectStore,
  of: OfCollection,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<ManifestSlice[]> {
  return mapInOrder(names, DOCUMENTS_AT_ONCE, (name) => readSlice(store, of, name, signal));
}
