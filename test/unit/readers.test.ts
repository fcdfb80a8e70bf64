// Who reads a backup keeps it, whichever of the two was first: the prune, or the job.

import { describe, expect, it } from 'vitest';
import { forgetBackup } from '../../src/backups/retention/forget-backup.js';
import { pruneStore } from '../../src/backups/retention/prune-store.js';
import { noteReader, readersOf, removeReader } from '../../src/backups/retention/readers.js';
import {
  collectionFolder,
  manifestKey,
  prunedKey,
  readersFolder,
} from '../../src/model/format/backup-names.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { allOf } from '../support/object-stores.js';
import type { MemoryStore } from '../support/memory-store.js';
import { expectHonest, keysIn, NEVER, pruneInput, runId, storeWithRuns } from '../support/pruned-stores.js';

const attempt = { holder: 'a test', signal: NEVER };
const ofDocs = (day: number) => ({ cluster: 'prod', backup: runId(day), collection: 'docs' });
const READER = 'ferry/scratch/docs';
const DAYS = [10, 11, 12, 13];

const newest = [12, 13].flatMap((day) => [`${runId(day)}/docs`, `${runId(day)}/images`]);

/** Something happens at the moment of one call of the store. */
function meanwhile(
  store: MemoryStore,
  when: (name: string, key: string) => boolean,
  act: () => Promise<unknown>,
): ObjectStore {
  let isDone = false;
  return new Proxy<ObjectStore>(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      const call = member.bind(target) as (key: string, ...rest: unknown[]) => unknown;
      if (name !== 'put' && name !== 'delete' && name !== 'head') return call;
      return async (key: string, ...rest: unknown[]) => {
        if (!isDone && when(name, key)) {
          isDone = true;
          await act();
        }
        return call(key, ...rest);
      };
    },
  });
}

describe('a backup that is read', () => {
  it('is kept by a prune, with the name of the job, until the job is over', async () => {
    const store = storeWithRuns(DAYS);
    await noteReader(store, ofDocs(10), READER);
    const kept = await pruneStore(store, pruneInput(), attempt);
    expect(
      kept.backups.find(({ backup, collection }) => backup === runId(10) && collection === 'docs'),
    ).toEqual(expect.objectContaining({ keep: true, reasons: [`being read by ${READER}`] }));
    expect(await expectHonest(store)).toEqual([`${runId(10)}/docs`, ...newest]);
    await removeReader(store, ofDocs(10), READER);
    await pruneStore(store, pruneInput(), attempt);
    expect(await expectHonest(store)).toEqual(newest);
    expect(await allOf(store.list(readersFolder('prod')))).toEqual([]);
  });

  it('is not forgotten by name', async () => {
    const store = storeWithRuns(DAYS);
    await noteReader(store, ofDocs(10), READER);
    await expect(forgetBackup(store, { cluster: 'prod', backup: runId(10) }, attempt)).rejects.toMatchObject({
      code: 'BackupKept',
      message: expect.stringContaining(READER) as string,
    });
    expect(await expectHonest(store)).toContain(`${runId(10)}/docs`);
  });

  it('stays where the job begins after the prune has decided, and its run with it', async () => {
    const store = storeWithRuns(DAYS);
    const isMarker = (name: string, key: string) =>
      name === 'put' && key === prunedKey('prod', runId(10), 'docs');
    const watched = meanwhile(store, isMarker, () => noteReader(store, ofDocs(10), READER));
    const { left } = await pruneStore(watched, pruneInput(), attempt);
    expect(left).toEqual([
      { key: manifestKey('prod', runId(10), 'docs'), why: `It is being read by ${READER}` },
    ]);
    expect(await expectHonest(store)).toEqual([`${runId(10)}/docs`, ...newest]);
    expect(await store.head(prunedKey('prod', runId(10), 'docs'))).toBeUndefined();
    expect((await keysIn(store)).filter((key) => key.endsWith(`${runId(10)}/backup.json`))).toHaveLength(1);
  });

  it('is found gone by a job that begins while its manifest is being deleted', async () => {
    const store = storeWithRuns(DAYS);
    let noted: Promise<void> | undefined;
    const isManifest = (name: string, key: string) =>
      name === 'delete' && key === manifestKey('prod', runId(10), 'docs');
    const watched = meanwhile(store, isManifest, async () => {
      noted = noteReader(store, ofDocs(10), READER);
    });
    await pruneStore(watched, pruneInput(), attempt);
    await noted;
    expect(await store.head(manifestKey('prod', runId(10), 'docs'))).toBeUndefined();
    expect(await expectHonest(store)).toEqual(newest);
  });

  it('counts for a day by the time of the store, and then its object goes', async () => {
    const store = storeWithRuns(DAYS);
    await noteReader(store, ofDocs(10), READER);
    const [object] = await allOf(store.list(readersFolder('prod')));
    const hours = (count: number) =>
      new Date(new Date(object?.modifiedAt ?? '').getTime() + count * 3_600_000);
    expect(await readersOf(store, hours(23), 'prod')).toMatchObject({ readers: [{ reader: READER }] });
    expect(await readersOf(store, hours(25), 'prod')).toMatchObject({ readers: [], expired: [object] });
    store.write(object?.key ?? '', '{}', '2026-11-01T00:00:00.000Z');
    await pruneStore(store, pruneInput(), attempt);
    expect(await expectHonest(store)).toEqual(newest);
    expect(await allOf(store.list(readersFolder('prod')))).toEqual([]);
  });

  it('stays where a job comes back after more than a day, when the prune has just decided', async () => {
    const store = storeWithRuns(DAYS);
    await noteReader(store, ofDocs(10), 'another');
    const [object] = await allOf(store.list(readersFolder('prod')));
    store.write(object?.key ?? '', '{}', '2026-11-01T00:00:00.000Z');
    const isLook = (name: string, key: string) =>
      name === 'head' && key.startsWith(collectionFolder('prod', runId(10), 'docs'));
    const comesBack = async () => store.write(object?.key ?? '', '{}');
    const { left } = await pruneStore(meanwhile(store, isLook, comesBack), pruneInput(), attempt);
    expect(left).toEqual([{ key: manifestKey('prod', runId(10), 'docs'), why: 'It is being read by a job' }]);
    expect(await expectHonest(store)).toEqual([`${runId(10)}/docs`, ...newest]);
    expect(await allOf(store.list(readersFolder('prod')))).toHaveLength(1);
  });

  it('counts although its object is not readable, and for each job by itself', async () => {
    const store = storeWithRuns(DAYS);
    await noteReader(store, ofDocs(10), READER);
    await noteReader(store, ofDocs(10), 'another');
    await removeReader(store, ofDocs(10), READER);
    const [object] = await allOf(store.list(readersFolder('prod')));
    store.write(object?.key ?? '', 'not even a document');
    const now = new Date(object?.modifiedAt ?? '');
    expect(await readersOf(store, now, 'prod')).toMatchObject({ readers: [{ reader: 'a job' }] });
    await pruneStore(store, pruneInput(), attempt);
    expect(await expectHonest(store)).toContain(`${runId(10)}/docs`);
  });
});
