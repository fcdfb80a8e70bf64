// Copies runs from memory into a real store, as old as they say they are: the time that a store gives to an object is that
// of its file, for a folder and for the test's S3 gateway.

import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isBackupId, timeOfBackup } from '../../src/model/format/backup-names.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import type { MemoryStore } from './memory-store.js';
import { bytesOf } from './object-stores.js';

/** `folder`: where the files of the store are. */
export async function copyAged(from: MemoryStore, to: ObjectStore, folder: string): Promise<void> {
  for await (const { key } of from.list('')) await to.put(key, await bytesOf(from.read(key)));
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const time = timeOfBackup(path.split('/').find(isBackupId) ?? '');
    if (time) await utimes(path, time, time);
  }
}
