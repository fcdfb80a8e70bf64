// Snapshots of one node, on both versions: streamed and stored, whole or cut, and the second reader of a shard.

import {
  createServer,
  request,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SnapshotCheck } from '../../src/shards/snapshot-check.js';
import type { SnapshotNode } from '../../src/cluster/snapshots-port.js';
import { startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import { shardNodes } from '../../src/qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { fillRandom } from '../support/random-collection.js';

const SILENCE_MS = 1_500;
const shard = { collection: 'docs', shard: 0 };
const never = new AbortController().signal;

describe.each<QdrantVersion>(['1.16.3', '1.17.0'])('Qdrant %s', (version) => {
  let folder: string;
  let server: QdrantServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-snapshots-'));
    server = await startQdrant({ version, storageDir: folder });
    await fillRandom(server, { name: 'docs', points: 20_000, dimension: 128 });
  });
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (url = server.url): Promise<SnapshotNode> => {
    const clusters = { one: { alias: 'one', nodes: [{ url, grpcUrl: server.grpcUrl }] } };
    return snapshotNodes(clusters, { silenceMs: SILENCE_MS }).holding('one', shard, never);
  };

  it('streams a shard that is whole, and leaves nothing on the node', async () => {
    const node = await open();
    const tar = await passed(node.stream(shard, never));
    expect(() => tar.finish()).not.toThrow();
    expect(await node.list(shard, never)).toEqual([]);
    await node.close();
  });

  it('stores a shard on the node, downloads it from any byte on, and removes it by name', async () => {
    const node = await open();
    const file = await node.create(shard, never);
    expect(await node.list(shard, never)).toMatchObject([{ name: file.name, bytes: file.bytes }]);
    const whole = await node.download(shard, file.name, 0, never);
    const bytes = await collected(whole?.body);
    expect(bytes.length).toBe(file.bytes);
    const rest = await node.download(shard, file.name, 1_000, never);
    expect(rest).toMatchObject({ bytes: file.bytes, etag: whole?.etag });
    expect((await collected(rest?.body)).equals(bytes.subarray(1_000))).toBe(true);
    const check = shardCheck();
    check.pass(bytes);
    expect(() => check.finish()).not.toThrow();
    await node.remove(shard, file.name, never);
    await node.remove(shard, file.name, never);
    expect(await node.download(shard, file.name, 0, never)).toBeUndefined();
    await node.close();
  });

  it('asks again for a hash that Qdrant had not written when it answered', async () => {
    const proxy = await hastyProxy(server.url);
    const [hasty, patient] = [await open(proxy.url), await open()];
    const file = await hasty.create(shard, never);
    expect([proxy.emptied(), await patient.list(shard, never)]).toEqual([1, [file]]);
    expect(file.sha256).toMatch(/^[0-9a-f]{64}$/);
    await patient.remove(shard, file.name, never);
    await Promise.all([hasty.close(), patient.close(), proxy.close()]);
  });

  it.each<[number, string, boolean]>([
    [500, 'QdrantUnavailable', true],
    [503, 'QdrantUnavailable', true],
    [429, 'QdrantUnavailable', true],
    [403, 'QdrantRejected', false],
    [404, 'QdrantRejected', false],
  ])('told to fetch a file whose server answers %s, ends as %s', async (status, code, retryable) => {
    const files = await refusingServer(status);
    const clusters = { one: { alias: 'one', nodes: [server] } };
    const node = await shardNodes(clusters).holding('one', shard, never);
    await expect(node.pull(`${files.url}/a.snapshot`, { priority: 'snapshot' }, never)).rejects.toMatchObject(
      {
        ...{ code, retryable },
        happened: expect.stringContaining(`status - ${status}`) as string,
      },
    );
    await Promise.all([node.close(), files.close()]);
  });

  it('calls a second stream of the same shard ShardBusy instead of waiting for ever', async () => {
    const [first, second] = [await open(), await open()];
    const reading = first.stream(shard, never)[Symbol.asyncIterator]();
    await reading.next();
    await expect(passed(second.stream(shard, never))).rejects.toMatchObject({
      code: 'ShardBusy',
      retryable: true,
    });
    await reading.return?.();
    const tar = await eventually(() => passed(second.stream(shard, never)));
    expect(() => tar.finish()).not.toThrow();
    await first.close();
    await second.close();
  });

  it.each([0.1, 0.5, 0.999])(
    'notices a stream that a proxy ended properly at %s of its length',
    async (share) => {
      const whole = await lengthOf(await open());
      const proxy = await cuttingProxy(server.url, Math.floor(whole * share));
      const node = await open(proxy.url);
      const tar = await passed(node.stream(shard, never));
      expect(() => tar.finish()).toThrowError(expect.objectContaining({ code: 'SnapshotIncomplete' }));
      await node.close();
      await proxy.close();
    },
  );
});

describe('the check of an archive', () => {
  it('refuses what is empty, what has no segments, and what is no archive', () => {
    const ofCode = (code: string) => expect.objectContaining({ code }) as Error;
    expect(() => shardCheck().finish()).toThrowError(ofCode('SnapshotIncomplete'));
    const empty = shardCheck();
    empty.pass(Buffer.alloc(1024));
    expect(() => empty.finish()).toThrowError(ofCode('SnapshotDamaged'));
    const corrupt = ofCode('SnapshotDamaged');
    expect(() => shardCheck().pass(Buffer.alloc(512, 'x'))).toThrowError(corrupt);
  });
});

function shardCheck(): SnapshotCheck {
  return new SnapshotCheck({ what: 'it', source: shard });
}

async function passed(stream: AsyncIterable<Uint8Array>): Promise<SnapshotCheck> {
  const check = shardCheck();
  for await (const chunk of stream) check.pass(chunk);
  return check;
}

async function lengthOf(node: SnapshotNode): Promise<number> {
  const length = (await passed(node.stream(shard, never))).bytes;
  await node.close();
  return length;
}

async function collected(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A reader that went away is noticed by the node when it writes the next time. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 10; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** Passes everything on, but ends a snapshot after so many bytes, as if that were all. */
function cuttingProxy(to: string, after: number) {
  return proxyTo(to, ({ url }, answer, outgoing) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    let left = url?.endsWith('/snapshot') ? after : Infinity;
    answer.on('data', (chunk: Buffer) => {
      if (left > 0) outgoing.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) {
        outgoing.end();
        answer.destroy();
      }
    });
    answer.on('end', () => outgoing.end());
  });
}

/** Answers as a busy node does, which reads the hash of a new snapshot before it is written. */
async function hastyProxy(to: string) {
  let emptied = 0;
  const proxy = await proxyTo(to, async ({ method }, answer, outgoing) => {
    const text = (await collected(answer)).toString();
    const said = method === 'POST' ? text.replace(/"checksum":"[0-9a-f]{64}"/, '"checksum":""') : text;
    if (said !== text) emptied += 1;
    outgoing.writeHead(answer.statusCode ?? 502, { 'content-type': 'application/json' });
    outgoing.end(said);
  });
  return { ...proxy, emptied: () => emptied };
}

type Answering = (
  asked: IncomingMessage,
  answer: IncomingMessage,
  outgoing: ServerResponse,
) => void | Promise<void>;

function proxyTo(to: string, answering: Answering) {
  return listening((incoming, outgoing) => {
    const { method, headers } = incoming;
    const onward = request(`${to}${incoming.url}`, { method, headers }, (answer) => {
      answer.on('error', () => undefined);
      void answering(incoming, answer, outgoing);
    });
    onward.on('error', () => undefined);
    incoming.pipe(onward);
  });
}

const refusingServer = (status: number) => listening((_, outgoing) => outgoing.writeHead(status).end());

async function listening(handler: RequestListener) {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, close };
}
