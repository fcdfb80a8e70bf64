// What a store says must be so: which backups are complete, whose they are, of which moment, and when they were taken.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { startWorkerProcess, type LocalProcess } from '../../src/local/index.js';
import { backupFolder, backupKey, completeKey, manifestKey } from '../../src/model/format/backup-names.js';
import { readIfThere, readText, sha256OfText } from '../../src/shards/read-text.js';
import type { BackupDocument } from '../../src/model/format/run-documents.js';
import type { CatalogueEntry } from '../../src/model/contracts/backup-catalogue.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { allOf, bytesOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { withClient } from '../support/workflows-of.js';

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack();
});
afterAll(async () => stack?.stop());

const DISK = ['--store', 'disk'];
const document = <T>(stdout: string) => JSON.parse(stdout) as T;

async function backUp(...args: string[]): Promise<string> {
  const run = await ferry(stack, 'backup', 'source', ...args, ...DISK, '--no-recall', '--json');
  expect(run).toMatchObject({ code: 0 });
  return reportOf(run).backup ?? '';
}

const restore = (...args: string[]): Promise<FerryRun> =>
  ferry(stack, 'restore', 'target', ...args, ...DISK, '--cluster', 'source', '--json');

const show = async (id: string): Promise<CatalogueEntry> =>
  document((await ferry(stack, 'backups', 'show', id, ...DISK, '--cluster', 'source', '--json')).stdout);

const drop = (side: { url: string }, name: string) => rest(side, 'DELETE', collectionPath(name));

async function alias(name: string, collection: string): Promise<void> {
  const made = { create_alias: { alias_name: name, collection_name: collection } };
  await rest(stack.source, 'POST', '/collections/aliases', JSON.stringify({ actions: [made] }));
}

async function namesOn(side: { url: string }): Promise<string[]> {
  const { result } = document<{ result: { collections: { name: string }[] } }>(
    await rest(side, 'GET', '/collections'),
  );
  return result.collections.map(({ name }) => name).sort();
}

async function emptied(...sides: { url: string }[]): Promise<void> {
  for (const side of sides) for (const name of await namesOn(side)) await drop(side, name);
}

describe('three nights, with collections dropped in between', () => {
  const nights: string[] = [];
  beforeAll(async () => {
    for (const name of ['docs', 'tmp_import', 'customer_42'])
      await fillRandom(stack.source, { name, points: 50 });
    await alias('current', 'customer_42');
    nights.push(await backUp());
    await drop(stack.source, 'tmp_import');
    await drop(stack.source, 'customer_42');
    await alias('current', 'docs');
    nights.push(await backUp(), await backUp());
  });

  it('come back as the last of them, with its alias, and what was dropped is named', async () => {
    const run = await restore();
    expect(run).toMatchObject({ code: 0 });
    const report = reportOf(run);
    expect(report.collections).toMatchObject([{ collection: 'docs', fromBackup: nights[2] }]);
    expect(report.notes).toEqual([
      expect.stringContaining(`customer_42 is in ${nights[0]} and not in ${nights[2]}`),
      expect.stringContaining(`tmp_import is in ${nights[0]}`),
    ]);
    expect(await namesOn(stack.target)).toEqual(['docs']);
    expect(await rest(stack.target, 'GET', '/aliases')).toContain(
      '{"alias_name":"current","collection_name":"docs"}',
    );
    await emptied(stack.target);
  });

  it('brings back what was dropped when it is said', async () => {
    const run = await restore('--include-dropped');
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run).collections.map((line) => [line.collection, line.fromBackup])).toEqual([
      ['customer_42', nights[0]],
      ['docs', nights[2]],
      ['tmp_import', nights[0]],
    ]);
    expect(await rest(stack.target, 'GET', '/aliases')).toContain('"collection_name":"docs"');
    expect(await rest(stack.target, 'GET', '/aliases')).not.toContain('customer_42');
    await emptied(stack.target);
  });

  it('leave a backup dated in 2031 alone, and say so', async () => {
    const future = await copyAs(nights[1] ?? '', '20310101_020000-0000000f');
    const run = await restore();
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run).collections).toMatchObject([{ fromBackup: nights[2] }]);
    expect(reportOf(run).notes?.join('\n')).toContain(`Passed over ${future}: it is dated in the future`);
    const listed = (await ferry(stack, 'backups', ...DISK)).stdout;
    expect(listed).toMatch(new RegExp(`${future} .*dated in the future: 2031-01-01`));
    expect(listed.trim().split('\n').at(-1)).toContain(future);
    await emptied(stack.target);
    const named = await restore('--backup', future);
    expect(named).toMatchObject({ code: 0 });
    expect(reportOf(named).notes?.join('\n')).toContain(`${future} is dated in the future`);
    await emptied(stack.target);
  });

  it('refuses to back up a cluster that has become empty', async () => {
    await emptied(stack.source);
    const run = await ferry(stack, 'backup', 'source', ...DISK, '--json');
    expect(run.code).toBe(1);
    expect(run.stdout).toContain('ClusterEmpty');
    expect(run.stdout).toContain(nights[2]);
    await fillRandom(stack.source, { name: 'docs', points: 50 });
  });
});

/** The same backup under another id, as a clock that is wrong makes one. */
async function copyAs(id: string, other: string): Promise<string> {
  const store = storeOf(stack, 'disk');
  const moved = (text: string) => text.replaceAll(id, other);
  for (const { key } of await allOf(store.list(backupFolder('source', id)))) {
    const body = await bytesOf(store.read(key));
    const isText = key.endsWith('.json');
    await store.put(moved(key), isText ? Buffer.from(moved(body.toString())) : body);
  }
  const manifest = await readText(store, manifestKey('source', other, 'docs'));
  const was = sha256OfText(await readText(store, manifestKey('source', id, 'docs')));
  for (const { key } of await allOf(store.list(backupFolder('source', other)))) {
    if (!key.endsWith('.json')) continue;
    const text = await readText(store, key);
    if (!text.includes(was)) continue;
    await store.delete(key);
    await store.put(key, Buffer.from(text.replaceAll(was, sha256OfText(manifest))));
  }
  return other;
}

describe('many collections whose objects are damaged before they are checked', () => {
  const LONG = 'with-a-name-of-ordinary-length-as-tenants-have-them';
  const bad = Array.from({ length: 45 }, (_, at) => `tenant-${String(at).padStart(3, '0')}-${LONG}`);
  const good = ['fine-1', 'fine-2', 'fine-3'];

  beforeAll(async () => {
    await emptied(stack.source);
    for (const name of [...bad, ...good]) await fillRandom(stack.source, { name, points: 3 });
  });

  it('are failed for backup.json, for the list and for a restore, and the others complete', async () => {
    const spoiling = spoil(join(stack.folder, 'disk/source'));
    const args = ['--concurrency', '8', '--no-digest', '--no-recall'];
    const run = await ferry(stack, 'backup', 'source', ...args, ...DISK, '--json');
    spoiling.end();
    expect(run.code).not.toBe(0);
    const id = reportOf(run).backup ?? '';
    expect(await outcomesIn(id)).toEqual(
      Object.fromEntries([...bad.map((name) => [name, false]), ...good.map((name) => [name, true])]),
    );
    await expectAgreement(id);
    const fine = await restore('fine-1', '--backup', id);
    expect(fine).toMatchObject({ code: 0 });
    const lost = await restore(bad[44] ?? '', '--backup', id);
    expect(lost.code).toBe(1);
    expect(lost.stdout).toContain('never became complete');
    await emptied(stack.target);
  });

  it('agree also of a run that was cancelled, which a restore does not go by', async () => {
    const whole = await backUp('--concurrency', '8', '--no-digest');
    const before = new Set(runsOnDisk());
    const running = ferry(stack, 'backup', 'source', ...DISK, '--no-recall', '--json');
    let [id, started]: [string, string | undefined] = ['', undefined];
    while (started === undefined) {
      await sleep(50);
      id = runsOnDisk().find((name) => !before.has(name)) ?? '';
      if (id !== '')
        started = await readIfThere(storeOf(stack, 'disk'), `${backupFolder('source', id)}started.json`);
    }
    const { workflowId } = document<{ workflowId: string }>(started);
    await sleep(1_500);
    await withClient(stack.temporal, (client) => client.workflow.getHandle(workflowId).cancel());
    await running;
    expect(await documentOf(id)).toMatchObject({ interrupted: true, collections: { length: 48 } });
    await expectAgreement(id);
    const { recoveries } = await resolved();
    expect(new Set(recoveries)).toEqual(new Set([whole]));
  });

  async function resolved(): Promise<{ recoveries: string[] }> {
    const run = await restore('--concurrency', '8');
    const { collections } = reportOf(run);
    await emptied(stack.target);
    return { recoveries: collections.map((line) => line.fromBackup ?? '') };
  }
});

const documentOf = async (id: string): Promise<BackupDocument> =>
  document(await readText(storeOf(stack, 'disk'), backupKey('source', id)));

async function outcomesIn(id: string): Promise<Record<string, boolean>> {
  const { collections } = await documentOf(id);
  return Object.fromEntries(collections.map((one) => [one.collection, one.outcome === 'complete']));
}

/** backup.json, `ferry backups`, `show` and the documents in the store say the same of every collection. */
async function expectAgreement(id: string): Promise<void> {
  const store = storeOf(stack, 'disk');
  const outcomes = await outcomesIn(id);
  const shown = await show(id);
  expect(
    Object.fromEntries(shown.collections.map((one) => [one.collection, one.state === 'complete'])),
  ).toEqual(outcomes);
  const usable = Object.values(outcomes).filter(Boolean).length;
  for (const [name, isComplete] of Object.entries(outcomes))
    expect([name, (await store.head(completeKey('source', id, name))) !== undefined]).toEqual([
      name,
      isComplete,
    ]);
  const line = (await ferry(stack, 'backups', ...DISK)).stdout.split('\n').find((one) => one.includes(id));
  expect(line).toContain(`incomplete (${usable} of ${Object.keys(outcomes).length} collections usable)`);
}

function runsOnDisk(): string[] {
  const folder = join(stack.folder, 'disk/source');
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).filter((name) => /^\d{8}_/.test(name));
}

/** Flips a bit of every tenant's snapshot as soon as its document is there. */
function spoil(folder: string): { end(): void } {
  const done = new Set<string>();
  const timer = setInterval(() => {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!name.includes('tenant-') || !name.endsWith('.parts.json')) continue;
      const path = join(folder, name.slice(0, -'.parts.json'.length));
      if (done.has(path)) continue;
      const bytes = readFileSync(path);
      bytes[700]! ^= 1;
      writeFileSync(path, bytes);
      done.add(path);
    }
  }, 10);
  return { end: () => clearInterval(timer) };
}

describe('another cluster under the alias of the first', () => {
  const workers: LocalProcess[] = [];
  afterAll(async () => {
    for (const worker of workers) await worker.stop();
  });

  it('is refused before anything is written, with both named, and taken when that is said', async () => {
    await fillRandom(stack.source, { name: 'docs', points: 20 });
    await backUp('docs');
    await fillRandom(stack.target, { name: 'theirs', points: 20 });
    const before = runsOnDisk();
    const other = join(stack.folder, 'other.yaml');
    const yaml = readFileSync(stack.config, 'utf8');
    const swapped = yaml
      .replaceAll(stack.source.url, 'THE-SOURCE')
      .replaceAll(stack.target.url, stack.source.url)
      .replaceAll('THE-SOURCE', stack.target.url)
      .replaceAll(stack.source.grpcUrl, 'THE-SOURCE')
      .replaceAll(stack.target.grpcUrl, stack.source.grpcUrl)
      .replaceAll('THE-SOURCE', stack.target.grpcUrl);
    writeFileSync(other, swapped);
    await stack.workers.control.stop();
    await stack.workers.data.stop();
    const worker = { config: other, folder: stack.folder, extraEnv: { FERRY_STATE_DIR: stack.folder } };
    workers.push(await startWorkerProcess({ role: 'control', ...worker }));
    workers.push(await startWorkerProcess({ role: 'data', ...worker }));
    const moved = { config: other, folder: stack.folder };

    const refused = await ferry(moved, 'backup', 'source', ...DISK, '--json');
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain('StoreOfAnotherCluster');
    expect(refused.stdout).toMatch(/from the cluster of peer \d+ .*now leads to the cluster of peer \d+/);
    expect(runsOnDisk()).toEqual(before);

    const taken = await ferry(moved, 'backup', 'source', ...DISK, '--new-cluster', '--no-recall', '--json');
    expect(taken).toMatchObject({ code: 0 });
    const id = reportOf(taken).backup ?? '';
    const kept = await documentOf(id);
    expect(kept.newCluster).toMatchObject({ backup: expect.stringMatching(/^\d{8}_/) as string });
    expect(kept.newCluster?.before).not.toEqual(kept.clusterIdentity);
    const listed = (await ferry(moved, 'backups', ...DISK)).stdout;
    expect(new Set(listed.match(/peer …\d{6}/g))).toHaveProperty('size', 2);

    const run = await ferry(
      moved,
      'restore',
      'source',
      ...DISK,
      '--cluster',
      'source',
      '--as',
      'theirs=back',
      '--json',
    );
    expect(reportOf(run).collections).toMatchObject([{ collection: 'theirs', fromBackup: id }]);
    expect(reportOf(run).notes?.join('\n')).toContain('and the newest backup is of another cluster');
  });
});
