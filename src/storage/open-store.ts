// From an entry of ferry.yaml to the store itself. Opening asks nothing of the network; probing does.

import { isDisk, type StoreConnection } from '../model/ferry-config.js';
import { FileObjectStore } from './file-object-store.js';
import type { ObjectStore } from './object-store.js';
import { S3ObjectStore } from './s3-object-store.js';

export function openStore(store: StoreConnection): ObjectStore {
  return isDisk(store) ? new FileObjectStore(store) : new S3ObjectStore(store);
}

/**
 * Writes and deletes something small to find out what the store can do; from then on it is used that way. The
 * sentences say what is missing and what is done instead. Throws when the store cannot be reached or written at all.
 */
export async function probeStore(store: ObjectStore): Promise<{ limitations: readonly string[] }> {
  if (store instanceof S3ObjectStore || store instanceof FileObjectStore) await store.probe();
  return { limitations: store.limitations };
}
