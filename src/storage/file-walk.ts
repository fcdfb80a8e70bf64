// Finds objects on the disk, in S3's order: ascending by the bytes of UTF-8. Holds the names of one walk in memory, not
// their contents. What no key can be named (a hidden folder, somebody's own file) is passed over.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNameFor, keyOfFileName } from '../model/format/file-names.js';
import { isErrno } from './file-failures.js';

/** Keys that begin with `prefix`. */
export async function keysBelow(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // "a/" is the folder a, whose name a key in it shows.
  const path = folder === '' ? '' : fileNameFor(`${folder}x`).slice(0, -2);
  const keys: { key: string; bytes: Buffer }[] = [];
  for await (const file of filesBelow(root, path)) {
    const key = keyOfFileName(file);
    if (key?.startsWith(prefix)) keys.push({ key, bytes: Buffer.from(key) });
  }
  return keys.sort((a, b) => Buffer.compare(a.bytes, b.bytes)).map(({ key }) => key);
}

async function* filesBelow(root: string, path: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(join(root, path))) {
    const name = path === '' ? entry.name : `${path}/${entry.name}`;
    if (entry.isDirectory() && !entry.name.startsWith('.')) yield* filesBelow(root, name);
    else if (entry.isFile()) yield name;
  }
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // Removed meanwhile, or never there: no objects.
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}
