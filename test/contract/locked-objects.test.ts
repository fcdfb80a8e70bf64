// Object Lock: what a bucket keeps for a time nobody deletes, and ferry says so.

import {
  CreateBucketCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { S3Gateway } from '../../src/local/s3-gateway.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { s3PlaceForTests, textOf, type StorePlace } from '../support/object-stores.js';

let place: StorePlace & { gateway: S3Gateway };
let store: ObjectStore;
let raw: S3Client;

beforeAll(async () => {
  place = await s3PlaceForTests();
  const { endpoint, region, accessKeyId, secretAccessKey } = place.gateway;
  raw = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  });
  await raw.send(new CreateBucketCommand({ Bucket: 'locked', ObjectLockEnabledForBucket: true }));
  store = openStore({ ...place.connection, url: 's3://locked/prefix' });
});
afterAll(() => place.end());

it('refuses to delete an object that is kept until a day', async () => {
  await store.put('kept', Buffer.from('kept'));
  const RetainUntilDate = new Date(Date.now() + 86_400_000);
  const at = { Bucket: 'locked', Key: 'prefix/kept' };
  await raw.send(
    new PutObjectRetentionCommand({ ...at, Retention: { Mode: 'COMPLIANCE', RetainUntilDate } }),
  );
  await expect(store.delete('kept')).rejects.toMatchObject({
    code: 'StoreRejected',
    retryable: false,
    message: expect.stringMatching(/Object Lock.*\[bucket=locked, key=prefix\/kept\]$/),
  });
  expect(await textOf(store.read('kept'))).toBe('kept');
});

it('refuses to delete an object under legal hold, and deletes it afterwards', async () => {
  await store.put('held', Buffer.from('held'));
  const hold = (Status: 'ON' | 'OFF') =>
    raw.send(new PutObjectLegalHoldCommand({ Bucket: 'locked', Key: 'prefix/held', LegalHold: { Status } }));
  await hold('ON');
  await expect(store.delete('held')).rejects.toMatchObject({ code: 'StoreRejected' });
  await hold('OFF');
  await store.delete('held');
  expect(await store.head('held')).toBeUndefined();
});

it('writes and completes uploads where everything is locked', async () => {
  const upload = await store.upload('large');
  await upload.complete([await upload.putPart(1, Buffer.from('large'))], { ifAbsent: true });
  expect(await textOf(store.read('large'))).toBe('large');
});
