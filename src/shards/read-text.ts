// A small document of a store, as text. Promises to stop at a size that no document of ours has: the bucket is anybody's.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { ObjectStore } from '../storage/object-store.js';

const LARGEST_BYTES = 256 * 1024 ** 2;

export async function readText(store: ObjectStore, key: string, signal?: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of store.read(key, signal === undefined ? {} : { signal })) {
    bytes += chunk.length;
    if (bytes > LARGEST_BYTES) {
      throw new FerryError('ManifestInvalid', 'The document is larger than any document of ferry', {
        context: { key },
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Undefined where there is none. */
export async function readIfThere(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  try {
    return await readText(store, key, signal);
  } catch (error) {
    if (error instanceof FerryError && error.code === 'ObjectMissing') return undefined;
    throw error;
  }
}

export function sha256OfText(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
