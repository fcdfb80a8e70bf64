// The bytes of an id set, version 1, before compression: docs/backup-format.md, "The id set". Pure: an encoder that takes
// sorted ids and a decoder that gives them back in pages, each with memory that does not depend on how many there are.
//
//   set     = "ferry-ids" 0x01 section* 0x00
//   section = 0x01 | 0x02 varint(bytes) UTF-8 | 0x03 varint(number)       without a shard key, with a keyword, a number
//             varint(id - previous)* 0x00                                  numbers; the one before the first is -1
//             (shared byte, the other 16 - shared bytes)* 0xff             UUIDs; bytes shared with the previous one
//             varint(ids in this section)

import { FerryError } from '../../model/errors.js';
import { compareIds, isUuid, type PointId } from '../../model/point-id.js';
import type { ShardKey } from '../../model/state/slice.js';
import type { IdPage } from '../../shards/recoverable-collection.js';

const MAGIC = Buffer.from('ferry-ids\x01', 'latin1');
const END_OF_SET = 0;
const NO_KEY = 1;
const KEYWORD = 2;
const NUMBER = 3;
const END_OF_UUIDS = 0xff;
const UUID_BYTES = 16;
const LONGEST_VARINT = 10;
const SAFE_DIGITS = 15;
const IDS_PER_PAGE = 10_000;

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
    this.#found(uuidText(this.#uuid));
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

function uuidText(bytes: Buffer): PointId {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function damaged(how: string): FerryError {
  return new FerryError('ObjectDamaged', `The id set is damaged: ${how}`);
}
