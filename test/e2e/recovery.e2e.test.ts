import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startS3Gateway, type S3Gateway } from '../../src/local/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { makeBackup } from '../support/hand-made-backup.js';
import { rest } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { fillWorst } from '../support/worst-collection.js';

const OTHER = '20261122_010203-0a1b2c3d';

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

  it('replaces a collection only after a backup of it, and gives its aliases back', async () => {
    // Not on the disk: the safety backup is of another cluster, and the later tests name none.
    await makeBackup(s3, { nodes: [stack.source.url], collection: 'worst', backup: OTHER });
    await rest(stack.target, 'PUT', '/collections/doomed', '{"vectors":{"size":2,"distance":"Dot"}}');
    const alias = '{"actions":[{"create_alias":{"alias_name":"kept","collection_name":"doomed"}}]}';
    await rest(stack.target, 'POST', '/collections/aliases', alias);
    const where = ['--store', 's3', '--cluster', 'source', '--backup', OTHER, '--as', 'doomed'];
    const refused = await restore('worst', ...where);
    expect([refused.code, errorOfReport(refused)]).toEqual([1, expect.stringContaining('TargetExists')]);
    const run = await restore('worst', ...where, '--on-existing', 'replace');
    expect([run.code, reportOf(run).outcome]).toEqual([0, 'unproven']);
    const found = await compareSides(stack.side('source', 'worst'), stack.side('target', 'doomed'));
    expect(found.differences).toEqual([]);
    expect(await aliasesOf(stack.side('target', 'doomed'))).toContain('kept');
    const saved = await ferry(stack, 'backups', '--store', 's3', '--cluster', 'target', '--json');
    expect(saved.stdout).toContain('doomed');
  });
});

describe('a recovery that proves', () => {
  it('is rehearsed on a scratch cluster, which is left as it was, and then proves what it brings back', async () => {
    await rest(stack.target, 'DELETE', '/collections/worst');
    const backup = await ferry(
      stack,
      'backup',
      'source',
      'worst',
      '--store',
      'disk',
      '--no-digest',
      '--json',
    );
    expect(backup.code).toBe(0);
    const before = await rest(stack.target, 'GET', '/collections');
    const rehearsed = await ferry(stack, 'rehearse', 'target', '--store', 'disk', '--json');
    expect([rehearsed.code, reportOf(rehearsed).outcome]).toEqual([0, 'verified']);
    expect(namesIn(await rest(stack.target, 'GET', '/collections'))).toEqual(namesIn(before));
    const run = await restore('worst', '--store', 'disk');
    expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
    const found = await compareSides(stack.side('source', 'worst'), stack.side('target', 'worst'));
    expect([found.differences, found.configuration]).toEqual([[], []]);
  });

  it('goes on where it was when the data worker is killed, round after round', async () => {
    for (let round = 0; round < 3; round += 1) {
      const name = `killed-${round}`;
      const pace = ['--max-megabytes-per-second', '0.2', '--heartbeat-seconds', '5'];
      const running = startFerry(
        stack,
        'restore',
        'target',
        'worst',
        ...['--store', 'disk', '--as', name, ...pace, '--json'],
      );
      await untilThere(name);
      await sleep(Math.random() * 2_000);
      await stack.workers.data.kill();
      await stack.workers.data.start();
      const run = await running.ended;
      expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
      const found = await compareSides(stack.side('source', 'worst'), stack.side('target', name));
      expect([round, found.differences]).toEqual([round, []]);
    }
  });

  it('moves an alias under a search load without one failed search', async () => {
    const alias = '{"actions":[{"create_alias":{"alias_name":"live","collection_name":"killed-0"}}]}';
    await rest(stack.target, 'POST', '/collections/aliases', alias);
    const load = searchLoad('live');
    const run = await restore('worst', '--store', 'disk', '--as', 'live', '--on-existing', 'swap');
    const { searches, failures } = await load.stop();
    expect([run.code, failures]).toEqual([0, []]);
    expect(searches).toBeGreaterThan(10);
    expect(await aliasesOf(stack.side('target', 'killed-0'))).toEqual([]);
  });
});

function errorOfReport(run: Parameters<typeof reportOf>[0]): string | undefined {
  return reportOf(run).collections[0]?.error;
}

function namesIn(answer: string): string[] {
  const { result } = JSON.parse(answer) as { result: { collections: { name: string }[] } };
  return result.collections.map((one) => one.name).sort();
}

async function untilThere(name: string): Promise<void> {
  for (let looks = 0; looks < 600; looks += 1) {
    if (namesIn(await rest(stack.target, 'GET', '/collections')).includes(name)) return;
    await sleep(100);
  }
  throw new Error(`${name} was never made`);
}

function searchLoad(collection: string) {
  const failures: string[] = [];
  let searches = 0;
  let ends = false;
  const running = (async () => {
    while (!ends) {
      const body = '{"query":{"sample":"random"},"limit":5}';
      await rest(stack.target, 'POST', `/collections/${collection}/points/query`, body).then(
        () => (searches += 1),
        (error: unknown) => failures.push(String(error)),
      );
    }
  })();
  return {
    stop: async () => {
      ends = true;
      await running;
      return { searches, failures };
    },
  };
}
