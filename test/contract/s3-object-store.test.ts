// What only S3 has: versions, locks, checksums, signed URLs, and providers that lack something.

import {
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { readdir, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Gateway } from '../../src/local/s3-gateway.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { S3Bucket } from '../../src/storage/s3-bucket.js';
import { probeS3 } from '../../src/storage/s3-object-store.js';
import { openStore, probeStore } from '../../src/storage/open-store.js';
import {
  allOf,
  hashOf,
  madeBytes,
  s3PlaceForTests,
  textOf,
  type StorePlace,
} from '../support/object-stores.js';

let place: StorePlace & { gateway: S3Gateway };
let store: ObjectStore;
let raw: S3Client;

beforeAll(async () => {
  place = await s3PlaceForTests();
  store = openStore(place.connection);
  const { endpoint, region, accessKeyId, secretAccessKey } = place.gateway;
  raw = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
});
afterAll(() => place.end());

const opened = (more: object) => openStore({ ...place.connection, ...more });

async function keptBytes(key: string): Promise<number> {
  const Prefix = `some/prefix/${key}`;
  const { Versions, DeleteMarkers } = await raw.send(
    new ListObjectVersionsCommand({ Bucket: 'backups', Prefix }),
  );
  return (Versions?.length ?? 0) + (DeleteMarkers?.length ?? 0);
}

describe('a part', () => {
  it('whose SHA-256 is wrong is refused by the store itself', async () => {
    const upload = await store.upload('checked');
    const UploadId = upload.id.slice(upload.id.indexOf('.') + 1);
    const wrong = new UploadPartCommand({
      Bucket: 'backups',
      Key: 'some/prefix/checked',
      UploadId,
      PartNumber: 1,
      Body: Buffer.from('one'),
      ChecksumSHA256: Buffer.alloc(32, 1).toString('base64'),
    });
    await expect(raw.send(wrong)).rejects.toThrow();
    expect(await upload.parts()).toEqual([]);
    await upload.abort();
    const { Uploads } = await raw.send(new ListMultipartUploadsCommand({ Bucket: 'backups' }));
    expect(Uploads ?? []).toEqual([]);
  });

  it('is listed beyond the first thousand', async () => {
    const upload = await store.upload('thousands');
    for (let from = 1; from <= 1_020; from += 20) {
      const numbers = Array.from({ length: 20 }, (_, at) => from + at);
      await Promise.all(numbers.map((number) => upload.putPart(number, Buffer.from(`${number}`))));
    }
    const again = await store.resumeUpload('thousands', upload.id);
    const parts = (await again?.parts()) ?? [];
    expect(parts.map(({ number }) => number)).toEqual(Array.from({ length: 1_020 }, (_, at) => at + 1));
    await upload.abort();
  });
});

describe('an object', () => {
  it('that lost its end on the disk of the store is noticed by its length', async () => {
    await store.put('cut', madeBytes(100_000, 1));
    const folder = join(place.folder, 'objects/backups/some/prefix');
    expect(await readdir(folder)).toContain('cut');
    await truncate(join(folder, 'cut'), 70_000);
    const read = hashOf(store.read('cut', { range: { from: 0, to: 100_000 } }));
    await expect(read).rejects.toMatchObject({ code: 'ObjectDamaged' });
  });
});

describe('a bucket with versions', () => {
  beforeAll(async () => {
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await raw.send(new PutBucketVersioningCommand({ Bucket: 'backups', VersioningConfiguration }));
  });

  it('gives each object the id of its version', async () => {
    const first = await store.put('versions/a', Buffer.from('1'));
    const second = await store.put('versions/a', Buffer.from('2'));
    expect(first.versionId).toBeDefined();
    expect(second.versionId).not.toBe(first.versionId);
  });

  it('keeps no byte of what is deleted, and nothing comes back', async () => {
    for (let version = 1; version <= 5; version += 1)
      await store.put('versions/b', Buffer.from(`${version}`));
    await store.put('versions/bb', Buffer.from('beside'));
    await store.delete('versions/b');
    expect(await store.head('versions/b')).toBeUndefined();
    expect(await keptBytes('versions/b')).toBe(1);
    expect(await textOf(store.read('versions/bb'))).toBe('beside');
  });

  it('still writes once', async () => {
    await store.put('versions/once', Buffer.from('1'), { ifAbsent: true });
    const again = store.put('versions/once', Buffer.from('2'), { ifAbsent: true });
    await expect(again).rejects.toMatchObject({ code: 'ObjectExists' });
  });
});

describe('a signed URL', () => {
  it('is read by any HTTP client', async () => {
    await store.put('signed/ä b+c.json', Buffer.from('{"yes":true}'));
    const url = (await store.presignedUrl('signed/ä b+c.json', 60)) ?? '';
    expect(await (await fetch(url)).json()).toEqual({ yes: true });
    const range = await fetch(url, { headers: { Range: 'bytes=0-3' } });
    expect([range.status, await range.text()]).toEqual([206, '{"ye']);
  });

  it('is a GET only, and ends', async () => {
    const url = (await store.presignedUrl('signed/ä b+c.json', 1)) ?? '';
    expect((await fetch(url, { method: 'PUT', body: 'no' })).status).toBe(403);
    await new Promise((resolve) => setTimeout(resolve, 2_100));
    expect((await fetch(url)).status).toBe(403);
  });
});

describe('an error', () => {
  it('of wrong keys names bucket and key, and no secret', async () => {
    const secret = 'this-is-the-wrong-secret';
    const wrong = opened({ profile: 'minio', secretAccessKey: secret });
    const attempts: (() => Promise<unknown>)[] = [
      () => wrong.put('denied/x', Buffer.from('x')),
      () => wrong.head('denied/x'),
      () => textOf(wrong.read('denied/x')),
      () => allOf(wrong.list('denied/x')),
      () => wrong.delete('denied/x'),
      () => probeStore(wrong),
      () => wrong.upload('denied/x'),
    ];
    for (const attempt of attempts) {
      const error = await attempt().then(
        () => undefined,
        (thrown: Error) => thrown,
      );
      expect(error).toMatchObject({ code: 'StoreKeysUnknown', retryable: false });
      expect(error?.message).toMatch(/ \[bucket=backups, key=some\/prefix\/\S+\]$/);
      const everything = inspect(error, { depth: 10, showHidden: true });
      for (const forbidden of [secret, 'Signature=', 'X-Amz-', 'Authorization']) {
        expect(everything).not.toContain(forbidden);
      }
    }
  });

  it('of a bucket that is not there says so, and is not retried', async () => {
    const nowhere = openStore({ ...place.connection, url: 's3://nowhere/x' });
    await expect(probeStore(nowhere)).rejects.toMatchObject({ code: 'StoreRejected', retryable: false });
    await expect(probeStore(nowhere)).rejects.toThrow(/NoSuchBucket.*\[bucket=nowhere, key=x\/.+\]$/);
  });

  it('of a store that is not there is retryable', async () => {
    const away = opened({ endpoint: 'http://127.0.0.1:9' });
    await expect(away.head('x')).rejects.toMatchObject({ code: 'StoreUnreachable', retryable: true });
  });
});

describe('a provider that lacks something', () => {
  const oss = () => opened({ profile: 'oss', pathStyle: true });

  it('is known by its profile, which says what is done instead', () => {
    expect(oss().limitations).toHaveLength(2);
    expect(oss().limitations[0]).toMatch(/No conditional writes: .* looks for an object/);
    expect(oss().limitations[1]).toMatch(/No SHA-256/);
    expect(opened({ profile: 'aws' }).limitations).toEqual([]);
  });

  it('still refuses to write twice what is written once', async () => {
    const lacking = oss();
    await lacking.put('lacking/once', Buffer.from('1'), { ifAbsent: true });
    await lacking.put('lacking/once', Buffer.from('1'), { ifAbsent: true });
    const other = lacking.put('lacking/once', Buffer.from('2'), { ifAbsent: true });
    await expect(other).rejects.toMatchObject({ code: 'ObjectExists' });
    const upload = await lacking.upload('lacking/once');
    const parts = [await upload.putPart(1, Buffer.from('3'))];
    await expect(upload.complete(parts, { ifAbsent: true })).rejects.toMatchObject({ code: 'ObjectExists' });
    await upload.abort();
  });

  it('gives parts of the same process back, and lists none whose SHA-256 it does not know', async () => {
    const lacking = oss();
    const upload = await lacking.upload('lacking/parts');
    const part = await upload.putPart(1, madeBytes(100, 1));
    expect(await upload.parts()).toEqual([part]);
    expect(await (await lacking.resumeUpload('lacking/parts', upload.id))?.parts()).toEqual([]);
    expect(await upload.complete([part])).toMatchObject({ bytes: 100 });
  });

  it('is found out by a probe, whatever the profile says', async () => {
    const pessimistic = oss();
    expect(await probeStore(pessimistic)).toEqual({ limitations: [] });
    expect(pessimistic.limitations).toEqual([]);
  });
});

it('removes in a probe what a worker that was killed in one has left, and nothing younger', async () => {
  const bucket = new S3Bucket(place.connection);
  const left = () => allOf(store.uploads('.ferry-probe/'));
  await store.upload('.ferry-probe/of-a-dead-worker');
  await probeS3(bucket);
  expect((await left()).map(({ key }) => key)).toEqual(['.ferry-probe/of-a-dead-worker']);
  await probeS3(bucket, Date.now() + 3_600_000);
  expect(await left()).toEqual([]);
});

it('reads what another S3 client wrote, and the other way round', async () => {
  await raw.send(new PutObjectCommand({ Bucket: 'backups', Key: 'some/prefix/theirs', Body: 'theirs' }));
  expect(await textOf(store.read('theirs'))).toBe('theirs');
  await store.put('ours', Buffer.from('ours'));
  const { Body } = await raw.send(new GetObjectCommand({ Bucket: 'backups', Key: 'some/prefix/ours' }));
  expect(await Body?.transformToString()).toBe('ours');
});
