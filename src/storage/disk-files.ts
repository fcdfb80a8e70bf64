// Files on a disk that somebody else wrote, under the names they have: a store's own keys are escaped, and these are not.
// Reads only. Follows links that somebody put there; never leaves the folder by "..".

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileFailure, isErrno } from './file-failures.js';
import { readPathRange } from './file-read.js';
import { statedObject } from './file-place.js';
import type { ByteRange, StoredObject } from './object-store.js';

export class DiskFiles {
  readonly #root: string;

  constructor(url: string) {
    this.#root = fileURLToPath(url);
  }

  async *list(folder: string): AsyncGenerator<StoredObject> {
    const names = await readdir(this.#pathOf(folder), { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isErrno(error, 'ENOENT')) return [];
        throw fileFailure(error, this.#root, folder);
      },
    );
    const root = this.#pathOf('');
    const keys = names.filter((one) => !one.isDirectory()).map((one) => join(one.parentPath, one.name));
    for (const key of keys.map((path) => path.slice(root.length).replace(/^\//, '')).sort()) {
      const found = await this.head(key);
      if (found) yield found;
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const found = await stat(this.#pathOf(key), { bigint: true });
      return found.isFile() ? statedObject(key, found) : undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw fileFailure(error, this.#root, key);
    }
  }

  read(key: string, { range, signal }: { range: ByteRange; signal: AbortSignal }): AsyncIterable<Uint8Array> {
    return readPathRange(this.#pathOf(key), { root: this.#root, key }, { range, signal });
  }

  #pathOf(key: string): string {
    return join(this.#root, ...key.split('/').filter((part) => part !== '..'));
  }
}
