// Qdrant says most of its troubles with the same status: what it really says is provoked here, on both versions, over REST
// and over gRPC, so that a changed sentence is noticed.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startQdrant, type QdrantServer, type QdrantVersion } from '../../src/local/index.js';
import type { ErrorCode } from '../../src/model/errors.js';
import { RestNode } from '../../src/qdrant/rest.js';
import { copySlice } from '../../src/transfer/copy-slice.js';
import { connectPoints } from '../../src/qdrant/points/point-connection.js';
import { freshState } from '../../src/transfer/walk-slice.js';
import { fillRandom } from '../support/random-collection.js';
import { mayMountDisks, mountSmallDisk } from '../support/small-disk.js';

const CONFIGURATION = '{"vectors":{"size":32,"distance":"Dot"}}';
const never = () => new AbortController().signal;
const refusal = (code: ErrorCode, said: RegExp) => ({
  code,
  retryable: false,
  happened: expect.stringMatching(said) as string,
});

const mayMount = await mayMountDisks();

let root: string;
let source: QdrantServer;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'ferry-refusals-'));
  source = await startQdrant({ version: '1.16.3', storageDir: join(root, 'source') });
  await fillRandom(source, { name: 'docs', points: 20 });
});
afterAll(async () => {
  await source?.stop();
  await rm(root, { recursive: true, force: true });
});

const cluster = (server: QdrantServer) => ({ alias: 'node', nodes: [server] });

/** As a migration writes: over gRPC. */
async function copyOnto(server: QdrantServer): Promise<void> {
  const [reader, writer] = [connectPoints(cluster(source), 0), connectPoints(cluster(server), 0)];
  try {
    await copySlice({
      ...{ reader, writer, collection: 'docs', targetCollection: 'docs', slice: {} },
      state: freshState(undefined),
      read: { mode: 'idsFirst' },
      ...{ batchBytes: 1_000_000, budgetMs: 60_000, signal: never(), stop: never() },
      onProgress: () => undefined,
    });
  } finally {
    reader.close();
    writer.close();
  }
}

describe.each<QdrantVersion>(['1.16.3', '1.17.0'])('Qdrant %s', (version) => {
  const started: QdrantServer[] = [];
  afterEach(async () => {
    for (const server of started.splice(0)) await server.kill();
  });

  async function start(name: string, extraEnv: Record<string, string> = {}): Promise<QdrantServer> {
    const server = await startQdrant({ version, storageDir: join(root, `${version}-${name}`), extraEnv });
    started.push(server);
    return server;
  }

  async function ask(server: QdrantServer, method: 'PUT' | 'POST', path: string, body = ''): Promise<string> {
    const node = new RestNode(server.url, cluster(server));
    try {
      return await node.request(method, path, body === '' ? {} : { body });
    } finally {
      await node.close();
    }
  }
  const create = (server: QdrantServer, name: string) =>
    ask(server, 'PUT', `/collections/${name}`, CONFIGURATION);

  it.runIf(mayMount)('says that its disk is full, before a write and in the middle of one', async () => {
    const disk = await mountSmallDisk(160);
    try {
      const server = await start('disk', disk.qdrantEnv);
      await create(server, 'docs');
      await disk.fillBut(20);
      const sentence = /No space left on device: WAL buffer size exceeds available disk space/;
      await expect(copyOnto(server)).rejects.toMatchObject(refusal('QdrantDiskFull', sentence));
      const index = '{"field_name":"n","field_schema":"integer"}';
      await expect(ask(server, 'PUT', '/collections/docs/index?wait=true', index)).rejects.toMatchObject(
        refusal('QdrantDiskFull', sentence),
      );
      await disk.fillBut(0);
      await expect(create(server, 'more')).rejects.toMatchObject(
        refusal('QdrantDiskFull', /No space left on device/),
      );
      await server.kill();
    } finally {
      await disk.remove();
    }
  });

  it('says that it holds as many collections as it may', async () => {
    const server = await start('many', { QDRANT__STORAGE__MAX_COLLECTIONS: '1' });
    await create(server, 'docs');
    await expect(create(server, 'more')).rejects.toMatchObject(
      refusal('CollectionLimitReached', /Max collections limit reached: 1/),
    );
  });

  it('says which limit of strict mode refuses a write', async () => {
    const server = await start('strict');
    const strict = { enabled: true, upsert_max_batchsize: 1, max_payload_index_count: 0 };
    const body = { vectors: { size: 32, distance: 'Dot' }, strict_mode_config: strict };
    await ask(server, 'PUT', '/collections/docs', JSON.stringify(body));
    await expect(copyOnto(server)).rejects.toMatchObject(
      refusal('StrictModeLimit', /Limit exceeded \d+ > 1 for "upsert limit"/),
    );
    const index = '{"field_name":"n","field_schema":"integer"}';
    await expect(ask(server, 'PUT', '/collections/docs/index?wait=true', index)).rejects.toMatchObject(
      refusal('StrictModeLimit', /maximum number of payload indices/),
    );
  });

  it('asks to wait for a rate limit, but not where the request is larger than the whole rate', async () => {
    const server = await start('rate');
    const strict = { enabled: true, write_rate_limit: 10 };
    const body = { vectors: { size: 32, distance: 'Dot' }, strict_mode_config: strict };
    await ask(server, 'PUT', '/collections/docs', JSON.stringify(body));
    await expect(copyOnto(server)).rejects.toMatchObject(
      refusal('StrictModeLimit', /request larger than rate limiter capacity/),
    );
    const point = `{"id":1,"vector":[${Array(32).fill(0).join()}]}`;
    const untilRefused = async () => {
      for (;;) await ask(server, 'PUT', '/collections/docs/points?wait=true', `{"points":[${point}]}`);
    };
    await expect(untilRefused()).rejects.toMatchObject({
      ...{ code: 'QdrantThrottled', retryable: true },
      retryAfterMs: expect.any(Number) as number,
    });
  });

  it('says that it runs in recovery mode, whatever is asked of a point', async () => {
    const before = await start('recovery');
    await create(before, 'docs');
    await before.stop();
    const message = 'Qdrant is running in recovery mode: not enough memory';
    const server = await start('recovery', { QDRANT__STORAGE__RECOVERY_MODE: message });
    const meant = refusal('QdrantRecoveryMode', /recovery mode: not enough memory/);
    await expect(copyOnto(server)).rejects.toMatchObject(meant);
    await expect(ask(server, 'POST', '/collections/docs/points/count', '{}')).rejects.toMatchObject(meant);
    await expect(ask(server, 'POST', '/collections/docs/snapshots')).rejects.toMatchObject(meant);
  });

  it('says that it has too many files open', async () => {
    const server = await start('files');
    const open = (await readdir(`/proc/${server.pid}/fd`)).length;
    execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${open + 8}:${open + 8}`]);
    const until = async () => {
      for (let i = 0; ; i++) await create(server, `c${i}`);
    };
    await expect(until()).rejects.toMatchObject(refusal('QdrantOutOfFiles', /\(os error 24\)/));
  });

  it('says that a collection’s name is too long for the files of a snapshot', async () => {
    const server = await start('names');
    const long = 'n'.repeat(215);
    await create(server, long);
    for (const path of [`/collections/${long}/snapshots`, `/collections/${long}/shards/0/snapshots`]) {
      await expect(ask(server, 'POST', path)).rejects.toMatchObject(
        refusal('NameTooLong', /File ?name too long|\(os error 36\)/i),
      );
    }
  });

  it('takes the name of a collection for no sentence of its own', async () => {
    const server = await start('odd');
    const name = encodeURIComponent('Too many open files. Help: running in recovery mode');
    await expect(ask(server, 'POST', `/collections/${name}/points/count`, '{}')).rejects.toMatchObject({
      code: 'CollectionNotFound',
    });
  });
});
