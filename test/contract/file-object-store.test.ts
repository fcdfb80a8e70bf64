// What only a disk has: crashes between two steps, files that somebody else put there, and bytes that rot.

import { appendFile, link, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore, probeStore } from '../../src/storage/open-store.js';
import { allOf, filePlaceForTests, textOf, type StorePlace } from '../support/object-stores.js';

let place: StorePlace;
let store: ObjectStore;
let root: string;

beforeAll(async () => {
  place = await filePlaceForTests();
  root = join(place.folder, 'store');
  store = openStore(place.connection);
});
afterAll(() => place.end());

const folderOf = (id: string) => join(root, '.uploads', id);
const bodiesOf = async (id: string) =>
  (await readdir(folderOf(id)))
    .filter((name) => name.startsWith('body-'))
    .map((name) => join(folderOf(id), name));

describe('an object on a disk', () => {
  it('is a file under its own name, with nothing beside it', async () => {
    await store.put('prod/20261123/docs/manifest.json', Buffer.from('{}'));
    expect(await readFile(join(root, 'prod/20261123/docs/manifest.json'), 'utf8')).toBe('{}');
    expect(await readdir(join(root, 'prod/20261123/docs'))).toEqual(['manifest.json']);
    expect(await readdir(join(root, '.uploads'))).toEqual([]);
  });

  it('never lies outside of the store', async () => {
    await store.put('../../outside', Buffer.from('inside'));
    expect(await textOf(store.read('../../outside'))).toBe('inside');
    expect(await stat(join(place.folder, 'outside')).catch(() => 'absent')).toBe('absent');
  });

  it('is not made of files that no key has', async () => {
    await mkdir(join(root, 'theirs/.hidden'), { recursive: true });
    await writeFile(join(root, 'theirs/with space'), 'x');
    await writeFile(join(root, 'theirs/.hidden/x'), 'x');
    expect(await allOf(store.list('theirs/'))).toEqual([]);
  });

  it('cannot be where a folder is, nor below a file, and that is refused', async () => {
    await store.put('taken/inner', Buffer.from('x'));
    await expect(store.put('taken', Buffer.from('x'))).rejects.toMatchObject({ code: 'StoreRejected' });
    await expect(store.put('taken/inner/deeper', Buffer.from('x'))).rejects.toMatchObject({
      code: 'StoreRejected',
      message: expect.stringMatching(/\[bucket=\/.+, key=taken\/inner\/deeper\]$/),
    });
    expect(await readdir(join(root, '.uploads'))).toEqual([]);
  });

  it('on a disk that takes no folders is refused at once, with the folder', async () => {
    const nowhere = openStore({ alias: 'x', url: pathToFileURL('/proc/nowhere').href });
    expect(await nowhere.head('a')).toBeUndefined();
    expect(await allOf(nowhere.list(''))).toEqual([]);
    expect(await allOf(nowhere.uploads(''))).toEqual([]);
    await expect(probeStore(nowhere)).rejects.toMatchObject({ code: 'StoreRejected' });
    await expect(nowhere.put('a', Buffer.from('a'))).rejects.toMatchObject({ code: 'StoreRejected' });
    await expect(nowhere.put('a', Buffer.from('a'))).rejects.toThrow(/\[bucket=\/proc\/nowhere, key=a\]$/);
  });
});

describe('an upload on a disk', () => {
  it('that died after the object got its name is completed again, once', async () => {
    const upload = await store.upload('crash/named');
    const parts = [await upload.putPart(1, Buffer.from('one')), await upload.putPart(2, Buffer.from('two'))];
    await mkdir(dirname(join(root, 'crash/named')), { recursive: true });
    await link((await bodiesOf(upload.id))[0] ?? '', join(root, 'crash/named'));
    const again = await store.resumeUpload('crash/named', upload.id);
    expect(await again?.complete(parts, { ifAbsent: true })).toMatchObject({ bytes: 6 });
    expect(await textOf(store.read('crash/named'))).toBe('onetwo');
    expect(await readdir(join(root, '.uploads'))).toEqual([]);
  });

  it('whose list was cut by a crash knows the parts before the cut', async () => {
    const upload = await store.upload('crash/list');
    await upload.putPart(1, Buffer.from('one'));
    await appendFile(join(folderOf(upload.id), 'parts.jsonl'), '{"number":2,"byt');
    const again = await store.resumeUpload('crash/list', upload.id);
    expect((await again?.parts())?.map(({ number }) => number)).toEqual([1]);
    await again?.abort();
  });

  it('lists no part that a crash of the machine has taken the bytes of', async () => {
    const upload = await store.upload('crash/machine');
    await upload.putPart(1, Buffer.from('one'));
    await upload.putPart(2, Buffer.from('two'));
    const list = join(folderOf(upload.id), 'parts.jsonl');
    await writeFile(list, (await readFile(list, 'utf8')).replace(/"boot":"[^"]*"/g, '"boot":"another"'));
    await writeFile((await bodiesOf(upload.id))[0] ?? '', 'one\0\0\0');
    const again = await store.resumeUpload('crash/machine', upload.id);
    expect((await again?.parts())?.map(({ number }) => number)).toEqual([1]);
    await again?.abort();
  });

  it('refuses to make an object of a part that rotted on the disk', async () => {
    const upload = await store.upload('crash/rotten');
    const parts = [await upload.putPart(1, Buffer.from('one'))];
    await writeFile((await bodiesOf(upload.id))[0] ?? '', 'onf');
    const again = await store.resumeUpload('crash/rotten', upload.id);
    await expect(again?.complete(parts)).rejects.toMatchObject({ code: 'ObjectDamaged' });
    expect(await store.head('crash/rotten')).toBeUndefined();
    await again?.abort();
  });

  it('is not opened by an id that leads elsewhere, or for another key', async () => {
    const upload = await store.upload('crash/mine');
    expect(await store.resumeUpload('crash/yours', upload.id)).toBeUndefined();
    expect(await store.resumeUpload('crash/mine', `../${upload.id}`)).toBeUndefined();
    await upload.abort();
  });

  it('has no URL to sign', async () => {
    expect(await store.presignedUrl('x', 60)).toBeUndefined();
  });
});
