// Which rights of Qdrant backup, recovery and rehearsal take, as docs/permissions.md says: with the full key, the
// read-only one, and JWTs, on real servers.

import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeNamed, withNodes } from '../../src/snapshots/named-node.js';
import { createOnNode } from '../../src/snapshots/create-snapshot.js';
import { deleteOnNode } from '../../src/snapshots/delete-snapshot.js';
import { listOnNodes } from '../../src/snapshots/list-snapshots.js';
import { fileOnNode } from '../../src/snapshots/snapshot-file.js';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import { clusterNodes } from '../../src/qdrant/cluster-nodes.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { countPoints } from '../support/compare-sides.js';
import { makeBackup, type Made } from '../support/make-backup.js';
import { fillRandom } from '../support/random-collection.js';
import { recover } from '../support/recover-in-process.js';
import { rest } from '../support/rest-text.js';

const FULL = 'the-full-key-of-this-test-which-is-long-enough';
const READ = 'the-key-of-this-test-that-only-reads';
const never = new AbortController().signal;
const refused = { code: 'ClusterUnauthorized' };

const enough: [string, string][] = [
  ['the full key', FULL],
  ['a JWT that may manage', jwt({ access: 'm' })],
];
const tooLittle: [string, string][] = [
  ['the read-only key', READ],
  ['a JWT that may read', jwt({ access: 'r' })],
  ['a JWT that may write one collection', jwt({ access: [{ collection: 'docs', access: 'rw' }] })],
];

function jwt(claims: object): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', FULL).update(text).digest('base64url')}`;
}

describe.each(['1.16.3', '1.17.0'] as const)('on Qdrant %s', (version) => {
  let folder: string;
  let server: QdrantServer;
  let store: ObjectStore;
  let made: Made;

  const connection = (apiKey: string): ClusterConnection => ({ alias: 'prod', nodes: [server], apiKey });
  const recovering = (apiKey: string, as: string) => {
    const from = { ...made, store: store.alias };
    return recover({ clusters: { prod: connection(apiKey) }, store, from, to: 'prod', as });
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-keys-'));
    server = await startQdrant({
      version,
      storageDir: join(folder, 'qdrant'),
      extraEnv: {
        QDRANT__SERVICE__API_KEY: FULL,
        QDRANT__SERVICE__READ_ONLY_API_KEY: READ,
        QDRANT__SERVICE__JWT_RBAC: 'true',
      },
    });
    store = openStore({ alias: 'disk', url: pathToFileURL(join(folder, 'store')).href });
    await fillRandom({ ...server, apiKey: FULL }, { name: 'docs', points: 40 });
    made = await makeBackup(store, connection(FULL), 'docs');
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(enough)('%s is enough for a backup, streamed or stored', async (_, key) => {
    for (const capture of ['stream', 'stored'] as const) {
      expect((await makeBackup(store, connection(key), 'docs', capture)).collection).toBe('docs');
    }
  });

  it.each(tooLittle)('%s is not enough for a backup', async (_, key) => {
    await expect(makeBackup(store, connection(key), 'docs')).rejects.toMatchObject(refused);
  });

  it.each(enough)('%s is enough for a recovery', async (_, key) => {
    const as = `recovered-${enough.findIndex(([, one]) => one === key)}`;
    await recovering(key, as);
    expect(await countPoints({ ...server, apiKey: FULL, collection: as })).toBe(40);
  });

  it.each(tooLittle)('%s is not enough for a recovery, and nothing is made', async (_, key) => {
    await expect(recovering(key, 'nothing')).rejects.toMatchObject(refused);
    expect(await rest({ ...server, apiKey: FULL }, 'GET', '/collections')).not.toContain('nothing');
  });

  it('the read-only key is enough to list and download snapshots, not to make or delete one', async () => {
    const room = (key: string) => {
      const clusters = { prod: connection(key) };
      return { open: clusterNodes(clusters), controls: qdrantControls(clusters) };
    };
    const node = server.url;
    for (const scope of [{ collection: 'docs' }, { collection: 'docs', shard: 0 }, {}]) {
      const order = { what: 'make it', cluster: 'prod', node, ...scope };
      const attempt = { log: { last: null, remember: () => Promise.resolve() }, signal: never };
      await expect(createOnNode(room(READ).open, order, attempt)).rejects.toMatchObject(refused);
      const { made } = await createOnNode(room(FULL).open, order, attempt);
      const { name } = made;
      const { snapshots } = await listOnNodes(room(READ), { cluster: 'prod', ...scope }, never);
      expect(snapshots.map((one) => one.name)).toEqual([name]);
      await withNodes(room(READ).open, 'prod', never, async (whole) => {
        const file = await fileOnNode(nodeNamed('prod', whole), { cluster: 'prod', ...scope, name }, never);
        let bytes = 0;
        for await (const chunk of file.from(0, never)) bytes += chunk.length;
        expect(bytes).toBe(made.bytes);
      });
      const goes = { cluster: 'prod', node, name, ...scope };
      const once = { isRepeated: false, signal: never };
      await expect(deleteOnNode(room(READ), goes, once)).rejects.toMatchObject(refused);
      expect(await deleteOnNode(room(FULL), goes, once)).toMatchObject({ deleted: true });
    }
  });
});
