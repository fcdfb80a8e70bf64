// `ferry snapshots create --keep-on-node`, on real nodes: what goes, and what never does.

import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { CreateSnapshotResult, ListedSnapshot } from '../../src/model/contracts/snapshot-activities.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { makeSnapshot } from '../support/curl-snapshots.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, startFerry } from '../support/ferry-command.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { snapshotCommands } from '../support/snapshot-commands.js';
import { snapshotsIn } from '../support/snapshots-on.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';

const WAIT = { timeout: 90_000, interval: 50 };

let stack: BackupStack;
let trio: ThreeNodes;
/** Keeps its snapshots in S3. */
let inS3: QdrantServer;
let inS3Folder: string;
let proxy: FaultyProxy;
beforeAll(async () => {
  trio = await startThreeNodes('trio');
  inS3Folder = await mkdtemp(join(tmpdir(), 'ferry-in-s3-'));
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => {
      proxy = await faultyProxy(offsite.endpoint);
      const extraEnv = snapshotsIn({ ...offsite, bucket: 'backups' });
      inS3 = await startQdrant({ version: '1.17.0', storageDir: inS3Folder, extraEnv });
      return { sealed: { ...offsite, readOnly: true }, faulty: { ...offsite, endpoint: proxy.endpoint } };
    },
    moreClusters: () => ({
      trio: { nodes: trio.connection.nodes },
      inS3: { url: inS3.url, grpcUrl: inS3.grpcUrl },
    }),
  });
  for (const server of [stack.source, inS3])
    for (const name of ['docs', 'docs-2']) await fillRandom(server, { name, points: 300, shards: 2 });
  await fillRandom(trio.nodes[0] as QdrantServer, { name: 'spread', points: 300, shards: 3 });
});
afterAll(async () => {
  await stack?.stop();
  await proxy?.end();
  await trio?.stop();
  await inS3?.stop();
  await rm(inS3Folder, { recursive: true, force: true });
});

const { answer, refusal, listed } = snapshotCommands(() => stack);
const create = (...args: string[]) => answer<CreateSnapshotResult>('create', ...args);
const onlyOne = ({ made }: CreateSnapshotResult): ListedSnapshot => {
  expect(made).toHaveLength(1);
  return made[0] as ListedSnapshot;
};
const recorded = async (alias = 'offsite') => {
  const keys = await allOf(storeOf(stack, alias).list('.ferry-snapshots/'));
  return keys.map(({ key }) => key.slice('.ferry-snapshots/'.length));
};

it('keeps the newest two of its own, and whatever it did not make', async () => {
  const docs = ['source', '--collection', 'docs'];
  const two = [...docs, '--keep-on-node', '2'];
  const plain = onlyOne(await create(...docs));
  const first = onlyOne(await create(...two));
  const byHand = await makeSnapshot(stack.source, 'docs');
  // Qdrant names them by the second.
  await sleep(1_100);
  const second = onlyOne(await create(...two));
  const third = await create(...two);
  const at = { node: stack.source.url };
  expect(third).toMatchObject({ removed: [{ ...at, name: first.name }], notOurs: [{ ...at, count: 2 }] });
  const place = (name: string) => `source/single/collection/docs/${name}.json`;
  expect(await recorded()).toEqual([second.name, onlyOne(third).name].map(place));

  // Another file under a name that is recorded, as somebody puts one back.
  const other = Buffer.from('another file');
  const path = join(stack.folder, 'source/snapshots/docs', second.name);
  await writeFile(path, other);
  await writeFile(`${path}.checksum`, createHash('sha256').update(other).digest('hex'));
  const fourth = await create(...two);
  const fifth = await create(...two);
  expect([fourth.removed, fourth.notOurs, fourth.notes.join()]).toEqual([
    [],
    [{ ...at, count: 3 }],
    expect.stringContaining(second.name),
  ]);
  expect(fifth.removed).toEqual([{ ...at, name: onlyOne(third).name }]);
  const stays = [plain, byHand, second, onlyOne(fourth), onlyOne(fifth)];
  expect(await listed(...docs)).toEqual(stays.map(({ name }) => `${name} ${at.node}`).sort());

  const people = await ferry(stack, 'snapshots', 'create', ...two);
  expect(people.stdout).toContain(`removed ${onlyOne(fourth).name} on ${at.node}\n`);
  expect(people.stdout).toContain(`3 snapshots on ${at.node} not recorded by ferry: not touched\n`);
  expect(people.stdout).toMatch(/1 snapshot made, 1 older removed in /);
  // The records are no backups.
  const backups = await ferry(stack, 'backups', '--json');
  expect([backups.code, backups.stdout]).toEqual([0, expect.not.stringContaining('ferry-snapshots')]);
});

it('tells scopes apart: a shard, the whole node, another collection', async () => {
  const scopes = [
    ['--collection', 'docs-2'],
    ['--collection', 'docs-2', '--shard', '0'],
    ['--collection', 'docs-2', '--shard', '1'],
    [],
  ];
  const keep = ['--keep-on-node', '1', '--store', 'disk'];
  const before: CreateSnapshotResult[] = [];
  for (const scope of scopes) before.push(await create('source', ...scope, ...keep));
  expect(before.flatMap(({ removed }) => removed)).toEqual([]);
  for (const [nth, scope] of scopes.entries()) {
    const after = await create('source', ...scope, ...keep);
    const gone = before.map(onlyOne).at(nth)?.name;
    expect(after.removed).toEqual([{ node: stack.source.url, name: gone }]);
    expect(await listed('source', ...scope)).toEqual([`${onlyOne(after).name} ${stack.source.url}`]);
  }
  expect(await recorded('disk')).toHaveLength(scopes.length);
});

it('keeps on every node of a cluster what that node made', async () => {
  const spread = ['trio', '--collection', 'spread', '--keep-on-node', '2'];
  const runs = [await create(...spread), await create(...spread), await create(...spread)];
  const [first, ...newest] = runs as [CreateSnapshotResult, ...CreateSnapshotResult[]];
  expect(first.made).toHaveLength(3);
  const last = newest.at(-1);
  expect(last?.removed).toEqual(first.made.map(({ node, peer, name }) => ({ node, peer, name })));
  expect(last?.notOurs).toEqual(first.made.map(({ node, peer }) => ({ node, peer, count: 0 })));
  const stays = newest.flatMap(({ made }) => made.map(({ name, node }) => `${name} ${node}`));
  expect((await listed('trio', '--collection', 'spread')).sort()).toEqual(stays.sort());
});

it('continues where a worker was killed between the file and its record', async () => {
  const docs = ['source', '--collection', 'docs-2'];
  const keep = ['--keep-on-node', '1', '--store', 'faulty'];
  const old = onlyOne(await create(...docs, ...keep));
  let isHeld = false;
  proxy.plan = ({ method, url }) => {
    if (method !== 'DELETE' || !url.includes('.ferry-snapshots/')) return undefined;
    isHeld = true;
    return { until: new Promise(() => undefined) };
  };
  const running = startFerry(stack, 'snapshots', 'create', ...docs, ...keep, '--json');
  await vi.waitUntil(() => isHeld, WAIT);
  expect((await listed(...docs)).join()).not.toContain(old.name);
  expect((await recorded()).join()).toContain(old.name);
  await stack.workers.data.kill();
  proxy.plan = () => undefined;
  await stack.workers.data.start();
  const { code, stdout } = await running.ended;
  expect(code).toBe(0);
  const result = JSON.parse(stdout) as CreateSnapshotResult;
  expect(result.removed).toEqual([{ node: stack.source.url, name: old.name }]);
  expect((await recorded()).filter((key) => key.includes('/docs-2/'))).toEqual([
    `source/single/collection/docs-2/${onlyOne(result).name}.json`,
  ]);
});

describe('makes nothing', () => {
  it.each([
    ['that is marked readOnly', 'sealed', 1, 'StoreReadOnly'],
    ['that ferry.yaml does not have', 'nowhere', 2, 'UnknownAlias'],
  ])('with a store %s', async (_, store, exit, code) => {
    const before = await listed('source', '--collection', 'docs');
    const keep = ['--keep-on-node', '2', '--store', store];
    expect(await refusal('create', 'source', '--collection', 'docs', ...keep)).toMatchObject({ exit, code });
    expect(await listed('source', '--collection', 'docs')).toEqual(before);
  });
});

it('deletes nothing where Qdrant gives no checksum, and fails by name', async () => {
  const docs = ['inS3', '--collection', 'docs'];
  for (const made of [1, 2]) {
    const failed = await refusal('create', ...docs, '--keep-on-node', '1');
    expect(failed).toMatchObject({ exit: 1, code: 'SnapshotUnrecorded' });
    expect(await listed(...docs)).toHaveLength(made);
  }
});
