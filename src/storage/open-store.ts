// From an entry of ferry.yaml to the store itself. Opening sends no request; probing does.

import { isDisk, type StoreConnection } from '../model/ferry-config.js';
import { FileObjectStore } from './file-object-store.js';
import type { ObjectStore } from './object-store.js';
import { readOnlyStore } from './read-only-store.js';
import { S3ObjectStore } from './s3-object-store.js';

export function openStore(store: StoreConnection): ObjectStore {
  const opened = isDisk(store) ? new FileObjectStore(store) : new S3ObjectStore(store);
  return store.readOnly ? readOnlyStore(opened) : opened;
}

/** Probes the store, and reports what it lacks. Throws when it cannot be reached or written at all. */
export async function probeStore(store: ObjectStore): Promise<{ limitations: readonly string[] }> {
  await store.probe();
  return { limitations: store.limitations };
}
