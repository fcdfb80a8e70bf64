// The id set of a collection, into the store: sorted ids in, one compressed object out, with memory that does not depend
// on their number. Promises that the object appears whole or not at all. Members of gzip, one after another, of about a
// MiB of ids each: any gzip reads them as one.
//
// An attempt that dies begins again, under another key: 100 million ids are some minutes, a collection that is written
// has other ids by then, and the parts of an upload must be equal in size, so no part ends where the coding could go on.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { FerryError } from '../../model/errors.js';
import { compareIds, isUuid, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { storeStream } from '../points/stored-stream.js';
import type { IdPage } from '../../shards/recoverable-collection.js';
import {
  END_OF_SET,
  END_OF_UUIDS,
  KEYWORD,
  LONGEST_VARINT,
  MAGIC,
  NO_KEY,
  NUMBER,
  UUID_BYTES,
  type IdSetRef,
} from './read-id-set.js';

const compress = promisify(gzip);
const MEMBER_BYTES = 1 << 20;
const SAFE_DIGITS = 15;

export interface IdSetWriting {
  store: ObjectStore;
  key: string;
  /** Key by key, ascending within a key; a key without ids has an empty page. */
  pages: AsyncIterable<IdPage>;
  signal: AbortSignal;
}

export async function storeIdSet({ store, key, pages, signal }: IdSetWriting): Promise<IdSetRef> {
  const encoder = new IdSetEncoder();
  const stored = await storeStream(store, key, compressed(encoder, pages), signal);
  return { ...stored, count: encoder.total };
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

/** Takes sorted ids. The format is described in read-id-set.ts. */
export class IdSetEncoder {
  /** Ids so far, over all sections. */
  total = 0;
  #out = new Bytes();
  #inSection = false;
  #count = 0;
  #last: PointId | undefined;

  constructor() {
    this.#out.append(MAGIC);
  }

  beginKey(key: ShardKey | undefined): void {
    if (key === undefined) this.#out.byte(NO_KEY);
    else if ('keyword' in key) this.#keyword(key.keyword);
    else {
      this.#out.byte(NUMBER);
      this.#out.varint(BigInt(key.number));
    }
    this.#inSection = true;
    this.#count = 0;
    this.#last = undefined;
  }

  /** Greater than every id that the key has had so far. */
  add(id: PointId): void {
    if (!this.#inSection) throw new Error('An id without a shard key');
    if (this.#last !== undefined && compareIds(this.#last, id) >= 0)
      throw new FerryError('Internal', `Ids are out of order: ${id} after ${this.#last}`);
    if (isUuid(id)) this.#uuid(id);
    else this.#number(id);
    this.#last = id;
    this.#count += 1;
    this.total += 1;
  }

  endKey(): void {
    if (this.#last === undefined || !isUuid(this.#last)) this.#out.byte(0);
    this.#out.byte(END_OF_UUIDS);
    this.#out.varint(BigInt(this.#count));
    this.#inSection = false;
  }

  endSet(): void {
    this.#out.byte(END_OF_SET);
  }

  /** Encoded since the last call. */
  take(): Uint8Array {
    return this.#out.take();
  }

  get pending(): number {
    return this.#out.length;
  }

  #keyword(keyword: string): void {
    const text = Buffer.from(keyword, 'utf8');
    this.#out.byte(KEYWORD);
    this.#out.varint(BigInt(text.length));
    this.#out.append(text);
  }

  #number(id: PointId): void {
    const last = this.#last;
    if (id.length <= SAFE_DIGITS)
      this.#out.varintNumber(Number(id) - (last === undefined ? -1 : Number(last)));
    else this.#out.varint(BigInt(id) - (last === undefined ? -1n : BigInt(last)));
  }

  #uuid(id: PointId): void {
    const last = this.#last;
    const isFirst = last === undefined || !isUuid(last);
    if (isFirst) this.#out.byte(0); // the end of the numbers
    const bytes = uuidBytes(id);
    const before = isFirst ? undefined : uuidBytes(last);
    let shared = 0;
    while (before !== undefined && shared < UUID_BYTES - 1 && before[shared] === bytes[shared]) shared += 1;
    this.#out.byte(shared);
    this.#out.append(bytes.subarray(shared));
  }
}

/** Grows as needed, and starts anew when its content is taken. */
class Bytes {
  #buffer = Buffer.allocUnsafe(1 << 16);
  length = 0;

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.length++] = value;
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  varintNumber(value: number): void {
    this.#reserve(LONGEST_VARINT);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[this.length++] = (rest % 0x80) | 0x80;
    this.#buffer[this.length++] = rest;
  }

  varint(value: bigint): void {
    this.#reserve(LONGEST_VARINT);
    let rest = value;
    for (; rest >= 0x80n; rest >>= 7n) this.#buffer[this.length++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.length++] = Number(rest);
  }

  take(): Uint8Array {
    const taken = Buffer.from(this.#buffer.subarray(0, this.length));
    this.length = 0;
    return taken;
  }

  #reserve(more: number): void {
    if (this.length + more <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.length + more));
    this.#buffer.copy(larger, 0, 0, this.length);
    this.#buffer = larger;
  }
}

function uuidBytes(id: PointId): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}
