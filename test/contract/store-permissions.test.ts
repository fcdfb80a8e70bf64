// The policies of docs/permissions.md, held by users of a real gateway who may do nothing else: each is enough for its
// jobs, and with one right less the store's refusal is named.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showBackup } from '../../src/backups/catalogue/catalogue.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import { resolveRecovery } from '../../src/recovery/resolve-recovery.js';
import { writeProof } from '../../src/backups/proofs.js';
import { startQdrant, startS3Gateway, type QdrantServer, type S3Gateway } from '../../src/local/index.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import { EMPTY_DIGEST } from '../../src/model/format/digest.js';
import { openStore, probeStore } from '../../src/storage/open-store.js';
import { countPoints } from '../support/compare-sides.js';
import { damageIn, makeBackup, type Made } from '../support/make-backup.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { recover } from '../support/recover-in-process.js';
import { addUser, allow, policyUnder, without, type Statement } from '../support/store-accounts.js';

const POINTS = 50;
const secret = 'a-secret-of-this-test';

let folder: string;
let gateway: S3Gateway;
let server: QdrantServer;
let clusters: Record<string, ClusterConnection>;
let backup: Statement[];
let reading: Statement[];
let pruning: Statement[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-rights-'));
  const root = { accessKeyId: 'root', secretAccessKey: 'the-key-of-root' };
  const places = { folder: join(folder, 's3'), accountsFolder: join(folder, 's3') };
  gateway = await startS3Gateway({ ...places, bucket: 'backups', ...root });
  server = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'qdrant') });
  clusters = { prod: { alias: 'prod', nodes: [server] } };
  await fillRandom(server, { name: 'docs', points: POINTS });
  for (const user of ['writer', 'reader', 'pruner']) await addUser(gateway, user, secret);
  [backup, reading, pruning] = ['Backup', 'Recovery and check', 'Pruning'].map((heading) =>
    policyUnder(heading, 'backups', 'ferry'),
  ) as [Statement[], Statement[], Statement[]];
});
afterAll(async () => {
  await server?.stop();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

function storeOf(accessKeyId: string, more: object = {}) {
  const { endpoint, region } = gateway;
  const keys = { accessKeyId, secretAccessKey: secret };
  return openStore({ alias: accessKeyId, url: 's3://backups/ferry', endpoint, region, ...keys, ...more });
}

async function backUp(): Promise<{ made: Made; limitations: readonly string[] }> {
  const store = storeOf('writer');
  const { limitations } = await probeStore(store);
  const made = await makeBackup(store, clusters['prod'] as ClusterConnection, 'docs');
  expect(await damageIn(store, made, 'full')).toEqual([]);
  return { made, limitations };
}

const refusal = {
  code: 'StoreAccessDenied',
  retryable: false,
  message: expect.stringMatching(/\[bucket=backups, key=ferry\/.*\]$/) as string,
};

describe('the policy of a backup', () => {
  it('is enough for a backup and the check of every byte', async () => {
    await allow(gateway, { writer: backup });
    expect((await backUp()).limitations).toEqual([]);
  });

  it('gives no right outside of its prefix', async () => {
    await allow(gateway, { writer: backup });
    const outside = storeOf('writer', { url: 's3://backups/other' });
    await expect(probeStore(outside)).rejects.toMatchObject({ code: 'StoreAccessDenied' });
  });

  it.each([
    's3:PutObject',
    's3:GetObject',
    's3:ListBucket',
    's3:ListBucketMultipartUploads',
    's3:ListMultipartUploadParts',
    's3:AbortMultipartUpload',
  ])('ends as StoreAccessDenied, with bucket and key, when %s is missing', async (action) => {
    await allow(gateway, { writer: without(backup, action) });
    await expect(backUp()).rejects.toMatchObject(refusal);
  });

  it.each([['s3:DeleteObjectVersion'], ['s3:ListBucketVersions']])(
    'makes the backup without %s, and says that nothing can be deleted',
    async (action) => {
      await allow(gateway, { writer: without(backup, action) });
      const { limitations } = await backUp();
      expect(limitations).toEqual([expect.stringContaining('Nothing can be deleted')]);
      // What the probe had to leave is taken for no cluster.
      const asked = { target: 'elsewhere', store: 'writer', collections: ['docs'] };
      const found = await resolveRecovery(
        backupSource(storeOf, pointCodec),
        asked,
        new AbortController().signal,
      );
      expect(found.recoveries).toMatchObject([{ from: { cluster: 'prod' } }]);
    },
  );
});

describe('the policy of recovery and check', () => {
  it('is enough to find, check and recover a backup, and to write nothing', async () => {
    await allow(gateway, { writer: backup, reader: reading });
    const { made } = await backUp();
    const store = storeOf('reader');
    expect(await showBackup(store, made)).toMatchObject({ complete: true });
    expect(await damageIn(store, made, 'full')).toEqual([]);
    for (const via of ['pull', 'push'] as const) {
      const from = { ...made, store: 'reader' };
      await recover({ clusters, store, from, to: 'prod', as: `docs-${via}`, more: { via } });
      expect(await countPoints({ ...server, collection: `docs-${via}` })).toBe(POINTS);
    }
    await expect(store.put('anything', Buffer.from('x'))).rejects.toMatchObject(refusal);
  });

  it.each(['s3:GetObject', 's3:ListBucket'])(
    'ends as StoreAccessDenied when %s is missing',
    async (action) => {
      await allow(gateway, { writer: backup, reader: without(reading, action) });
      const { made } = await backUp();
      const store = storeOf('reader');
      const find = async () => {
        await allOf(store.folders(''));
        await damageIn(store, made, 'quick');
      };
      await expect(find()).rejects.toMatchObject(refusal);
    },
  );

  it('takes one right more for the proof of a rehearsal', async () => {
    const proofs = {
      Effect: 'Allow',
      Action: ['s3:PutObject'],
      Resource: 'arn:aws:s3:::backups/ferry/*/proof-*',
    };
    await allow(gateway, { writer: backup, reader: [...reading, proofs] });
    const { made } = await backUp();
    const store = storeOf('reader', { profile: 'aws' });
    await writeProof(store, { ...made, store: 'reader', kind: 'rehearsed', digest: EMPTY_DIGEST });
    await expect(store.put('anything', Buffer.from('x'))).rejects.toMatchObject(refusal);
  });
});

describe('the policy of pruning', () => {
  it('is enough to delete every version of an object, and to write nothing', async () => {
    await allow(gateway, { writer: backup, pruner: pruning });
    const { made } = await backUp();
    const store = storeOf('pruner', { profile: 'aws' });
    const keys = (await allOf(store.list(`${made.cluster}/${made.backup}/`))).map(({ key }) => key);
    expect(keys.length).toBeGreaterThan(2);
    for (const key of keys) await store.delete(key);
    expect(await allOf(store.list(`${made.cluster}/${made.backup}/`))).toEqual([]);
    await expect(store.put('anything', Buffer.from('x'))).rejects.toMatchObject(refusal);
  });
});
