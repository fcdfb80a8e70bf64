// A prune on real stores: a folder, an S3 gateway that keeps versions, and a bucket with Object Lock. It is cut off at its
// writes, and resumed.

import {
  CreateBucketCommand,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pruneStore } from '../../src/backups/retention/prune-store.js';
import { collectionFolder, manifestKey, pinKey } from '../../src/model/format/backup-names.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { copyAged } from '../support/aged-store.js';
import { allOf, filePlaceForTests, s3PlaceForTests, type StorePlace } from '../support/object-stores.js';
import {
  dyingStore,
  expectHonest,
  keysIn,
  NEVER,
  pruneInput,
  runId,
  storeWithRuns,
} from '../support/pruned-stores.js';

const attempt = { holder: 'a test', signal: NEVER };
const NEWEST = [`${runId(12)}/docs`, `${runId(12)}/images`];

describe.each([
  ['a folder', filePlaceForTests],
  ['an S3 gateway', s3PlaceForTests],
])('in %s', (_name, open) => {
  let place: StorePlace;
  let opened = 0;
  beforeAll(async () => void (place = await open()));
  afterAll(() => place.end());

  /** Each with a prefix of its own. */
  async function fresh(days: number[]): Promise<ObjectStore> {
    const { alias, url } = place.connection;
    const store = openStore({ ...place.connection, alias, url: `${url}/${(opened += 1)}` });
    await copyAged(storeWithRuns(days), store, place.folder);
    return store;
  }

  it('removes what no rule keeps, by the time of the store', async () => {
    const store = await fresh([10, 11, 12]);
    const result = await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    expect(result).toMatchObject({ removed: 4, kept: 2, left: [] });
    expect(await expectHonest(store)).toEqual(NEWEST);
    expect((await keysIn(store)).filter((key) => !key.includes(runId(12)))).toEqual([]);
  });

  it('is honest wherever it is cut off, and is finished by the next', async () => {
    for (let writes = 2; writes < 30; writes += 3) {
      const store = await fresh([10, 11, 12]);
      const input = pruneInput({ keepLast: 1 });
      await pruneStore(dyingStore(store, writes, writes % 2 === 0), input, attempt).catch(() => undefined);
      expect(await expectHonest(store)).toEqual(expect.arrayContaining(NEWEST));
      await pruneStore(store, input, attempt);
      expect(await expectHonest(store)).toEqual(NEWEST);
      expect((await keysIn(store)).filter((key) => !key.includes(runId(12)))).toEqual([]);
    }
  });

  it('two at the same moment remove the same, and neither fails but by the other', async () => {
    const store = await fresh([8, 9, 10, 11, 12]);
    const terms = ['a', 'b'].map((holder) => ({ ...attempt, holder, termMs: 10_000 }));
    const ends = await Promise.allSettled(
      terms.map((one) => pruneStore(store, pruneInput({ keepLast: 1 }), one)),
    );
    expect(ends.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const end of ends)
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'PruneBusy' });
    expect(await expectHonest(store)).toEqual(NEWEST);
  });

  it('removes uploads that nobody will complete once they are old, and leaves young ones', async () => {
    const store = await fresh([10, 12]);
    const key = `${collectionFolder('prod', runId(10), 'docs')}cut.snapshot`;
    await (await store.upload(key)).putPart(1, Buffer.from('a part'));
    const { swept } = await pruneStore(store, pruneInput({ keepLast: 5 }), attempt);
    expect(swept.uploads).toBe(0);
    expect(await allOf(store.uploads('prod/'))).toHaveLength(1);
  });

  it('is refused, like every write, where ferry.yaml marks the store readOnly', async () => {
    const written = await fresh([10, 11, 12]);
    const url = `${place.connection.url}/${opened}`;
    const store = openStore({ ...place.connection, url, readOnly: true });
    const before = await keysIn(written);
    const refused = { code: 'StoreReadOnly', retryable: false };
    await expect(pruneStore(store, pruneInput({ keepLast: 1 }), attempt)).rejects.toMatchObject(refused);
    await expect(store.put('a', Buffer.from('b'))).rejects.toMatchObject(refused);
    await expect(store.delete(pinKey('prod', runId(10), 'docs'))).rejects.toMatchObject(refused);
    await expect(store.upload('a')).rejects.toMatchObject(refused);
    await store.probe();
    expect(await keysIn(written)).toEqual(before);
    const plan = await pruneStore(store, pruneInput({ keepLast: 1, dryRun: true }), attempt);
    expect(plan.removed).toBe(4);
  });
});

describe('in a bucket with Object Lock', () => {
  let place: Awaited<ReturnType<typeof s3PlaceForTests>>;
  let raw: S3Client;
  let store: ObjectStore;

  beforeAll(async () => {
    place = await s3PlaceForTests();
    const { endpoint, region, accessKeyId, secretAccessKey } = place.gateway;
    const credentials = { accessKeyId, secretAccessKey };
    raw = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await raw.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
    store = openStore({ ...place.connection, url: 's3://locked/prefix' });
    await copyAged(storeWithRuns([9, 10, 11, 12]), store, place.folder);
  });
  afterAll(() => place.end());

  it('leaves what is locked or under a legal hold, whole, and says so', async () => {
    const Bucket = 'locked';
    const RetainUntilDate = new Date(Date.now() + 86_400_000);
    const shard = `prefix/${collectionFolder('prod', runId(10), 'docs')}s.snapshot`;
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate } as const;
    await raw.send(new PutObjectRetentionCommand({ Bucket, Key: shard, Retention }));
    const manifest = `prefix/${manifestKey('prod', runId(11), 'docs')}`;
    const LegalHold = { Status: 'ON' } as const;
    await raw.send(new PutObjectLegalHoldCommand({ Bucket, Key: manifest, LegalHold }));
    const { backups, removed } = await pruneStore(store, pruneInput({ keepLast: 1 }), attempt);
    const reasonsOf = (day: number) =>
      backups.find((one) => one.backup === runId(day) && one.collection === 'docs')?.reasons.join();
    expect(reasonsOf(10)).toMatch(/^locked by the store until 20/);
    expect(reasonsOf(11)).toBe('under a legal hold');
    expect(removed).toBe(4);
    expect(await expectHonest(store)).toEqual([`${runId(10)}/docs`, `${runId(11)}/docs`, ...NEWEST].sort());
  });

  it('leaves no version of what it removed', async () => {
    const { Versions = [], DeleteMarkers = [] } = await raw.send(
      new ListObjectVersionsCommand({ Bucket: 'locked', Prefix: `prefix/prod/${runId(9)}/` }),
    );
    expect([...Versions, ...DeleteMarkers]).toEqual([]);
  });
});
