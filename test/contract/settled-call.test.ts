// Recover calls that nobody hears the end of, on both versions: through a gateway that gives up on them, and from an
// attempt that was ended.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ShardNode, SnapshotFile } from '../../src/cluster/receiver-port.js';
import {
  settleEarlier,
  settledPull,
  settledPush,
  type CallSite,
  type Flight,
} from '../../src/shards/settled-call.js';
import { startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import { shardNodes } from '../../src/qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { gateway504, giveUpOn, type Gateway504 } from '../support/gateway-504.js';
import { bytesOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { rest } from '../support/rest-text.js';

const POINTS = 4_000;
const never = new AbortController().signal;
const isRecover = ({ url }: { url: string }) => /snapshots\/(recover|upload)/.test(url);

describe.each<QdrantVersion>(['1.16.3', '1.17.0'])('Qdrant %s', (version) => {
  let folder: string;
  let server: QdrantServer;
  let gateway: Gateway504;
  let files: Server;
  let archive: Buffer;
  let bytesPerSecond = Infinity;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-settled-'));
    server = await startQdrant({ version, storageDir: folder });
    gateway = await gateway504(server.url);
    await fillRandom(server, { name: 'docs', points: POINTS, dimension: 256 });
    const clusters = { one: { alias: 'one', nodes: [server] } };
    const node = await snapshotNodes(clusters).holding('one', { collection: 'docs', shard: 0 }, never);
    archive = await bytesOf(node.stream({ collection: 'docs', shard: 0 }, never));
    await node.close();
    files = createServer((_, answer) => {
      answer.writeHead(200, { 'content-length': archive.length });
      void (async () => {
        const step = Math.min(archive.length, Math.max(1, bytesPerSecond / 20));
        for (let at = 0; at < archive.length; at += step) {
          answer.write(archive.subarray(at, at + step));
          if (bytesPerSecond < Infinity) await sleep(50);
        }
        answer.end();
      })();
    });
    await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await gateway?.end();
    files?.close();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    bytesPerSecond = Infinity;
    gateway.plan = () => undefined;
    gateway.givenUp.length = 0;
    await rest(server, 'DELETE', '/collections/into');
    await fillRandom(server, { name: 'into', points: 0, dimension: 256 });
  });

  const location = () => `http://127.0.0.1:${(files.address() as AddressInfo).port}/it`;
  const into = (url = gateway.url): Promise<ShardNode> => {
    const clusters = { one: { alias: 'one', nodes: [{ url, grpcUrl: server.grpcUrl }] } };
    return shardNodes(clusters).holding('one', { collection: 'into', shard: 0 }, never);
  };
  const count = async (): Promise<number> => {
    const answer = await rest(server, 'POST', '/collections/into/points/count', '{"exact":true}');
    return (JSON.parse(answer) as { result: { count: number } }).result.count;
  };
  const file = (body = archive): SnapshotFile => ({
    name: 'it.snapshot',
    bytes: archive.length,
    body: (async function* () {
      await Promise.resolve();
      yield body;
    })(),
  });
  /** Kept as Temporal would. */
  const logOf = (last: Flight | null = null) => {
    const seen: (Flight | null)[] = [];
    const said: (string | undefined)[] = [];
    const remember = (flight: Flight | null) => Promise.resolve(void seen.push(flight));
    return { last, seen, said, remember, waits: (why: string | undefined) => void said.push(why) };
  };
  const siteOf = (node: ShardNode, more: Partial<Omit<CallSite, 'log'>> = {}, log = logOf()) => ({
    ...{ node, log, signal: never, bytes: archive.length, patienceMs: 8_000 },
    ...more,
  });
  const pull = (node: ShardNode, signal = never) => node.pull(location(), { priority: 'snapshot' }, signal);

  it('hears an answer, and records the call before it is sent and after it has ended', async () => {
    const node = await into();
    const site = siteOf(node);
    expect(await settledPull(site, () => pull(node))).toBe('heard');
    expect(site.log.seen).toMatchObject([{ via: 'pull', wasEmpty: true }, null]);
    expect(await count()).toBe(POINTS);
    await node.close();
  });

  it('waits for a pull that a gateway gave up on, and asks for no second one', async () => {
    bytesPerSecond = archive.length / 4;
    gateway.plan = giveUpOn(isRecover, { afterMs: 500, times: 9 });
    const node = await into();
    const site = siteOf(node);
    expect(await settledPull(site, () => pull(node))).toBe('found');
    expect(site.log.said[0]).toMatch(
      /^Qdrant answered 504: 504 Gateway Time-out .*nginx\. .*may still be working.*given up in 8 s/,
    );
    expect(site.log.said.at(-1)).toBeUndefined();
    expect(gateway.givenUp).toHaveLength(1);
    expect(await count()).toBe(POINTS);
    await node.close();
  });

  it('waits for a push that a gateway gave up on', async () => {
    gateway.plan = giveUpOn(isRecover, { afterMs: 1, times: 9 });
    const node = await into();
    const push = (watched: SnapshotFile) => node.push(watched, { priority: 'snapshot' }, never);
    expect(await settledPush(siteOf(node), file(), push)).toBe('found');
    expect(gateway.givenUp).toHaveLength(1);
    expect(await count()).toBe(POINTS);
    await node.close();
  });

  it('takes a push that broke off before its end for nothing at all', async () => {
    const node = await into();
    const site = siteOf(node);
    const broken = file();
    broken.body = (async function* () {
      await Promise.resolve();
      yield archive.subarray(0, 1_000);
      throw new Error('the store is gone');
    })();
    const push = (watched: SnapshotFile) => node.push(watched, { priority: 'snapshot' }, never);
    await expect(settledPush(site, broken, push)).rejects.toThrow();
    expect(site.log.seen).toEqual([null]);
    await node.close();
  });

  it('finds what an attempt that was ended had begun', async () => {
    bytesPerSecond = archive.length / 4;
    const node = await into();
    const ended = new AbortController();
    const log = logOf();
    const begun = settledPull(siteOf(node, { signal: ended.signal }, log), () => pull(node, ended.signal));
    await sleep(500);
    ended.abort(new Error('killed'));
    await expect(begun).rejects.toThrow('killed');
    expect(log.seen).toMatchObject([{ via: 'pull', wasEmpty: true }]);
    const next = siteOf(node, {}, logOf(log.seen[0] ?? null));
    expect(await count()).toBe(0);
    expect(await settleEarlier(next)).toBe('found');
    expect([next.log.seen, await count()]).toEqual([[null], POINTS]);
    await node.close();
  });

  it('says so where nothing shows that a call has ended', async () => {
    bytesPerSecond = archive.length / 20;
    gateway.plan = giveUpOn(isRecover, { afterMs: 100 });
    const node = await into();
    const asked = settledPull(siteOf(node, { patienceMs: 1_500 }), () => pull(node));
    await expect(asked).rejects.toMatchObject({ code: 'RecoveryUnsettled', retryable: false });
    // What the workflow does then: it waits for the node, and what is made afterwards stays clean.
    bytesPerSecond = Infinity;
    await rest(server, 'DELETE', '/collections/into');
    await fillRandom(server, { name: 'into', points: 0, dimension: 256 });
    await sleep(2_000);
    expect(await count()).toBe(0);
    await node.close();
  }, 60_000);

  it("goes by the node's own count of answers where no other call can be meant", async () => {
    gateway.plan = giveUpOn(isRecover, { afterMs: 1 });
    const node = await into();
    const nowhere = () => node.pull('http://127.0.0.1:1/it', { priority: 'snapshot' }, never);
    const asked = settledPull(siteOf(node, { isAlone: true }), nowhere);
    await expect(asked).rejects.toMatchObject({ code: 'QdrantUnavailable', retryable: true });
    await node.close();
  });
});
