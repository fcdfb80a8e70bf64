import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startS3Gateway, type S3Gateway } from '../../src/local/index.js';
import { recallKey } from '../../src/model/format/backup-names.js';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { makeBackup } from '../support/hand-made-backup.js';
import { rest } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { resultOf } from '../support/workflows-of.js';
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
    const { collections } = reportOf(rehearsed);
    const [{ points } = { points: 0 }] = collections;
    expect(collections).toMatchObject([
      { collection: 'worst', expectedPoints: points, recall: { exact: 1, approximate: 1, atCapture: 1 } },
    ]);
    expect(collections[0]?.recall?.queries).toBeGreaterThan(20);
    const shown = await ferry(stack, 'backups', 'show', reportOf(backup).backup ?? '', '--store', 'disk');
    expect(shown.stdout).toMatch(/rehearsed \d+ min ago, recall of \d+ searches: exact search 100\.0 %/);
    expect(namesIn(await rest(stack.target, 'GET', '/collections'))).toEqual(namesIn(before));
    const run = await restore('worst', '--store', 'disk');
    expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
    const found = await compareSides(stack.side('source', 'worst'), stack.side('target', 'worst'));
    expect([found.differences, found.configuration]).toEqual([[], []]);
  });

  it('is proved without its baseline of searches too, and a check and a rehearsal say that it is gone', async () => {
    const backup = await ferry(stack, 'backup', 'source', 'worst', '--store', 's3', '--no-digest', '--json');
    const id = reportOf(backup).backup ?? '';
    await s3.delete(recallKey('source', id, 'worst'));
    const checked = await ferry(stack, 'check-backup', id, '--store', 's3', '--json');
    expect(checked.code).toBe(1);
    expect(JSON.parse(checked.stdout)).toMatchObject({
      ok: false,
      collections: [{ collection: 'worst', damage: ['recall.json: missing'] }],
    });
    const where = ['--store', 's3', '--cluster', 'source', '--backup', id];
    const rehearsed = await ferry(stack, 'rehearse', 'target', ...where, '--json');
    expect([rehearsed.code, reportOf(rehearsed).outcome]).toEqual([0, 'verified']);
    const [line] = reportOf(rehearsed).collections;
    const report = await resultOf<RecoveryReport>(stack.temporal, line?.workflowId ?? '');
    expect([line?.recall, report.recall]).toEqual([undefined, undefined]);
    expect(report.warnings.join()).toContain('The baseline of searches was passed over');
  });
});

function errorOfReport(run: Parameters<typeof reportOf>[0]): string | undefined {
  return reportOf(run).collections[0]?.error;
}

function namesIn(answer: string): string[] {
  const { result } = JSON.parse(answer) as { result: { collections: { name: string }[] } };
  return result.collections.map((one) => one.name).sort();
}
