// Snapshots that a node makes and nobody hears the end of, on both versions: through a gateway that gives up on the call,
// and from an attempt that was ended. On the node's disk and in S3.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SnapshotNode, SnapshotSource } from '../../src/cluster/snapshots-port.js';
import { settledCreate, type CreateFlight } from '../../src/snapshots/settled-create.js';
import {
  startQdrant,
  startS3Gateway,
  type QdrantServer,
  type QdrantVersion,
  type S3Gateway,
} from '../../src/local/index.js';
import { clusterNodes } from '../../src/qdrant/cluster-nodes.js';
import { fillBulky } from '../support/bulky-collection.js';
import { cutProxy, type CutProxy } from '../support/cut-proxy.js';
import { gateway504, giveUpOn, type Gateway504 } from '../support/gateway-504.js';
import { pause } from '../support/kill-watch.js';
import { rest } from '../support/rest-text.js';
import { snapshotsIn } from '../support/snapshots-on.js';

const never = new AbortController().signal;
const isCreate = ({ method, url }: { method: string; url: string }) =>
  method === 'POST' && url.includes('/snapshots');
const sources: [string, SnapshotSource, string][] = [
  ['a collection', { collection: 'docs' }, '/collections/docs/snapshots'],
  ['a shard', { collection: 'docs', shard: 1 }, '/collections/docs/shards/1/snapshots'],
  ['the whole node', 'storage', '/snapshots'],
];

/** Kept as Temporal would. */
const logOf = (last: CreateFlight | null = null) => {
  const seen: (CreateFlight | null)[] = [];
  return { last, seen, remember: (flight: CreateFlight | null) => Promise.resolve(void seen.push(flight)) };
};

async function nodeAt(url: string): Promise<SnapshotNode> {
  const clusters = { one: { alias: 'one', nodes: [{ url, grpcUrl: '' }] } };
  const { nodes } = await clusterNodes(clusters)('one', never);
  return (nodes[0] as { snapshots: SnapshotNode }).snapshots;
}

async function namesAt(server: QdrantServer, path: string): Promise<string[]> {
  const { result } = JSON.parse(await rest(server, 'GET', path)) as { result: { name: string }[] };
  return result.map(({ name }) => name);
}

describe.each<QdrantVersion>(['1.16.3', '1.17.0'])('Qdrant %s', (version) => {
  let folder: string;
  let server: QdrantServer;
  let gateway: Gateway504;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-created-'));
    server = await startQdrant({ version, storageDir: folder });
    gateway = await gateway504(server.url);
    await fillBulky(server, { name: 'docs', points: 10_000, shards: 2 });
  });
  afterAll(async () => {
    await gateway?.end();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    gateway.plan = () => undefined;
    gateway.givenUp.length = 0;
  });

  it.each(sources)(
    'takes the snapshot of %s that a gateway gave up on, and asks for no second one',
    async (_, source, path) => {
      const before = await namesAt(server, path);
      gateway.plan = giveUpOn(isCreate, { afterMs: 50, times: 9 });
      const node = await nodeAt(gateway.url);
      const created = await settledCreate({ node, source, log: logOf(), signal: never });
      expect(gateway.givenUp).toHaveLength(1);
      expect(created.before).toEqual(before);
      expect(await namesAt(server, path)).toEqual(expect.arrayContaining([...before, created.made.name]));
      expect(await namesAt(server, path)).toHaveLength(before.length + 1);
      expect(created.made.sha256).toMatch(/^[0-9a-f]{64}$/);
      await node.close();
    },
  );

  it.each(sources)('takes what an attempt that was ended had begun, of %s', async (_, source, path) => {
    const before = await namesAt(server, path);
    const node = await nodeAt(server.url);
    const ended = new AbortController();
    const log = logOf();
    const begun = settledCreate({ node, source, log, signal: ended.signal });
    while (log.seen.length === 0) await pause(1);
    await pause(50);
    ended.abort(new Error('killed'));
    await expect(begun).rejects.toThrow('killed');
    const next = logOf(log.seen[0] ?? null);
    const { made } = await settledCreate({ node, source, log: next, signal: never });
    expect(next.seen).toEqual([]);
    expect((await namesAt(server, path)).filter((name) => !before.includes(name))).toEqual([made.name]);
    await node.close();
  });

  it('makes one where the earlier call never reached the node', async () => {
    const node = await nodeAt(server.url);
    const source = { collection: 'docs' };
    const log = logOf();
    await settledCreate({ node, source, log, signal: never });
    const { before, signs } = log.seen[0] as CreateFlight;
    const all = await namesAt(server, '/collections/docs/snapshots');
    const { running: _running, ...now } = (await node.creations(source, never)) ?? { running: 0 };
    expect(now).not.toEqual(signs);
    const unsent = logOf({ before: all, ...(signs === undefined ? {} : { signs: { ...signs, ...now } }) });
    const { made } = await settledCreate({ node, source, log: unsent, signal: never });
    expect(before).not.toContain(made.name);
    expect(all).not.toContain(made.name);
    await node.close();
  });

  it("fails with Qdrant's own refusal, and at once", async () => {
    const node = await nodeAt(gateway.url);
    const log = logOf();
    const asked = settledCreate({ node, source: { collection: 'docs', shard: 7 }, log, signal: never });
    await expect(asked).rejects.toMatchObject({ retryable: false });
    await node.close();
  });

  it('says so where nothing shows that the node has ended', async () => {
    gateway.plan = (request) => (isCreate(request) ? 50 : undefined);
    const node = await nodeAt(gateway.url);
    const silent = {
      url: node.url,
      create: (source, signal) => node.create(source, signal),
      list: () => Promise.resolve([]),
      creations: () => Promise.resolve(undefined),
    } satisfies Partial<SnapshotNode> as unknown as SnapshotNode;
    const site = { node: silent, source: { collection: 'docs' }, log: logOf(), signal: never };
    await expect(settledCreate({ ...site, patienceMs: 2_000 })).rejects.toMatchObject({
      code: 'SnapshotUnsettled',
      retryable: false,
    });
    await node.close();
  });

  describe('with its snapshots in S3', () => {
    let store: S3Gateway;
    let slow: CutProxy;
    let inS3: QdrantServer;
    beforeAll(async () => {
      store = await startS3Gateway({
        folder: join(folder, 's3'),
        bucket: 'snapshots',
        accessKeyId: 'qdrant',
        secretAccessKey: 'a-key-of-this-test',
      });
      slow = await cutProxy(store.endpoint);
      inS3 = await startQdrant({
        version,
        storageDir: join(folder, 'in-s3'),
        extraEnv: snapshotsIn({ ...store, endpoint: `http://${slow.address}` }),
      });
      await fillBulky(inS3, { name: 'docs', points: 4_000, shards: 2 });
    });
    afterEach(() => slow.limit({ up: Infinity }));
    afterAll(async () => {
      await inS3?.stop();
      await slow?.end();
      await store?.stop();
    });

    it.each(sources)('waits for the slow upload of a snapshot of %s, and takes it', async (_, source) => {
      const front = await gateway504(inS3.url);
      front.plan = giveUpOn(isCreate, { afterMs: 50, times: 9 });
      slow.limit({ up: 5_000_000 });
      const node = await nodeAt(front.url);
      const { made } = await settledCreate({ node, source, log: logOf(), signal: never });
      expect(front.givenUp).toHaveLength(1);
      const all = (await node.list(source, never)).map(({ name }) => name);
      expect(all).toContain(made.name);
      await node.close();
      await front.end();
    });
  });
});
