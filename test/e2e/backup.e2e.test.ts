// Backups as a user makes them: worker processes, the command, a real S3 gateway.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CatalogueEntry } from '../../src/model/contracts/backup-catalogue.js';
import { isBackupId } from '../../src/model/format/backup-names.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { storedOnNode } from '../support/capture-watch.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack();
});
afterAll(async () => stack?.stop());

const document = <T>(stdout: string) => JSON.parse(stdout) as T;

async function backUp(...args: string[]): Promise<string> {
  const run = await ferry(stack, 'backup', ...args, '--json');
  expect(run).toMatchObject({ code: 0 });
  return reportOf(run).backup ?? '';
}

it('puts every collection into the default store, proves a quiet one, and finds it complete', async () => {
  await fillRandom(stack.source, { name: 'docs', points: 2_000, shards: 2 });
  await fillRandom(stack.source, { name: 'logs-1', points: 100 });
  const run = await ferry(stack, 'backup', 'source', '--json');
  expect(run).toMatchObject({ code: 0 });
  const report = reportOf(run);
  expect(report).toMatchObject({ source: 'source', target: 'offsite', outcome: 'verified', points: 2_100 });
  expect(report.collections.map((line) => [line.collection, line.proven])).toEqual([
    ['docs', 'quiesced'],
    ['logs-1', 'quiesced'],
  ]);
  const id = report.backup ?? '';
  expect(isBackupId(id)).toBe(true);

  const listed = document<{ backups: CatalogueEntry[] }>((await ferry(stack, 'backups', '--json')).stdout);
  expect(listed.backups.map((one) => [one.backup, one.cluster, one.complete])).toEqual([
    [id, 'source', true],
  ]);
  const shown = await ferry(stack, 'backups', 'show', id);
  expect(shown).toMatchObject({ code: 0 });
  expect(shown.stdout).toMatch(/docs +complete +2,000 points .* quiesced/);
  for (const how of [['--quick'], ['--full'], ['--part', '1/7']]) {
    const checked = await ferry(stack, 'check-backup', id, ...how, '--json');
    expect(checked).toMatchObject({ code: 0 });
    expect(document(checked.stdout)).toMatchObject({ ok: true, backup: id });
  }
});

it('backs up what patterns name, into a folder on a disk', async () => {
  const id = await backUp('source', 'logs-*', '--store', 'disk');
  const shown = await ferry(stack, 'backups', 'show', id, '--store', 'disk', '--json');
  const entry = document<CatalogueEntry>(shown.stdout);
  expect(entry).toMatchObject({ complete: true, collections: [{ collection: 'logs-1', state: 'complete' }] });
});

it('takes the whole storage of a single node too, when asked', async () => {
  const id = await backUp('source', 'logs-1', '--node-snapshot');
  expect(await storedOnNode(stack.source)).toEqual([]);
  expect((await ferry(stack, 'check-backup', id, '--json')).code).toBe(0);
});

it('says which names do not exist, and which store', async () => {
  const missing = await ferry(stack, 'backup', 'source', 'nope-*', '--json');
  expect(missing.code).toBe(1);
  expect(missing.stdout).toContain('CollectionNotFound');
  const elsewhere = await ferry(stack, 'backup', 'source', '--store', 'moon', '--json');
  expect(elsewhere.code).toBe(2);
  expect((await ferry(stack, 'backups', 'show', '20200101_000000-00000000', '--json')).stdout).toContain(
    'BackupNotFound',
  );
});
