// A store and a network that fail: what ferry writes and reads is still complete and right, or ends with a named error.

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { S3Gateway } from '../../src/local/s3-gateway.js';
import type { ObjectStore, StoredPart, Upload } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { faultyProxy, firstTimes, type Fault, type FaultyProxy, type Seen } from '../support/faulty-proxy.js';
import {
  allOf,
  hashOf,
  madeBytes,
  s3PlaceForTests,
  textOf,
  type StorePlace,
} from '../support/object-stores.js';

const MIB = 1024 ** 2;
let place: StorePlace & { gateway: S3Gateway };
let proxy: FaultyProxy;
let store: ObjectStore;

beforeAll(async () => {
  place = await s3PlaceForTests();
  proxy = await faultyProxy(place.gateway.endpoint);
  store = opened();
  // The probe of this store is over before any test counts its requests.
  await store.put('first', Buffer.from('first'));
});
afterEach(() => {
  proxy.plan = () => undefined;
  proxy.seen.length = 0;
  proxy.faults = 0;
});
afterAll(async () => {
  await proxy.end();
  await place.end();
});

function opened(more: object = {}): ObjectStore {
  return openStore({ ...place.connection, endpoint: proxy.endpoint, ...more });
}

const isPart = ({ method, url }: Seen) => method === 'PUT' && url.includes('partNumber');
const isGet = ({ method, url }: Seen) => method === 'GET' && !url.includes('list-type');
const isCompletion = ({ method, url }: Seen) => method === 'POST' && url.includes('uploadId');

const bodies = [1, 2, 3].map((number) => madeBytes(5 * MIB, number));
const whole = createHash('sha256').update(Buffer.concat(bodies)).digest('hex');

async function sendAll(upload: Upload): Promise<StoredPart[]> {
  return Promise.all(bodies.map((body, at) => upload.putPart(at + 1, body)));
}

it.each(['PUT', 'DELETE'])('a %s is not sent again once nothing may be written any more', async (method) => {
  await store.put('faults/held', Buffer.from('there'));
  proxy.seen.length = 0;
  let sent = 0;
  const options = {
    beforeRequest: () => {
      sent += 1;
      if (sent > 2) throw new Error('the lease has ended');
    },
  };
  proxy.plan = (seen) => (seen.method === method ? { answer: 503 } : undefined);
  const write =
    method === 'PUT'
      ? store.put('faults/held', Buffer.from('other'), options)
      : store.delete('faults/held', options);
  await expect(write).rejects.toThrow('the lease has ended');
  expect(proxy.seen.filter((seen) => seen.method === method)).toHaveLength(2);
  proxy.plan = () => undefined;
  expect(await textOf(store.read('faults/held'))).toBe('there');
});

it('a probe sends bytes that are not those of their checksum once, for the refusal is the answer', async () => {
  proxy.seen.length = 0;
  await opened().upload('faults/probed');
  const small = proxy.seen.filter(({ method, url }) => method === 'PUT' && !url.includes('partNumber'));
  // With and without the object there, and the wrong bytes.
  expect(small).toHaveLength(3);
});

describe('a probe leaves nothing behind', () => {
  const losses: [string, (seen: Seen) => boolean][] = [
    ['of a begun upload', ({ method, url }) => method === 'POST' && url.includes('uploads')],
    ['of an aborted upload', ({ method, url }) => method === 'DELETE' && url.includes('uploadId')],
    ['of a deleted object', ({ method, url }) => method === 'DELETE' && !url.includes('uploadId')],
  ];

  it.each(losses)('when the answer %s is lost', async (_, isLost) => {
    proxy.plan = firstTimes(1, isLost, { loseAnswer: true });
    const fresh = opened();
    await fresh.put('probed', Buffer.from('probed'));
    expect(proxy.faults).toBe(1);
    expect(await allOf(fresh.uploads('.ferry-probe/'))).toEqual([]);
    expect(await allOf(fresh.list('.ferry-probe/'))).toEqual([]);
  });
});

describe('an upload is complete and right', () => {
  const faults: [string, Fault, number][] = [
    ['500', { answer: 500 }, 4],
    ['503 SlowDown', { answer: 503 }, 4],
    ['a connection that is cut inside a part', { cutRequestAt: 2 * MIB }, 4],
    ['an answer that is lost', { loseAnswer: true }, 3],
    ['a bit that flips on the way', { flipBitAt: 3 * MIB }, 2],
    ['a slow line', { bytesPerSecond: 20 * MIB }, 3],
  ];

  it.each(faults)('in spite of %s', async (name, fault, times) => {
    const key = `faults/${name}`;
    const upload = await store.upload(key);
    proxy.plan = firstTimes(times, isPart, fault);
    const parts = await sendAll(upload);
    expect(proxy.faults).toBe(times);
    await upload.complete(parts, { ifAbsent: true });
    expect(await hashOf(store.read(key))).toBe(whole);
  });

  it('when the answer to its completion is lost', async () => {
    const upload = await store.upload('faults/completed');
    const parts = await sendAll(upload);
    proxy.plan = firstTimes(1, isCompletion, { loseAnswer: true });
    expect(await upload.complete(parts, { ifAbsent: true })).toMatchObject({ bytes: 15 * MIB });
    expect(proxy.faults).toBe(1);
    expect(await hashOf(store.read('faults/completed'))).toBe(whole);
  });

  it('when it is begun, listed and completed by a store that answers every second request', async () => {
    let count = 0;
    proxy.plan = () => (count++ % 2 === 0 ? { answer: 503 } : undefined);
    const upload = await store.upload('faults/second');
    const again = await store.resumeUpload('faults/second', upload.id);
    await again?.putPart(1, bodies[0] as Buffer);
    await again?.complete(await again.parts());
    proxy.plan = () => undefined;
    expect((await store.head('faults/second'))?.bytes).toBe(5 * MIB);
  });
});

describe('a small object is written once', () => {
  it('also when the answer to the write is lost', async () => {
    proxy.plan = firstTimes(1, ({ method }) => method === 'PUT', { loseAnswer: true });
    await store.put('faults/once', Buffer.from('mine'), { ifAbsent: true });
    expect(proxy.faults).toBe(1);
    expect(await textOf(store.read('faults/once'))).toBe('mine');
  });
});

describe('a stream', () => {
  const total = 15 * MIB;
  beforeAll(async () => {
    const upload = await store.upload('faults/read');
    await upload.complete(await sendAll(upload));
  });

  it('that is cut continues where it was, by Range and only with the same object', async () => {
    proxy.plan = firstTimes(4, isGet, { cutAnswerAt: 3 * MIB + 17 });
    expect(await hashOf(store.read('faults/read', { range: { from: 0, to: total } }))).toBe(whole);
    const gets = proxy.seen.filter(isGet);
    expect(gets).toHaveLength(5);
    expect(gets.slice(1).every(({ headers }) => headers['if-match'] && headers.range)).toBe(true);
  });

  it('that is cut again and again throws, and never ends as if it were whole', async () => {
    proxy.plan = (request) => (isGet(request) ? { cutAnswerAt: 0 } : undefined);
    await expect(hashOf(store.read('faults/read'))).rejects.toMatchObject({
      code: 'StoreUnreachable',
      retryable: true,
      message: expect.stringMatching(/\[bucket=backups, key=some\/prefix\/faults\/read\]$/),
    });
  });

  it('of an object that is replaced half way is refused', async () => {
    await store.put('faults/replaced', madeBytes(3 * MIB, 1));
    proxy.plan = firstTimes(1, isGet, { cutAnswerAt: MIB });
    const reading = async () => {
      let replaced = false;
      for await (const chunk of store.read('faults/replaced')) {
        if (chunk.byteLength > 0 && !replaced) await store.put('faults/replaced', madeBytes(3 * MIB, 2));
        replaced = true;
      }
    };
    await expect(reading()).rejects.toMatchObject({ code: 'ObjectDamaged' });
  });

  it('stops at once when requested', async () => {
    proxy.plan = (request) => (isGet(request) ? { bytesPerSecond: MIB } : undefined);
    const stop = new AbortController();
    const reading = async () => {
      for await (const chunk of store.read('faults/read', { signal: stop.signal })) {
        if (chunk.byteLength > 0) stop.abort(new Error('told to stop'));
      }
    };
    await expect(reading()).rejects.toThrow('told to stop');
  });
});

describe('what cannot be fixed has a code', () => {
  it.each([
    ['StoreThrottled', { answer: 503 } as Fault, true],
    ['StoreUnreachable', { answer: 500 } as Fault, true],
    ['StoreUnreachable', { cutRequestAt: MIB } as Fault, true],
    ['ObjectDamaged', { flipBitAt: MIB } as Fault, true],
    ['StoreAccessDenied', { answer: 403 } as Fault, false],
  ])('%s, after %j for good', async (code, fault, retryable) => {
    const upload = await store.upload('faults/for-good');
    proxy.plan = (request) => (isPart(request) ? fault : undefined);
    const attempt = upload.putPart(1, bodies[0] as Buffer);
    await expect(attempt).rejects.toMatchObject({
      code,
      retryable,
      message: expect.stringMatching(/\[bucket=backups, key=some\/prefix\/faults\/for-good\]$/),
    });
    proxy.plan = () => undefined;
    await upload.abort();
    expect(await allOf(store.uploads('faults/for-good'))).toEqual([]);
    expect(await store.head('faults/for-good')).toBeUndefined();
  });

  it('access refused, before anything else happens', async () => {
    proxy.plan = () => ({ answer: 403 });
    const refused = opened().upload('faults/refused');
    await expect(refused).rejects.toMatchObject({
      code: 'StoreAccessDenied',
      context: { bucket: 'backups' },
    });
    // A list of what a dead probe left, then the probe itself. Nothing after it.
    expect(proxy.seen.map(({ method }) => method)).toEqual(['GET', 'PUT']);
  });
});

describe('what ferry.yaml says about writing', () => {
  it.each([
    [{ sse: 'AES256' as const }, { 'x-amz-server-side-encryption': 'AES256' }],
    [
      { sse: { kms: 'key-1' } },
      { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'key-1' },
    ],
    [{ storageClass: 'STANDARD_IA' }, { 'x-amz-storage-class': 'STANDARD_IA' }],
  ])('%j goes with small objects and with uploads', async (more, headers) => {
    const writing = opened({ ...more, profile: 'minio' });
    proxy.plan = () => ({ answer: 403 });
    await expect(writing.put('said/small', Buffer.from('1'))).rejects.toThrow();
    await expect(writing.upload('said/large')).rejects.toThrow();
    const writes = proxy.seen.filter(({ method }) => method !== 'GET');
    expect(writes).toHaveLength(2);
    for (const request of writes) expect(request.headers).toMatchObject(headers);
  });
});
