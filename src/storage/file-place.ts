// Where the objects of a store lie on a disk, and where uploads that are under way do.

import type { BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileNameFor } from '../model/format/file-names.js';
import { isErrno } from './file-failures.js';
import type { StoredObject } from './object-store.js';

export interface FilePlace {
  root: string;
  /** Hidden: no key has such a name. */
  uploads: string;
  pathOf(key: string): string;
}

export function filePlace(url: string): FilePlace {
  const root = fileURLToPath(url).replace(/(?<=.)\/+$/, '');
  return { root, uploads: join(root, '.uploads'), pathOf: (key) => join(root, fileNameFor(key)) };
}

/** Throws ENOENT; also where the key leads below a file, or to a folder. */
export async function statObject(place: FilePlace, key: string): Promise<StoredObject> {
  const found = await stat(place.pathOf(key), { bigint: true }).catch((error: unknown) => {
    throw isErrno(error, 'ENOTDIR') ? absent() : error;
  });
  if (!found.isFile()) throw absent();
  return statedObject(key, found);
}

export function statedObject(key: string, found: BigIntStats): StoredObject {
  return {
    key,
    bytes: Number(found.size),
    etag: `${found.ino.toString(16)}-${found.mtimeNs.toString(16)}-${found.size.toString(16)}`,
    modifiedAt: found.mtime.toISOString(),
  };
}

function absent(): Error {
  return Object.assign(new Error('no such object'), { code: 'ENOENT' });
}
