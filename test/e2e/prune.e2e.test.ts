// `ferry prune` and `ferry backups pin|unpin|forget` with everything real: old runs and a new backup in one store, workers
// that are killed in the middle of a removal, and two commands at the same time.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PruneStoreResult } from '../../src/model/contracts/prune-activities.js';
import { collectionFolder, prunedKey } from '../../src/model/format/backup-names.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { copyAged } from '../support/aged-store.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, startFerry, type FerryRun } from '../support/ferry-command.js';
import { expectHonest, keysIn, runId, storeWithRuns } from '../support/pruned-stores.js';
import { fillRandom } from '../support/random-collection.js';

const DAYS = Array.from({ length: 20 }, (_, day) => day + 1);
const NEWEST = [19, 20].flatMap((day) => [`${runId(day)}/docs`, `${runId(day)}/images`]);

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack();
});
afterAll(async () => stack?.stop());

async function withOldRuns(alias: string): Promise<ObjectStore> {
  const store = storeOf(stack, alias);
  await copyAged(storeWithRuns(DAYS), store, stack.folder);
  return store;
}

const prune = (...args: string[]) => ferry(stack, 'prune', 'prod', '--keep-last', '2', '--json', ...args);
const resultOf = ({ stdout }: FerryRun) => JSON.parse(stdout) as PruneStoreResult;

it('shows first what it would remove, then removes it, and leaves what is pinned', async () => {
  const store = await withOldRuns('disk');
  const pinned = await ferry(stack, 'backups', 'pin', runId(3), '--collection', 'docs', '--store', 'disk');
  expect(pinned).toMatchObject({ code: 0, stdout: `1 collection of ${runId(3)} pinned\n` });
  const before = await keysIn(store);
  const planned = resultOf(await prune('--store', 'disk', '--dry-run'));
  expect(planned).toMatchObject({ dryRun: true, removed: 35, kept: 5 });
  expect(await keysIn(store)).toEqual(before);
  const done = resultOf(await prune('--store', 'disk'));
  expect({ ...done, dryRun: true }).toEqual(planned);
  expect(await expectHonest(store)).toEqual([`${runId(3)}/docs`, ...NEWEST]);
  const forgotten = await ferry(stack, 'backups', 'forget', runId(3), '--store', 'disk', '--json');
  expect(forgotten).toMatchObject({ code: 1 });
  expect(forgotten.stderr).toContain('BackupKept');
  await ferry(stack, 'backups', 'unpin', runId(3), '--store', 'disk');
  expect(await ferry(stack, 'backups', 'forget', runId(3), '--store', 'disk')).toMatchObject({ code: 0 });
  expect(await expectHonest(store)).toEqual(NEWEST);
  expect((await keysIn(store)).filter((key) => key.includes(runId(3)))).toEqual([]);
});

it('goes on after its worker was killed, and a backup of today is untouched and can be recovered', async () => {
  const store = await withOldRuns('offsite');
  await fillRandom(stack.source, { name: 'docs', points: 200 });
  expect(await ferry(stack, 'backup', 'source', '--store', 'offsite')).toMatchObject({ code: 0 });
  const rules = ['--keep-last', '2', '--heartbeat-seconds', '4'];
  const running = startFerry(stack, 'prune', ...rules, '--store', 'offsite', '--json');
  for (let kill = 0; kill < 3; kill += 1) {
    await untilRemoved(store, 2 + 4 * kill);
    await stack.workers.data.kill();
    expect(await expectHonest(store)).toEqual(expect.arrayContaining(NEWEST));
    await stack.workers.data.start();
  }
  const ended = await running.ended;
  expect(ended.code).toBe(0);
  const { removed, removedEarlier = 0 } = resultOf(ended);
  // A kill between the removal of a manifest and the heartbeat that counts it loses one.
  expect(removedEarlier).toBeGreaterThan(0);
  expect([0, 1, 2, 3]).toContain(2 * DAYS.length - NEWEST.length - removed - removedEarlier);
  const complete = await expectHonest(store);
  expect(complete.filter((name) => name.startsWith('202611') && NEWEST.includes(name))).toEqual(NEWEST);
  expect(complete).toHaveLength(NEWEST.length + 1);
  const restored = await ferry(stack, 'restore', 'target', '--store', 'offsite', '--cluster', 'source');
  expect(restored).toMatchObject({ code: 0 });
});

it('two at the same time end well', async () => {
  const store = await withOldRuns('offsite');
  const ends = await Promise.all([prune('--store', 'offsite'), prune('--store', 'offsite')]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  expect(await expectHonest(store)).toEqual(expect.arrayContaining(NEWEST));
  expect(
    (await keysIn(store)).filter((key) => DAYS.slice(0, 18).some((day) => key.includes(runId(day)))),
  ).toEqual([]);
});

async function untilRemoved(store: ObjectStore, day: number): Promise<void> {
  const marker = prunedKey('prod', runId(day), 'docs');
  const folder = collectionFolder('prod', runId(day), 'docs');
  for (let look = 0; look < 600; look += 1) {
    if ((await store.head(marker)) ?? !(await keysIn(store)).some((key) => key.startsWith(folder))) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${folder} was never removed`);
}
