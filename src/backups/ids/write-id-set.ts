// The id set of a collection, into the store: sorted ids in, one compressed object out, with memory that does not depend
// on their number. Promises that the object appears whole or not at all. Members of gzip, one after another, of about a
// MiB of ids each: any gzip reads them as one.
//
// An attempt that dies begins again, under another key: 100 million ids are some minutes, a collection that is written
// has other ids by then, and the parts of an upload must be equal in size, so no part ends where the coding could go on.

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ObjectStore } from '../../storage/object-store.js';
import { uploadStream } from '../../shards/upload-stream.js';
import type { IdPage } from '../../shards/recoverable-collection.js';
import { IdSetEncoder } from './id-set-format.js';
import type { IdSetRef } from './read-id-set.js';

const compress = promisify(gzip);
const MEMBER_BYTES = 1 << 20;

export interface IdSetWriting {
  store: ObjectStore;
  key: string;
  /** Key by key, ascending within a key; a key without ids has an empty page. */
  pages: AsyncIterable<IdPage>;
  signal: AbortSignal;
}

export async function storeIdSet({ store, key, pages, signal }: IdSetWriting): Promise<IdSetRef> {
  const hash = createHash('sha256');
  const encoder = new IdSetEncoder();
  let bytes = 0;
  const upload = await store.upload(key);
  try {
    const pass = (piece: Uint8Array) => {
      hash.update(piece);
      bytes += piece.length;
    };
    const flow = { open: () => compressed(encoder, pages), check: { pass, finish: () => undefined }, signal };
    const parts = await uploadStream(flow, { upload });
    await upload.complete(parts, { ifAbsent: true });
  } catch (error) {
    await upload.abort().catch(() => undefined); // the end of the job looks for what stays
    throw error;
  }
  return { key, bytes, sha256: hash.digest('hex'), count: encoder.total };
}

async function* compressed(encoder: IdSetEncoder, pages: AsyncIterable<IdPage>): AsyncGenerator<Uint8Array> {
  for await (const _ of encoded(encoder, pages)) {
    if (encoder.pending >= MEMBER_BYTES) yield await compress(encoder.take());
  }
  yield await compress(encoder.take());
}

/** Yields after every page. */
async function* encoded(encoder: IdSetEncoder, pages: AsyncIterable<IdPage>): AsyncGenerator<void> {
  let current: string | undefined;
  for await (const { shardKey, ids } of pages) {
    const name = JSON.stringify(shardKey ?? null);
    if (name !== current) {
      if (current !== undefined) encoder.endKey();
      encoder.beginKey(shardKey);
      current = name;
    }
    for (const id of ids) encoder.add(id);
    yield;
  }
  if (current !== undefined) encoder.endKey();
  encoder.endSet();
}
