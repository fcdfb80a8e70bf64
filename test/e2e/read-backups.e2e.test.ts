// A prune while a backup is read, with everything real: the link of a chain that is being recovered stays, with those below
// it, although no rule keeps it; and goes with the next prune.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PruneStoreResult } from '../../src/model/contracts/prune-activities.js';
import { backUpAged } from '../support/aged-backups.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { compareTaken, takeSide } from '../support/compare-sides.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { allOf } from '../support/object-stores.js';
import { expectHonest } from '../support/pruned-stores.js';
import { upsertTexts } from '../support/rest-text.js';

const day = (back: number) => new Date(Date.now() - back * 86_400_000);
const READERS = '.ferry-readers/';

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => ({ archive: { ...offsite, readOnly: true } }),
  });
});
afterAll(async () => stack?.stop());

/** Two chains, of 20 and of 10 days ago, of two links each. */
async function twoChains(collection: string): Promise<string[]> {
  const ids: string[] = [];
  for (const back of [20, 10]) {
    const full = { collection, at: day(back), workflow: 'fullBackup' as const };
    ids.push(await backUpAged(stack, full));
    await upsertTexts(stack.source, collection, [pointText(5_000 + back)]);
    ids.push(await backUpAged(stack, { collection, at: day(back - 1) }));
  }
  return ids;
}

const rules = ['--keep-last', '1', '--minimum', '1', '--json'];
const prune = async (): Promise<PruneStoreResult> =>
  JSON.parse((await ferry(stack, 'prune', 'source', ...rules)).stdout) as PruneStoreResult;

it.each([
  ['a recovery', ['restore', 'target', 'docs', '--cluster', 'source', '--as', 'docs-back']],
  ['a rehearsal', ['rehearse', 'target', 'docs', '--cluster', 'source']],
])('keeps the links that %s reads, until it has ended', async (_what, command) => {
  const store = storeOf(stack);
  await fillBulky(stack.source, { name: 'docs', points: 3_000 });
  const before = await takeSide(stack.side('source', 'docs'));
  const [full = '', link = '', ...newer] = await twoChains('docs');
  const slow = ['--max-megabytes-per-second', '1', '--batch-bytes', '65536', '--json'];
  const running = startFerry(stack, ...command, '--backup', link, ...slow);
  await Promise.race([running.ended, untilRead()]);
  const first = await prune();
  expect(first.removed).toBe(0);
  expect(first.backups.find(({ backup }) => backup === link)?.reasons).toEqual([
    expect.stringMatching(/^being read by ferry\/target\//),
  ]);
  expect(first.backups.find(({ backup }) => backup === full)?.reasons).toContain(`base of ${link}`);
  const forgotten = await ferry(stack, 'backups', 'forget', link, '--json');
  expect([forgotten.code, forgotten.stderr]).toEqual([1, expect.stringContaining('is being read by')]);
  const ended = await running.ended;
  expect([ended.code, ended.stderr]).toEqual([0, ended.stderr]);
  expect(reportOf(ended).collections[0]).toMatchObject({ outcome: 'verified' });
  expect(await allOf(store.list(READERS))).toEqual([]);
  const after = await prune();
  if (command[0] === 'restore') {
    expect(after).toMatchObject({ removed: 2, left: [] });
    expect(await expectHonest(store)).toEqual(newer.map((one) => `${one}/docs`));
    const back = await takeSide(stack.side('target', 'docs-back'));
    expect(compareTaken(before, back).differences.map(({ kind }) => kind)).toEqual(['extra']);
  }
  // The rehearsal left a proof, and the newest proved one stays.
  else
    expect(after.backups.find(({ backup }) => backup === link)?.reasons).toEqual(['the newest proved one']);
  for (const one of newer.reverse()) await ferry(stack, 'backups', 'forget', one);
});

it('goes on without it where the store cannot be written, and says so', async () => {
  await fillBulky(stack.source, { name: 'small', points: 50 });
  expect(await ferry(stack, 'backup', 'source', 'small')).toMatchObject({ code: 0 });
  const run = await ferry(
    stack,
    ...['restore', 'target', 'small', '--store', 'archive', '--cluster', 'source', '--json'],
  );
  expect([run.code, run.stderr]).toEqual([0, run.stderr]);
  expect(reportOf(run).collections[0]?.warnings).toEqual([
    expect.stringMatching(/^The store does not know that this backup is being read, .*StoreReadOnly/),
  ]);
});

async function untilRead(): Promise<void> {
  while ((await allOf(storeOf(stack).list(READERS))).length === 0) await pause(50);
}
