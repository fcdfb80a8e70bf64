// The id set of a backup, out of the store. Promises that not one id is given before the whole object was found to be
// what the manifest names: what is absent from the set is removed at a recovery, so a set cut short would delete.

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FerryError } from '../../model/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { IdPage } from '../../shards/recoverable-collection.js';
import { IdSetDecoder } from './id-set-format.js';

/** As the manifest names it. */
export interface IdSetRef {
  key: string;
  bytes: number;
  sha256: string;
  /** Ids over all shard keys. */
  count: number;
}

/**
 * Pages of at most 10,000 ids; key by key in the order they were written (of the keys' creation), ascending within a key.
 * Each key has a page, also one without ids. Memory is flat. Throws `ObjectMissing`, `ObjectDamaged`.
 */
export async function* readIdSet(
  store: ObjectStore,
  ref: IdSetRef,
  signal?: AbortSignal,
): AsyncGenerator<IdPage> {
  await requireAsNamed(store, ref, signal);
  const decoder = new IdSetDecoder();
  const compressed = Readable.from(read(store, ref, signal));
  const gunzip = createGunzip();
  compressed.on('error', (error) => gunzip.destroy(error));
  try {
    for await (const chunk of compressed.pipe(gunzip)) yield* decoder.push(chunk as Uint8Array);
  } catch (error) {
    throw error instanceof FerryError ? error : damaged(ref, 'it cannot be decompressed', error);
  } finally {
    gunzip.destroy();
    compressed.destroy();
  }
  decoder.finish();
  if (decoder.total !== ref.count)
    throw damaged(ref, `${decoder.total} ids, and the manifest says ${ref.count}`);
}

async function requireAsNamed(store: ObjectStore, ref: IdSetRef, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of read(store, ref, signal)) hash.update(chunk);
  if (hash.digest('hex') !== ref.sha256) throw damaged(ref, 'its SHA-256 is not the one in the manifest');
}

function read(store: ObjectStore, { key, bytes }: IdSetRef, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return store.read(key, { range: { from: 0, to: bytes }, ...(signal === undefined ? {} : { signal }) });
}

function damaged({ key }: IdSetRef, how: string, cause?: unknown): FerryError {
  return new FerryError('ObjectDamaged', `The id set is not what was written: ${how}`, {
    cause,
    context: { key },
  });
}
