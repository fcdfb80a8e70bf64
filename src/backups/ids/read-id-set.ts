// The id set of a backup, out of the store. Promises that not one id is given before the whole object was found to be
// what the manifest names: what is absent from the set is removed at a recovery, so a set cut short would delete.
//
// Version 1, before compression (docs/backup-format.md, "The id set"):
//
//   set     = "ferry-ids" 0x01 section* 0x00
//   section = 0x01 | 0x02 varint(bytes) UTF-8 | 0x03 varint(number)       without a shard key, with a keyword, a number
//             varint(id - previous)* 0x00                                  numbers; the one before the first is -1
//             (shared byte, the other 16 - shared bytes)* 0xff             UUIDs; bytes shared with the previous one
//             varint(ids in this section)

import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FerryError } from '../../model/errors.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { uuidOf, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { IdPage } from '../../shards/recoverable-collection.js';

export const MAGIC = Buffer.from('ferry-ids\x01', 'latin1');
export const END_OF_SET = 0;
export const NO_KEY = 1;
export const KEYWORD = 2;
export const NUMBER = 3;
export const END_OF_UUIDS = 0xff;
export const UUID_BYTES = 16;
export const LONGEST_VARINT = 10;
const IDS_PER_PAGE = 10_000;

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
    throw error instanceof FerryError ? error : otherThanNamed(ref, 'it cannot be decompressed', error);
  } finally {
    gunzip.destroy();
    compressed.destroy();
  }
  decoder.finish();
  if (decoder.total !== ref.count)
    throw otherThanNamed(ref, `${decoder.total} ids, and the manifest says ${ref.count}`);
}

async function requireAsNamed(store: ObjectStore, ref: IdSetRef, signal?: AbortSignal): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of read(store, ref, signal)) hash.update(chunk);
  if (hash.digest('hex') !== ref.sha256)
    throw otherThanNamed(ref, 'its SHA-256 is not the one in the manifest');
}

function read(store: ObjectStore, { key, bytes }: IdSetRef, signal?: AbortSignal): AsyncIterable<Uint8Array> {
  return store.read(key, { range: { from: 0, to: bytes }, ...(signal === undefined ? {} : { signal }) });
}

function otherThanNamed({ key }: IdSetRef, how: string, cause?: unknown): FerryError {
  return new FerryError('ObjectDamaged', `The id set is not what was written: ${how}`, {
    cause,
    context: { key },
  });
}

/** Takes the bytes as they come; gives pages as they fill. Throws `ObjectDamaged` where they are not an id set. */
export class IdSetDecoder {
  /** Ids so far. */
  total = 0;
  #rest: Buffer = Buffer.alloc(0);
  #at = 0;
  #step: 'magic' | 'section' | 'numbers' | 'uuids' | 'count' | 'end' = 'magic';
  #key: ShardKey | undefined;
  #count = 0;
  #pagesOfKey = 0;
  #number = -1n;
  #uuid = Buffer.alloc(UUID_BYTES);
  #ids: PointId[] = [];
  #pages: IdPage[] = [];

  push(chunk: Uint8Array): IdPage[] {
    this.#rest = Buffer.concat([this.#rest.subarray(this.#at), chunk]);
    this.#at = 0;
    while (this.#advance());
    return this.#pages.splice(0);
  }

  /** Throws when the set has not come to its end. */
  finish(): void {
    if (this.#step !== 'end' || this.#at < this.#rest.length)
      throw damaged('it does not end where it should');
  }

  /** False where more bytes are needed. */
  #advance(): boolean {
    switch (this.#step) {
      case 'magic':
        return this.#readMagic();
      case 'section':
        return this.#readSection();
      case 'numbers':
        return this.#readNumber();
      case 'uuids':
        return this.#readUuid();
      case 'count':
        return this.#readCount();
      case 'end':
        return false;
    }
  }

  #readMagic(): boolean {
    if (this.#left < MAGIC.length) return false;
    if (!this.#rest.subarray(this.#at, this.#at + MAGIC.length).equals(MAGIC))
      throw damaged('it does not begin as an id set of version 1');
    this.#at += MAGIC.length;
    this.#step = 'section';
    return true;
  }

  #readSection(): boolean {
    const start = this.#at;
    const kind = this.#byte();
    if (kind === undefined) return false;
    if (kind === END_OF_SET) this.#step = 'end';
    else if (kind === NO_KEY) this.#begin(undefined);
    else if (kind === NUMBER) {
      const number = this.#varint();
      if (number === undefined) return this.#backTo(start);
      this.#begin({ number: String(number) });
    } else if (kind === KEYWORD) {
      const length = this.#varint();
      if (length === undefined || this.#left < Number(length)) return this.#backTo(start);
      this.#begin({ keyword: this.#rest.toString('utf8', this.#at, this.#at + Number(length)) });
      this.#at += Number(length);
    } else throw damaged(`a section of the unknown kind ${kind}`);
    return true;
  }

  #begin(key: ShardKey | undefined): void {
    this.#key = key;
    this.#count = 0;
    this.#pagesOfKey = 0;
    this.#number = -1n;
    this.#uuid = Buffer.alloc(UUID_BYTES);
    this.#step = 'numbers';
  }

  #readNumber(): boolean {
    const delta = this.#varint();
    if (delta === undefined) return false;
    if (delta === 0n) this.#step = 'uuids';
    else {
      this.#number += delta;
      this.#found(String(this.#number));
    }
    return true;
  }

  #readUuid(): boolean {
    const start = this.#at;
    const shared = this.#byte();
    if (shared === undefined) return false;
    if (shared === END_OF_UUIDS) {
      this.#step = 'count';
      return true;
    }
    if (shared >= UUID_BYTES) throw damaged(`a UUID that shares ${shared} bytes`);
    if (this.#left < UUID_BYTES - shared) return this.#backTo(start);
    this.#rest.copy(this.#uuid, shared, this.#at, this.#at + UUID_BYTES - shared);
    this.#at += UUID_BYTES - shared;
    this.#found(uuidOf(this.#uuid.toString('hex')));
    return true;
  }

  #readCount(): boolean {
    const count = this.#varint();
    if (count === undefined) return false;
    if (count !== BigInt(this.#count)) throw damaged(`it has ${this.#count} ids, and ${count} were written`);
    if (this.#ids.length > 0 || this.#pagesOfKey === 0) this.#page();
    this.#step = 'section';
    return true;
  }

  #found(id: PointId): void {
    this.#ids.push(id);
    this.#count += 1;
    this.total += 1;
    if (this.#ids.length === IDS_PER_PAGE) this.#page();
  }

  #page(): void {
    const key = this.#key === undefined ? {} : { shardKey: this.#key };
    this.#pages.push({ ...key, ids: this.#ids });
    this.#ids = [];
    this.#pagesOfKey += 1;
  }

  get #left(): number {
    return this.#rest.length - this.#at;
  }

  #backTo(start: number): false {
    this.#at = start;
    return false;
  }

  #byte(): number | undefined {
    const byte = this.#rest[this.#at];
    if (byte !== undefined) this.#at += 1;
    return byte;
  }

  /** Unsigned LEB128; undefined, and nothing read, where it goes on behind what we have. */
  #varint(): bigint | undefined {
    let small = 0;
    for (let length = 0; length < LONGEST_VARINT; length += 1) {
      const byte = this.#rest[this.#at + length];
      if (byte === undefined) return undefined;
      small += (byte & 0x7f) * 2 ** (7 * length);
      if (byte < 0x80) {
        const exact = length < 7 ? BigInt(small) : this.#longVarint(length + 1);
        this.#at += length + 1;
        return exact;
      }
    }
    throw damaged('a number of more than ten bytes');
  }

  #longVarint(length: number): bigint {
    let value = 0n;
    for (let at = length - 1; at >= 0; at -= 1)
      value = (value << 7n) | BigInt((this.#rest[this.#at + at] as number) & 0x7f);
    return value;
  }
}

function damaged(how: string): FerryError {
  return new FerryError('ObjectDamaged', `The id set is damaged: ${how}`);
}
