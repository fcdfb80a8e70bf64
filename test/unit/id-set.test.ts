import { mkdtemp, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IdPage } from '../../src/shards/recoverable-collection.js';
import { IdSetDecoder, readIdSet, type IdSetRef } from '../../src/backups/ids/read-id-set.js';
import { IdSetEncoder, storeIdSet } from '../../src/backups/ids/write-id-set.js';
import type { ShardKey } from '../../src/model/state/slice.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import vectors from './id-set-vectors.json' with { type: 'json' };

const never = new AbortController().signal;

let folder: string;
let store: ObjectStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-ids-'));
  store = openStore({ alias: 'disk', url: pathToFileURL(folder).href });
});
afterAll(() => rm(folder, { recursive: true }));

it.each(vectors)('writes and reads $what as the format says', ({ keys, hex }) => {
  const pages = keys as IdPage[];
  expect(encode(pages)).toBe(hex);
  expect(decode(Buffer.from(hex, 'hex'), 1_000)).toEqual(pages);
  // Whatever the borders of what comes from the store.
  expect(decode(Buffer.from(hex, 'hex'), 1)).toEqual(pages);
});

it('refuses bytes that end early, continue, lie about a count, or are of another version', () => {
  const whole = Buffer.from(encode([{ ids: ['1', '2', '00000000-0000-4000-8000-000000000001'] }]), 'hex');
  for (let length = 0; length < whole.length; length += 1)
    expect(() => decode(whole.subarray(0, length), 1_000)).toThrow(/damaged/);
  expect(() => decode(Buffer.concat([whole, Buffer.from([0])]), 1_000)).toThrow(/damaged/);
  const lies = Buffer.from(whole);
  lies[lies.length - 2] = 7;
  expect(() => decode(lies, 1_000)).toThrow('it has 3 ids, and 7 were written');
  const later = Buffer.from(whole);
  later[9] = 2;
  expect(() => decode(later, 1_000)).toThrow('version 1');
});

it('refuses ids that are out of order or come twice', () => {
  for (const ids of [
    ['2', '1'],
    ['5', '5'],
    ['00000000-0000-4000-8000-000000000001', '1'],
  ])
    expect(() => encode([{ ids }])).toThrow(/out of order/);
});

it('comes back from a store as it went, key by key, ids of every size', async () => {
  const random = Array.from({ length: 30_000 }, (_, at) => uuidOf(at)).sort();
  const pages: IdPage[] = [
    { shardKey: { keyword: 'ключ' }, ids: ['0', '9007199254740993', '18446744073709551615', ...random] },
    { shardKey: { number: '18446744073709551615' }, ids: [] },
    { shardKey: { number: '7' }, ids: ['3'] },
  ];
  const ref = await stored('keys.gz', pages);
  expect(ref.count).toBe(30_004);
  const back = await readBack(ref);
  expect(back.map((page) => page.ids.length)).toEqual([10_000, 10_000, 10_000, 3, 0, 1]);
  expect(joined(back)).toEqual(joined(pages));
});

it('gives no id of an object that is not the one in the manifest', async () => {
  const ref = await stored('changed.gz', [{ ids: ['1', '2', '3'] }]);
  const other = gzipSync(Buffer.from(encode([{ ids: ['1', '2'] }]), 'hex'));
  for (const lie of [
    { ...ref, sha256: sha256Of(other) },
    { ...ref, bytes: ref.bytes - 1 },
    { ...ref, count: 4 },
  ])
    await expect(readBack(lie)).rejects.toMatchObject({ code: 'ObjectDamaged' });
  await store.put('short.gz', other);
  const short = { key: 'short.gz', bytes: other.length, sha256: sha256Of(other), count: 2 };
  expect(joined(await readBack(short))).toEqual({ null: ['1', '2'] });
});

it('needs no more memory for two million ids than for a few', async () => {
  const before = process.memoryUsage().rss;
  const ref = await storeIdSet({ store, key: 'many.gz', pages: manyIds(2_000_000), signal: never });
  let [count, most] = [0, 0];
  for await (const { ids } of readIdSet(store, ref)) {
    count += ids.length;
    most = Math.max(most, process.memoryUsage().rss - before);
  }
  expect([count, ref.count]).toEqual([2_000_000, 2_000_000]);
  // As strings in an array they would be 100 MB and more.
  expect(most).toBeLessThan(150e6);
  expect(ref.bytes).toBeLessThan(100_000);
});

async function* manyIds(count: number): AsyncGenerator<IdPage> {
  for (let at = 0; at < count; at += 10_000) {
    await Promise.resolve();
    yield { ids: Array.from({ length: 10_000 }, (_, i) => String(at + i)) };
  }
}

function stored(key: string, pages: IdPage[]): Promise<IdSetRef> {
  return storeIdSet({ store, key, pages: toAsync(pages), signal: never });
}

async function* toAsync<T>(all: readonly T[]): AsyncGenerator<T> {
  for (const one of all) yield await Promise.resolve(one);
}

async function readBack(ref: IdSetRef): Promise<IdPage[]> {
  const pages: IdPage[] = [];
  for await (const page of readIdSet(store, ref)) pages.push(page);
  return pages;
}

function encode(pages: IdPage[]): string {
  const encoder = new IdSetEncoder();
  for (const { shardKey, ids } of pages) {
    encoder.beginKey(shardKey as ShardKey | undefined);
    for (const id of ids) encoder.add(id);
    encoder.endKey();
  }
  encoder.endSet();
  return Buffer.from(encoder.take()).toString('hex');
}

function decode(bytes: Uint8Array, atATime: number): IdPage[] {
  const decoder = new IdSetDecoder();
  const pages: IdPage[] = [];
  for (let at = 0; at < bytes.length; at += atATime)
    pages.push(...decoder.push(bytes.subarray(at, at + atATime)));
  decoder.finish();
  return pages;
}

function joined(pages: IdPage[]): Record<string, string[]> {
  const all: Record<string, string[]> = {};
  for (const { shardKey, ids } of pages) (all[JSON.stringify(shardKey ?? null)] ??= []).push(...ids);
  return all;
}

function uuidOf(at: number): string {
  const hex = sha256Of(Buffer.from(String(at)));
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
