import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts, startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import { seededRandom } from '../../demo/seeded-random.js';
import type { RangeDigest } from '../../src/model/format/digest.js';
import type { ShardKey } from '../../src/model/state/slice.js';
import { connectPoints } from '../../src/qdrant/points/point-connection.js';
import { copySlice, digestSlice, type CopyJob } from '../../src/transfer/copy-slice.js';
import type { PointConnection } from '../../src/cluster/points-port.js';
import { freshState } from '../../src/transfer/walk-slice.js';
import { prefixProxy } from '../support/prefix-proxy.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { fillWorst, WORST } from '../support/worst-collection.js';

let folder: string;
const servers = {} as Record<'source' | 'target', QdrantServer>;
const opened: PointConnection[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-rest-only-'));
  servers.source = await start('source', '1.16.3');
  servers.target = await start('target', '1.17.0');
  await fillWorst(servers.source);
  await fillWorst(servers.target);
}, 120_000);
afterAll(async () => {
  for (const one of opened) one.close();
  for (const server of Object.values(servers)) await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string, version: QdrantVersion): Promise<QdrantServer> {
  const [p2p] = await freePorts(1);
  return startQdrant({
    version,
    storageDir: join(folder, name),
    extraEnv: { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(p2p) },
    extraArgs: ['--uri', `http://127.0.0.1:${p2p}`],
  });
}

/** Over gRPC, or over REST alone; nothing answers at its gRPC address then. */
function connect(side: 'source' | 'target', grpc: boolean): PointConnection {
  const { url, grpcUrl } = servers[side];
  const node = { url, grpcUrl: grpc ? grpcUrl : 'http://127.0.0.1:1' };
  const connection = connectPoints({ alias: side, nodes: [node], ...(grpc ? {} : { grpc }) }, 0);
  opened.push(connection);
  return connection;
}

function job(more: Partial<CopyJob> & { reader: PointConnection }): CopyJob {
  return {
    collection: WORST,
    targetCollection: WORST,
    slice: {},
    state: freshState(undefined),
    read: { mode: 'scroll' },
    batchBytes: 200_000,
    budgetMs: 60_000,
    signal: new AbortController().signal,
    stop: new AbortController().signal,
    onProgress: () => undefined,
    writer: more.reader,
    ...more,
  };
}

async function digestOf(
  reader: PointConnection,
  collection = WORST,
  shardKey?: ShardKey,
): Promise<RangeDigest> {
  const slice = shardKey === undefined ? {} : { shardKey };
  return (await digestSlice(job({ reader, collection, slice }))).digest;
}

async function emptied(collection: string): Promise<void> {
  const path = `${collectionPath(collection)}/points/delete?wait=true`;
  await rest(servers.target, 'POST', path, '{"filter":{}}');
}

describe('a cluster that has REST only', () => {
  it.each(['source', 'target'] as const)(
    'gives the digest that gRPC gives, of the worst collection on the %s, whichever way it is read',
    async (side) => {
      const overGrpc = await digestOf(connect(side, true));
      expect(overGrpc.count).toBeGreaterThan(600);
      expect(await digestOf(connect(side, false))).toEqual(overGrpc);
      const idsFirst = job({ reader: connect(side, false), read: { mode: 'idsFirst' } });
      expect((await digestSlice(idsFirst)).digest).toEqual(overGrpc);
    },
  );

  it.each([
    ['source', false, false],
    ['source', false, true],
    ['source', true, false],
  ] as const)(
    'takes every bit of the worst collection (from the %s: gRPC %s, on the target: gRPC %s)',
    async (_, sourceGrpc, targetGrpc) => {
      await emptied(WORST);
      const claim = await copySlice(
        job({ reader: connect('source', sourceGrpc), writer: connect('target', targetGrpc) }),
      );
      expect(claim).toMatchObject({ done: true });
      expect(await digestOf(connect('target', true))).toEqual(claim.digest);
      expect(await digestOf(connect('source', true))).toEqual(claim.digest);
    },
  );

  it('carries every double and every float, also those that Qdrant reads wrongly from their shortest text', async () => {
    const random = seededRandom(3);
    const double = () => (random.next() * 2 - 1) * 10 ** (random.below(600) - 300);
    const point = (id: number) => {
      const vector = Array.from({ length: 4 }, () => double().toPrecision(9));
      const payload = `{"wide":18446744073709551615,"d":[${Array.from({ length: 20 }, double).join()}]}`;
      return `{"id":${id},"vector":[${vector.map((text) => (Math.abs(Number(text)) < 3e38 ? text : '7.038531e-26')).join()}],"payload":${payload}}`;
    };
    for (const side of ['source', 'target'] as const) {
      await rest(servers[side], 'PUT', '/collections/floats', '{"vectors":{"size":4,"distance":"Dot"}}');
    }
    const points = Array.from({ length: 500 }, (_, id) => point(id)).join();
    await rest(servers.source, 'PUT', '/collections/floats/points?wait=true', `{"points":[${points}]}`);
    const floats = { collection: 'floats', targetCollection: 'floats' };
    for (const grpc of [false, true]) {
      await emptied('floats');
      const claim = await copySlice(
        job({ ...floats, reader: connect('source', grpc), writer: connect('target', grpc) }),
      );
      expect(claim.points).toBe(500);
      expect(await digestOf(connect('target', true), 'floats')).toEqual(claim.digest);
      expect(await digestOf(connect('target', false), 'floats')).toEqual(claim.digest);
    }
  });

  it('reads and writes under a shard key, and deletes there alone', async () => {
    const keys: ShardKey[] = [{ keyword: 'ключ "a"' }, { number: '7' }];
    for (const side of ['source', 'target'] as const) {
      const settings = '{"vectors":{"size":2,"distance":"Dot"},"sharding_method":"custom"}';
      await rest(servers[side], 'PUT', '/collections/keyed', settings);
      for (const key of ['"ключ \\"a\\""', '7']) {
        await rest(servers[side], 'PUT', '/collections/keyed/shards', `{"shard_key":${key}}`);
        const points = `{"shard_key":${key},"points":[{"id":1,"vector":[1,2],"payload":{"k":${key}}}]}`;
        if (side === 'source')
          await rest(servers.source, 'PUT', '/collections/keyed/points?wait=true', points);
      }
    }
    const [from, to] = [connect('source', false), connect('target', false)];
    const keyed = { collection: 'keyed', targetCollection: 'keyed', reader: from, writer: to };
    for (const shardKey of keys) {
      const claim = await copySlice(job({ ...keyed, slice: { shardKey } }));
      expect(claim.points).toBe(1);
      expect(await digestOf(connect('target', true), 'keyed', shardKey)).toEqual(claim.digest);
    }
    await to.delete('keyed', keys[0], ['1']);
    expect((await digestOf(to, 'keyed', keys[0])).count).toBe(0);
    expect((await digestOf(to, 'keyed', keys[1])).count).toBe(1);
  });

  it('writes nothing whole once its lease is refused, however large the request', async () => {
    await emptied(WORST);
    const [from, to] = [connect('source', false), connect('target', false)];
    const page = await from.byId(WORST, undefined, ['4000', '4001', '1500']);
    const refuse = () => {
      throw new Error('another attempt may be at work');
    };
    await expect(to.upsert(WORST, undefined, page, undefined, refuse)).rejects.toThrow('another attempt');
    expect((await digestOf(to)).count).toBe(0);
    await to.upsert(WORST, undefined, page);
    await expect(to.delete(WORST, undefined, ['1500'], undefined, refuse)).rejects.toThrow('another attempt');
    expect((await digestOf(to)).count).toBe(page.count);
  });
});

describe('a proxy that routes gRPC by path', () => {
  it('is reached under the path of grpcUrl, reading and writing', async () => {
    const proxy = await prefixProxy(servers.target.grpcUrl, '/clusters/qdrant');
    const nodes = [{ url: servers.target.url, grpcUrl: `${proxy.url}/` }];
    const connection = connectPoints({ alias: 'target', nodes }, 0);
    try {
      await emptied(WORST);
      const claim = await copySlice(job({ reader: connect('source', true), writer: connection }));
      expect(await digestOf(connection)).toEqual(claim.digest);
      expect(new Set(proxy.seen)).toEqual(
        new Set(['/clusters/qdrant/qdrant.Points/Upsert', '/clusters/qdrant/qdrant.Points/Scroll']),
      );
    } finally {
      connection.close();
      await proxy.end();
    }
  });
});
