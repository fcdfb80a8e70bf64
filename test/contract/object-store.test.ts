// One suite for every place in which backups are kept. What one adapter promises, the other keeps.

import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partSizeFor } from '../../src/model/format/part-sizes.js';
import type { ObjectStore, StoredPart } from '../../src/storage/object-store.js';
import { openStore, probeStore } from '../../src/storage/open-store.js';
import { filePlaceForTests, s3PlaceForTests, type StorePlace } from '../support/object-stores.js';
import { allOf, byUtf8, bytesOf, hashOf, madeBytes, textOf } from '../support/object-stores.js';
import { oddestKeys, oddKeys } from '../support/odd-keys.js';
import { dieInUpload } from '../support/dying-upload.js';

const MIB = 1024 ** 2;
const places = { file: filePlaceForTests, s3: s3PlaceForTests };

describe.each(Object.keys(places) as (keyof typeof places)[])('a store on %s', (kind) => {
  let place: StorePlace;
  let store: ObjectStore;
  beforeAll(async () => {
    place = await places[kind]();
    store = openStore(place.connection);
  });
  afterAll(() => place.end());

  const putText = (key: string, text: string, ifAbsent = false) =>
    store.put(key, Buffer.from(text), { ifAbsent });
  const keysOf = async (prefix: string, after?: string) =>
    (await allOf(store.list(prefix, after === undefined ? {} : { after }))).map(({ key }) => key);

  it('lacks nothing, says the probe, and leaves nothing of it', async () => {
    expect(await probeStore(store)).toEqual({ limitations: [] });
    expect(await keysOf('')).toEqual([]);
  });

  describe('small objects', () => {
    it('come back as they were put', async () => {
      const put = await store.put('small/a.json', Buffer.from('{}'), { contentType: 'application/json' });
      expect(put).toMatchObject({ key: 'small/a.json', bytes: 2 });
      expect(await store.head('small/a.json')).toEqual(put);
      expect(Math.abs(Date.parse(put.modifiedAt) - Date.now())).toBeLessThan(60_000);
      expect(await textOf(store.read('small/a.json'))).toBe('{}');
    });

    it('may be empty', async () => {
      expect(await putText('small/empty', '')).toMatchObject({ bytes: 0 });
      expect(await textOf(store.read('small/empty'))).toBe('');
    });

    it('are replaced as a whole, and get another etag', async () => {
      const first = await putText('small/replaced', 'first');
      const second = await putText('small/replaced', 'second');
      expect(second.etag).not.toBe(first.etag);
      expect(await textOf(store.read('small/replaced'))).toBe('second');
    });

    it('that are absent are undefined to look at and ObjectMissing to read', async () => {
      expect(await store.head('small/nothing')).toBeUndefined();
      expect(await store.head('small/a.json/below')).toBeUndefined();
      expect(await store.head('small')).toBeUndefined();
      await expect(textOf(store.read('small/nothing'))).rejects.toMatchObject({
        code: 'ObjectMissing',
        message: expect.stringMatching(/\[bucket=.+, key=.*small\/nothing\]$/),
      });
    });
  });

  describe('written once', () => {
    it('refuses other content and keeps what was there', async () => {
      await putText('once/manifest', 'mine', true);
      await expect(putText('once/manifest', 'yours', true)).rejects.toMatchObject({ code: 'ObjectExists' });
      await expect(putText('once/manifest', 'mine and more', true)).rejects.toThrow(/\[bucket=.+, key=.+\]$/);
      expect(await textOf(store.read('once/manifest'))).toBe('mine');
    });

    it('takes the same content again, for an answer may have been lost', async () => {
      const first = await putText('once/again', 'same', true);
      expect(await putText('once/again', 'same', true)).toEqual(first);
    });

    it('lets one of many writers win', async () => {
      const writers = Array.from({ length: 8 }, (_, at) => putText('once/race', `writer ${at}`, true));
      const ended = await Promise.allSettled(writers);
      const won = ended.flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []));
      expect(won).toHaveLength(1);
      expect(await textOf(store.read('once/race'))).toBe(`writer ${won[0]}`);
    });
  });

  describe('ranges', () => {
    beforeAll(() => putText('ranges/digits', '0123456789'));

    it.each([
      [{ from: 0, to: 4 }, '0123'],
      [{ from: 4 }, '456789'],
      [{ from: 9, to: 10 }, '9'],
      [{ from: 0, to: 10 }, '0123456789'],
      [{ from: 5, to: 5 }, ''],
      [{ from: 10 }, ''],
    ])('%j are read', async (range, text) => {
      expect(await textOf(store.read('ranges/digits', { range }))).toBe(text);
    });

    it.each([{ from: 0, to: 11 }, { from: 8, to: 12 }, { from: 20, to: 30 }, { from: 11 }])(
      '%j show that the object is shorter than it should be',
      async (range) => {
        await expect(textOf(store.read('ranges/digits', { range }))).rejects.toMatchObject({
          code: 'ObjectDamaged',
          retryable: false,
        });
      },
    );

    it('of nothing of an absent object are missing, not empty', async () => {
      const read = store.read('ranges/nothing', { range: { from: 0, to: 0 } });
      await expect(textOf(read)).rejects.toMatchObject({ code: 'ObjectMissing' });
    });

    it('stop when they are told to', async () => {
      const read = store.read('ranges/digits', { signal: AbortSignal.abort(new Error('enough')) });
      await expect(textOf(read)).rejects.toThrow('enough');
    });
  });

  describe('keys', () => {
    const keys = kind === 'file' ? [...oddKeys, ...oddestKeys] : oddKeys;

    it.each(keys)('may be %j', async (key) => {
      await putText(`odd/${key}`, key);
      expect(await textOf(store.read(`odd/${key}`))).toBe(key);
      expect(await store.head(`odd/${key}`)).toMatchObject({ key: `odd/${key}` });
    });

    it('are listed in the order of their bytes', async () => {
      expect(await keysOf('odd/')).toEqual(keys.map((key) => `odd/${key}`).sort(byUtf8));
    });

    it('are listed after any of them', async () => {
      const sorted = keys.map((key) => `odd/${key}`).sort(byUtf8);
      for (const at of [0, 5, 11, sorted.length - 1]) {
        expect(await keysOf('odd/', sorted[at])).toEqual(sorted.slice(at + 1));
      }
    });

    it('are found by a beginning that is no folder', async () => {
      expect(await keysOf('odd/folder')).toEqual(
        keys
          .filter((key) => key.startsWith('folder'))
          .map((key) => `odd/${key}`)
          .sort(byUtf8),
      );
      expect(await keysOf('nowhere/')).toEqual([]);
    });

    it('are listed by the thousands, page after page', async () => {
      const many = Array.from({ length: 1_203 }, (_, at) => `many/${at % 7}/object ${at}`).sort(byUtf8);
      for (let at = 0; at < many.length; at += 50) {
        await Promise.all(many.slice(at, at + 50).map((key) => putText(key, '.')));
      }
      expect(await keysOf('many/')).toEqual(many);
      expect(await keysOf('many/', many[1_100])).toEqual(many.slice(1_101));
      expect(await allOf(store.folders('many/'))).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    });

    it('show their folders, each once, without the files beside them', async () => {
      await Promise.all(['f/x', 'f/a/1', 'f/a/2', 'f/a b/1', 'f/ä/deep/1'].map((key) => putText(key, '.')));
      // In the order of their keys, in which a space comes before a slash.
      expect(await allOf(store.folders('f/'))).toEqual(['a b', 'a', 'ä']);
      expect(await allOf(store.folders('f/a/'))).toEqual([]);
      expect(await allOf(store.folders(''))).toContain('f');
    });
  });

  describe('an upload', () => {
    const part = (number: number, bytes = 5 * MIB) => madeBytes(bytes, number);
    const hash = (...bodies: Buffer[]) => createHash('sha256').update(Buffer.concat(bodies)).digest('hex');
    const unfinished = async (prefix: string) => (await allOf(store.uploads(prefix))).map(({ key }) => key);

    it('becomes an object when it is completed, and not before', async () => {
      const upload = await store.upload('up/plain');
      const parts = [await upload.putPart(1, part(1)), await upload.putPart(2, part(2, 100))];
      expect(parts[0]).toMatchObject({ number: 1, bytes: 5 * MIB, sha256: hash(part(1)) });
      expect(await store.head('up/plain')).toBeUndefined();
      expect(await unfinished('up/')).toEqual(['up/plain']);
      expect(await upload.complete(parts)).toMatchObject({ key: 'up/plain', bytes: 5 * MIB + 100 });
      expect(await hashOf(store.read('up/plain'))).toBe(hash(part(1), part(2, 100)));
      expect(await unfinished('up/')).toEqual([]);
    });

    it('takes its parts in any order and side by side, and the last one of a number counts', async () => {
      const upload = await store.upload('up/mixed');
      await upload.putPart(2, part(9));
      await Promise.all([3, 2, 1].map((number) => upload.putPart(number, part(number))));
      const parts = await upload.parts();
      expect(parts.map(({ number }) => number)).toEqual([1, 2, 3]);
      await upload.complete(parts);
      expect(await hashOf(store.read('up/mixed'))).toBe(hash(part(1), part(2), part(3)));
    });

    it('continues in another process after kill -9, with what had arrived', async () => {
      const { id } = await dieInUpload(place.connection, 'up/killed', 3);
      const upload = await store.resumeUpload('up/killed', id);
      const arrived = (await upload?.parts()) ?? [];
      expect(arrived.map(({ number }) => number)).toEqual([1, 2, 3]);
      expect(arrived.map(({ sha256 }) => sha256)).toEqual([1, 2, 3].map((number) => hash(part(number))));
      const last = (await upload?.putPart(4, part(4))) as StoredPart;
      await upload?.complete([...arrived, last], { ifAbsent: true });
      expect(await hashOf(store.read('up/killed'))).toBe(hash(part(1), part(2), part(3), part(4)));
    });

    it('fills a gap when it continues', async () => {
      const first = await store.upload('up/gap');
      await first.putPart(1, part(1));
      await first.putPart(3, part(3));
      const second = await store.resumeUpload('up/gap', first.id);
      expect((await second?.parts())?.map(({ number }) => number)).toEqual([1, 3]);
      await second?.putPart(2, part(2));
      await second?.complete(await second.parts());
      expect(await hashOf(store.read('up/gap'))).toBe(hash(part(1), part(2), part(3)));
    });

    it('leaves nothing when it is aborted, also by somebody who only found it', async () => {
      const upload = await store.upload('up/aborted');
      await upload.putPart(1, part(1));
      for await (const { key, id } of store.uploads('up/aborted')) {
        await (await store.resumeUpload(key, id))?.abort();
      }
      expect(await unfinished('up/aborted')).toEqual([]);
      expect(await store.resumeUpload('up/aborted', upload.id)).toBeUndefined();
      expect(await store.head('up/aborted')).toBeUndefined();
      await upload.abort();
      await expect(upload.putPart(2, part(2))).rejects.toMatchObject({ code: 'ObjectMissing' });
    });

    it('completed twice is the same object, and another one is refused', async () => {
      const [mine, yours] = [await store.upload('up/once'), await store.upload('up/once')];
      const parts = [await mine.putPart(1, part(1))];
      const theirs = [await yours.putPart(1, part(2))];
      await mine.complete(parts, { ifAbsent: true });
      await expect(yours.complete(theirs, { ifAbsent: true })).rejects.toMatchObject({
        code: 'ObjectExists',
      });
      await yours.abort();
      expect(await unfinished('up/once')).toEqual([]);
      expect(await hashOf(store.read('up/once'))).toBe(hash(part(1)));
      expect(await store.resumeUpload('up/once', mine.id)).toBeUndefined();
    });

    it('refuses a part that is not what it was declared to be', async () => {
      const upload = await store.upload('up/wrong');
      const wrong = upload.putPart(1, part(1), undefined, hash(part(2)));
      await expect(wrong).rejects.toMatchObject({ code: 'ObjectDamaged' });
      expect(await upload.parts()).toEqual([]);
      await upload.abort();
    });

    it('of 200 MB keeps memory flat, and so does reading it', async () => {
      const total = 200 * MIB;
      const before = process.memoryUsage().rss;
      let peak = 0;
      const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20);
      const upload = await store.upload('up/large');
      const wanted = createHash('sha256');
      const parts: StoredPart[] = [];
      for (let number = 1, sent = 0; sent < total; number += 1) {
        const body = madeBytes(Math.min(partSizeFor(number, total), total - sent), number);
        wanted.update(body);
        parts.push(await upload.putPart(number, body));
        sent += body.byteLength;
      }
      await upload.complete(parts);
      expect(await hashOf(store.read('up/large', { range: { from: 0, to: total } }))).toBe(
        wanted.digest('hex'),
      );
      clearInterval(look);
      expect((peak - before) / MIB).toBeLessThan(150);
    });
  });

  describe('deleting', () => {
    it('removes the object, and its folder; absent is no error', async () => {
      await putText('gone/deep/a', 'a');
      await store.delete('gone/deep/a');
      await store.delete('gone/deep/a');
      expect(await store.head('gone/deep/a')).toBeUndefined();
      expect(await allOf(store.folders(''))).not.toContain('gone');
    });

    it('leaves those whose keys begin alike', async () => {
      await Promise.all(['alike/a', 'alike/ab', 'alike/a.b'].map((key) => putText(key, key)));
      await store.delete('alike/a');
      expect(await keysOf('alike/')).toEqual(['alike/a.b', 'alike/ab']);
    });
  });

  it('may be left half read, and is read as a whole afterwards', async () => {
    await store.put('half', madeBytes(3 * MIB, 1));
    for await (const chunk of store.read('half')) if (chunk.byteLength > 0) break;
    expect((await bytesOf(store.read('half'))).byteLength).toBe(3 * MIB);
  });
});
