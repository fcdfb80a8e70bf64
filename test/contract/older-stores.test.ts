// Stores without conditional writes and checksums: the probe finds it out, says what is done instead, and backups lie
// there as whole as elsewhere. The profiles of providers that lack both never ask for them.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { showBackup } from '../../src/backups/catalogue/catalogue.js';
import { startQdrant, type QdrantServer, type S3Gateway } from '../../src/local/index.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import type { StoreConnection } from '../../src/model/ferry-config.js';
import { openStore, probeStore } from '../../src/storage/open-store.js';
import { damageIn, makeBackup } from '../support/make-backup.js';
import { allOf, s3PlaceForTests, textOf, type StorePlace } from '../support/object-stores.js';
import { olderGateway, type OlderGateway } from '../support/older-gateway.js';
import { fillRandom } from '../support/random-collection.js';

const LACKS = [
  expect.stringMatching(/^No conditional writes: .*looks for an object/) as string,
  expect.stringMatching(/^No SHA-256 checksums: the store checks MD5/) as string,
];

let folder: string;
let place: StorePlace & { gateway: S3Gateway };
let server: QdrantServer;
let cluster: ClusterConnection;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-older-'));
  place = await s3PlaceForTests();
  server = await startQdrant({ version: '1.17.0', storageDir: folder });
  cluster = { alias: 'prod', nodes: [server] };
  await fillRandom(server, { name: 'docs', points: 200, shards: 2 });
});
afterAll(async () => {
  await server?.stop();
  await place?.end();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['refuses', 'ignores'] as const)('a gateway that %s what it does not know', (manner) => {
  let older: OlderGateway;
  const opened = (more: Partial<StoreConnection> = {}) =>
    openStore({ ...place.connection, url: `s3://backups/${manner}`, endpoint: older.endpoint, ...more });

  beforeAll(async () => {
    older = await olderGateway(place.gateway, manner);
  });
  afterAll(() => older.end());

  it('is found out by a probe, which leaves nothing there', async () => {
    const store = opened();
    expect((await probeStore(store)).limitations).toEqual(LACKS);
    expect(store.limitations).toEqual(LACKS);
    expect(older.asked.length).toBeGreaterThan(0);
    expect(await allOf(store.list(''))).toEqual([]);
    expect(await allOf(store.uploads(''))).toEqual([]);
  });

  it('takes a whole backup, and is asked for nothing it does not know', async () => {
    const store = opened();
    await probeStore(store);
    older.asked.length = 0;
    const made = await makeBackup(store, cluster, 'docs');
    expect(await showBackup(store, made)).toMatchObject({ complete: true });
    expect(await damageIn(store, made, 'full')).toEqual([]);
    expect(older.asked).toEqual([]);
  });

  it('still has nothing overwritten that is written once', async () => {
    const store = opened();
    await store.put('once', Buffer.from('first'), { ifAbsent: true });
    await store.put('once', Buffer.from('first'), { ifAbsent: true });
    const second = store.put('once', Buffer.from('second'), { ifAbsent: true });
    await expect(second).rejects.toMatchObject({ code: 'ObjectExists' });
    expect(await textOf(store.read('once'))).toBe('first');
  });

  it.each(['oss', 'gcs'] as const)(
    'is used as it must be from the first write by the profile %s',
    async (profile) => {
      older.asked.length = 0;
      const store = opened({ profile, pathStyle: true, url: `s3://backups/${manner}-${profile}` });
      expect(store.limitations).toEqual(LACKS);
      const made = await makeBackup(store, cluster, 'docs');
      expect(await damageIn(store, made, 'full')).toEqual([]);
      expect(older.asked).toEqual([]);
    },
  );
});
