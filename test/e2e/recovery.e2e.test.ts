import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startS3Gateway, type S3Gateway } from '../../src/local/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { compareSides } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { makeBackup } from '../support/hand-made-backup.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { fillWorst } from '../support/worst-collection.js';

let folder: string;
let gateway: S3Gateway;
let stack: TestStack;
let disk: ObjectStore;
let s3: ObjectStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-recovery-'));
  const keys = { accessKeyId: 'ferry', secretAccessKey: randomBytes(16).toString('hex') };
  gateway = await startS3Gateway({ folder: join(folder, 's3'), bucket: 'backups', ...keys });
  const stores = {
    disk: { url: pathToFileURL(join(folder, 'disk')).href },
    s3: { url: 's3://backups/some/prefix', endpoint: gateway.endpoint, region: gateway.region, ...keys },
  };
  disk = openStore({ alias: 'disk', ...stores.disk });
  s3 = openStore({ alias: 's3', ...stores.s3 });
  stack = await startTestStack({ clustered: true, stores: async () => stores });
  await fillWorst(stack.source, 'worst', { shards: 3, large: false });
});

afterAll(async () => {
  await stack?.stop();
  await gateway?.stop();
  await rm(folder, { recursive: true, force: true });
});

const restore = (...args: string[]) => ferry(stack, 'restore', 'target', ...args, '--json');

describe('ferry restore', () => {
  it('brings back from a disk exactly what a stranger wrote down, and says that nothing proves it', async () => {
    await makeBackup(disk, { nodes: [stack.source.url], collection: 'worst', partBytes: 300_000 });
    const run = await restore('worst');
    expect([run.code, run.stderr]).toEqual([0, expect.any(String)]);
    expect(reportOf(run)).toMatchObject({ outcome: 'unproven', failed: 0 });
    const found = await compareSides(stack.side('source', 'worst'), stack.side('target', 'worst'));
    expect(found.differences).toEqual([]);
  });

  it('has the nodes fetch from S3 by themselves', async () => {
    await makeBackup(s3, { nodes: [stack.source.url], collection: 'worst' });
    const run = await restore('worst', '--store', 's3', '--as', 'pulled', '--via', 'pull');
    expect([run.code, reportOf(run).outcome]).toEqual([0, 'unproven']);
    const found = await compareSides(stack.side('source', 'worst'), stack.side('target', 'pulled'));
    expect(found.differences).toEqual([]);
  });
});
