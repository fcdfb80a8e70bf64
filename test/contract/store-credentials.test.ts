// What a store says of credentials, clocks, parts and archives, and what ferry makes of it. A real gateway, restarted with other
// keys; where it does not know a word of S3's, a proxy says it.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startS3Gateway, type S3Gateway } from '../../src/local/s3-gateway.js';
import type { StoreConnection } from '../../src/model/ferry-config.js';
import { uploadStream } from '../../src/shards/upload-stream.js';
import { S3ObjectStore } from '../../src/storage/s3-object-store.js';
import { requireObjects } from '../../src/backups/read-backup.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { allOf, textOf } from '../support/object-stores.js';

interface Keys {
  accessKeyId: string;
  secretAccessKey: string;
}
const OLD = { accessKeyId: 'key-of-yesterday', secretAccessKey: 'secret-of-yesterday' };
const NEW = { accessKeyId: 'key-of-today', secretAccessKey: 'secret-of-today' };

let folder: string;
let gateway: S3Gateway;
let proxy: FaultyProxy;
const environment = { ...process.env };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-credentials-'));
  gateway = await startGateway(OLD);
  proxy = await faultyProxy(gateway.endpoint);
});
afterEach(() => {
  proxy.plan = () => undefined;
  proxy.seen.length = 0;
  for (const name of ['AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_EC2_METADATA_DISABLED'])
    if (environment[name] === undefined) delete process.env[name];
});
afterAll(async () => {
  await proxy?.end();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

function startGateway(keys: Keys, port?: number): Promise<S3Gateway> {
  const at = port === undefined ? {} : { port };
  return startS3Gateway({ folder: join(folder, 's3'), bucket: 'backups', ...keys, ...at });
}

/** The same objects at the same address, for whoever has these keys and nobody else. */
async function changeKeys(keys: Keys): Promise<void> {
  const port = Number(new URL(gateway.endpoint).port);
  await gateway.stop();
  gateway = await startGateway(keys, port);
}

function store(fields: Partial<StoreConnection>): S3ObjectStore {
  return new S3ObjectStore({
    ...{ alias: 'offsite', url: 's3://backups/ferry', region: gateway.region, endpoint: proxy.endpoint },
    ...fields,
  });
}

describe('a refusal of the store', () => {
  it.each([
    ['ExpiredToken', 400, 'StoreKeysExpired', 'have expired'],
    ['TokenRefreshRequired', 400, 'StoreKeysExpired', 'have expired'],
    ['InvalidAccessKeyId', 403, 'StoreKeysUnknown', 'does not accept the credentials'],
    ['SignatureDoesNotMatch', 403, 'StoreKeysUnknown', 'does not accept the credentials'],
    ['RequestTimeTooSkewed', 403, 'StoreClockSkewed', 'clocks'],
    ['AccessDenied', 403, 'StoreAccessDenied', 'refused access'],
  ])('%s (%d) is %s, also where HEAD hears the status alone', async (word, status, code, happened) => {
    proxy.plan = () => ({ refuse: word, status });
    const refused = { code, retryable: false, message: expect.stringContaining(happened) as string };
    await expect(textOf(store(OLD).read('a'))).rejects.toMatchObject(refused);
    await expect(store(OLD).head('a')).rejects.toMatchObject(refused);
    await expect(store(OLD).put('a', Buffer.from('1'))).rejects.toMatchObject(refused);
  });

  it('InvalidObjectState is ObjectArchived and names the object', async () => {
    await store(OLD).put('cold', Buffer.from('cold'));
    proxy.plan = ({ method }) =>
      method === 'GET' ? { refuse: 'InvalidObjectState', status: 403 } : undefined;
    await expect(textOf(store(OLD).read('cold'))).rejects.toMatchObject({
      code: 'ObjectArchived',
      message: expect.stringMatching(/archive tier.*Nothing is damaged.*key=ferry\/cold\]/) as string,
    });
  });

  it.each([
    ['InvalidPart', 400],
    ['EntityTooSmall', 400],
    ['TooManyParts', 400],
  ])('%s at the end of an upload is StorePartsRefused', async (word, status) => {
    const upload = await store({ ...OLD, profile: 'aws' }).upload('parted');
    const part = await upload.putPart(1, Buffer.from('1'));
    proxy.plan = ({ method, url }) =>
      method === 'POST' && url.includes('uploadId=') ? { refuse: word, status } : undefined;
    await expect(upload.complete([part])).rejects.toMatchObject({ code: 'StorePartsRefused' });
    proxy.plan = () => undefined;
    await upload.abort();
  });
});

describe('new keys', () => {
  const inFiles = { accessKeyIdFile: 'id', secretAccessKeyFile: 'secret' };

  async function writeKeys({ accessKeyId, secretAccessKey }: Keys): Promise<Partial<StoreConnection>> {
    const paths = Object.entries(inFiles).map(([field, name]) => [field, join(folder, name)] as const);
    await writeFile(join(folder, 'id'), `${accessKeyId}\n`);
    await writeFile(join(folder, 'secret'), `${secretAccessKey}\n`);
    return Object.fromEntries(paths);
  }

  async function writeShared({ accessKeyId, secretAccessKey }: Keys): Promise<Partial<StoreConnection>> {
    const path = join(folder, 'shared');
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = path;
    process.env['AWS_CONFIG_FILE'] = join(folder, 'none');
    const lines = [
      '[default]',
      `aws_access_key_id = ${accessKeyId}`,
      `aws_secret_access_key = ${secretAccessKey}`,
    ];
    await writeFile(path, `${lines.join('\n')}\n`);
    return {};
  }

  it.each([
    ['files that ferry.yaml names', writeKeys],
    ['the shared file of AWS', writeShared],
  ])('in %s are taken by the very call whose old ones are refused', async (_, write) => {
    const open = store(await write(OLD));
    await open.put('before', Buffer.from('before'));
    const upload = await open.upload('half');
    const first = await upload.putPart(1, Buffer.alloc(5 * 1024 ** 2, 1));
    try {
      await changeKeys(NEW);
      await write(NEW);
      const second = await upload.putPart(2, Buffer.from('the end'));
      const made = await upload.complete([first, second]);
      expect(made.bytes).toBe(5 * 1024 ** 2 + 7);
      expect(await textOf(open.read('before'))).toBe('before');
    } finally {
      await changeKeys(OLD);
    }
  });

  it('that are not there leave one clear failure, and the next call takes those that came since', async () => {
    const open = store(await writeKeys(OLD));
    await open.put('before', Buffer.from('before'));
    try {
      await changeKeys(NEW);
      await expect(open.head('before')).rejects.toMatchObject({ code: 'StoreKeysUnknown' });
      await writeKeys(NEW);
      expect(await open.head('before')).toMatchObject({ bytes: 6 });
    } finally {
      await changeKeys(OLD);
    }
  });

  it('are asked for once where many calls are refused together', async () => {
    const open = store(await writeKeys(OLD));
    await open.put('before', Buffer.from('before'));
    try {
      await changeKeys(NEW);
      await writeKeys(NEW);
      const heads = await Promise.all(Array.from({ length: 20 }, () => open.head('before')));
      expect(heads.map((head) => head?.bytes)).toEqual(Array(20).fill(6));
    } finally {
      await changeKeys(OLD);
    }
  });
});

describe('no keys', () => {
  it('in the whole AWS chain are StoreKeysMissing', async () => {
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(folder, 'absent');
    process.env['AWS_CONFIG_FILE'] = join(folder, 'absent');
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    await expect(store({}).head('a')).rejects.toMatchObject({ code: 'StoreKeysMissing', retryable: false });
  });

  it('in the file that ferry.yaml names are StoreKeysMissing, with the path and no content', async () => {
    const fields = { accessKeyId: 'id', secretAccessKeyFile: join(folder, 'absent') };
    await expect(store(fields).head('a')).rejects.toMatchObject({
      code: 'StoreKeysMissing',
      message: expect.stringContaining(`path=${join(folder, 'absent')}`) as string,
    });
  });
});

it('sends the session token of temporary credentials with every request', async () => {
  const open = store({ ...OLD, sessionToken: 'token-of-this-hour' });
  proxy.plan = () => ({ refuse: 'ExpiredToken', status: 400 });
  await expect(open.head('a')).rejects.toMatchObject({ code: 'StoreKeysExpired' });
  expect(proxy.seen[0]?.headers['x-amz-security-token']).toBe('token-of-this-hour');
});

describe('a presigned URL', () => {
  async function chained(minutes: number): Promise<S3ObjectStore> {
    const Expiration = new Date(Date.now() + minutes * 60_000).toISOString();
    const said = {
      Version: 1,
      AccessKeyId: OLD.accessKeyId,
      SecretAccessKey: OLD.secretAccessKey,
      Expiration,
    };
    await writeFile(join(folder, 'said.json'), JSON.stringify(said));
    await writeFile(
      join(folder, 'config'),
      `[default]\ncredential_process = cat ${join(folder, 'said.json')}\n`,
    );
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(folder, 'absent');
    process.env['AWS_CONFIG_FILE'] = join(folder, 'config');
    return store({});
  }

  it('ends with the credentials that signed it', async () => {
    const url = await (await chained(20)).presignedUrl('a', 3_600);
    const seconds = Number(new URL(url).searchParams.get('X-Amz-Expires'));
    expect(seconds).toBeGreaterThan(1_000);
    expect(seconds).toBeLessThanOrEqual(1_200);
  });

  it('is signed by new credentials when the old ones are about to end', async () => {
    const open = await chained(3);
    await open.presignedUrl('a', 3_600);
    await chained(45);
    const url = await open.presignedUrl('a', 3_600);
    expect(Number(new URL(url).searchParams.get('X-Amz-Expires'))).toBeGreaterThan(2_600);
  });
});

describe('a bucket with a default retention, which takes no write without MD5 or checksum', () => {
  const refusesBare: FaultyProxy['plan'] = ({ method, headers }) => {
    const isChecked = headers['content-md5'] !== undefined || headers['x-amz-checksum-sha256'] !== undefined;
    return method === 'PUT' && !isChecked ? { refuse: 'InvalidRequest', status: 400 } : undefined;
  };

  it('passes the probe, and takes objects and parts', async () => {
    proxy.plan = refusesBare;
    const open = store(OLD);
    expect(await open.probe()).toMatchObject({ conditionalWrites: true, sha256: true });
    await open.put('kept', Buffer.from('kept'), { ifAbsent: true });
    const upload = await open.upload('kept-parts');
    expect(await upload.complete([await upload.putPart(1, Buffer.from('part'))])).toMatchObject({ bytes: 4 });
  });
});

describe('a store that takes only parts that are alike, or few', () => {
  const MIB = 1024 ** 2;

  /** Of one upload through the whole path of a capture; a proxy counts as such a store would. */
  async function sent(bytes: number, fields: Partial<StoreConnection>): Promise<number[]> {
    const sizes: number[] = [];
    proxy.plan = ({ method, url, headers }) => {
      if (method === 'PUT' && url.includes('/cut-')) sizes.push(Number(headers['content-length']));
      return undefined;
    };
    const open = store({ ...OLD, ...fields });
    const upload = await open.upload(`cut-${bytes}`);
    const whole = Buffer.alloc(bytes, 7);
    const source = async function* () {
      yield whole;
    };
    const flow = { open: source, signal: new AbortController().signal };
    const parts = await uploadStream(flow, { upload, rules: open.partRules });
    expect(await upload.complete(parts)).toMatchObject({ bytes });
    return sizes.sort((a, b) => b - a);
  }

  it.each([
    [{ partSizeBytes: 5 * MIB }, [5 * MIB, 5 * MIB, 5 * MIB, MIB]],
    [{ profile: 'r2' as const }, [16 * MIB]],
    [{ maxParts: 2, partSizeBytes: 8 * MIB }, [8 * MIB, 8 * MIB]],
  ])('is sent parts as %j says', async (fields, sizes) => {
    expect(await sent(16 * MIB, fields)).toEqual(sizes);
  });

  it('ends an upload that needs more, before the store does', async () => {
    const needs = sent(17 * MIB, { maxParts: 2, partSizeBytes: 8 * MIB });
    await expect(needs).rejects.toMatchObject({
      code: 'StorePartsRefused',
      message: expect.stringContaining('more than the 2 parts of 8388608 bytes') as string,
    });
  });
});

describe('an object in an archive tier', () => {
  it.each([
    ['', true],
    ['ongoing-request="true"', true],
    ['ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"', undefined],
  ])('that says of its restore %j is archived: %s', async (restore, archived) => {
    const open = store(OLD);
    await open.put('cold', Buffer.from('cold'));
    expect(await open.head('cold')).not.toHaveProperty('archived');
    proxy.plan = ({ method }) => (method === 'HEAD' ? { archived: restore } : undefined);
    expect((await open.head('cold'))?.archived).toBe(archived);
  });

  it('is marked in a list', async () => {
    await store(OLD).put('listed/cold', Buffer.from('cold'));
    proxy.plan = ({ method }) => (method === 'GET' ? { archived: '' } : undefined);
    expect(await allOf(store(OLD).list('listed/'))).toMatchObject([{ key: 'listed/cold', archived: true }]);
  });

  it('ends a recovery before its target is touched, by the names of all of them', async () => {
    const open = store(OLD);
    for (const key of ['shard-0', 'shard-1', 'shard-2']) await open.put(key, Buffer.from('cold'));
    proxy.plan = ({ url }) => (/shard-[02]/.test(url) ? { archived: '' } : undefined);
    const part = (key: string) => ({ key, offset: 0, bytes: 4, sha256: '' });
    const shards = ['shard-0', 'shard-1', 'shard-2'].map((key) => ({ parts: [part(key)] }));
    const manifest = { shards } as unknown as CollectionManifest;
    await expect(requireObjects(open, manifest, (key) => open.head(key))).rejects.toMatchObject({
      code: 'ObjectArchived',
      happened: 'archived: restore these 2 objects first: shard-0, shard-2',
    });
  });
});
