// Downloads of Qdrant's own snapshots, killed half way and gone on with.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { ListedSnapshot } from '../../src/model/contracts/snapshot-activities.js';
import { startBackupStack, storeOf, unfinishedUploads, type BackupStack } from '../support/backup-stack.js';
import { ferry, startFerry } from '../support/ferry-command.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { sha256Of, snapshotCommands } from '../support/snapshot-commands.js';

const OBJECT = 'downloads/bulky.snapshot';
const WAIT = { timeout: 60_000, interval: 50 };

let stack: BackupStack;
let made: ListedSnapshot;
beforeAll(async () => {
  stack = await startBackupStack();
  await fillRandom(stack.source, { name: 'bulky', points: 40_000, dimension: 128 });
  made = await created('source', '--collection', 'bulky');
  expect(made.bytes).toBeGreaterThan(20_000_000);
});
afterAll(async () => stack?.stop());

const { refusal, created } = snapshotCommands(() => stack);

it('to a file continues where it was killed, and ends with the right hash', async () => {
  const path = join(stack.folder, 'bulky.snapshot');
  const args = ['snapshots', 'download', 'source', made.name, '--collection', 'bulky', '--to', path];
  const first = startFerry(stack, ...args, '--max-megabytes-per-second', '4');
  const there = () => statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0;
  await vi.waitFor(() => expect(there()).toBeGreaterThan(made.bytes / 4), WAIT);
  first.kill();
  await first.ended;
  expect(existsSync(path)).toBe(false);
  const left = there();
  const second = JSON.parse((await ferry(stack, ...args, '--json')).stdout) as { resumedFrom: number };
  expect(second).toMatchObject({ resumedFrom: left, sha256: made.sha256, checksum: 'equal' });
  expect(sha256Of(path)).toBe(made.sha256);
  expect([existsSync(`${path}.part`), existsSync(`${path}.part.json`)]).toEqual([false, false]);
  expect(await refusal(...args.slice(1))).toMatchObject({
    exit: 2,
    message: expect.stringContaining(path),
  });
});

it('to a store continues with another worker, and never writes over an object', async () => {
  const args = ['download', 'source', made.name, '--collection', 'bulky', '--object', OBJECT];
  const slow = startFerry(stack, 'snapshots', ...args, '--max-megabytes-per-second', '4', '--json');
  await vi.waitFor(() => expect(slow.said()).toMatch(/download .*, (8\.4|16\.8|25\.2|33\.6) MB/), WAIT);
  const uploads = new Set<string>();
  const watch = setInterval(() => void uploadIds().then((ids) => ids.forEach((id) => uploads.add(id))), 500);
  await stack.workers.data.kill();
  await stack.workers.data.start();
  const run = await slow.ended.finally(() => clearInterval(watch));
  expect([...uploads]).toHaveLength(1);
  expect(JSON.parse(run.stdout)).toMatchObject({
    sha256: made.sha256,
    bytes: made.bytes,
    checksum: 'equal',
  });
  expect(await unfinishedUploads(stack)).toEqual([]);
  expect(await refusal(...args)).toMatchObject({ exit: 1, code: 'ObjectExists' });
  expect((await storeOf(stack).head(OBJECT))?.bytes).toBe(made.bytes);
});

/** Of uploads that are under way. A worker that starts also begins one, of another key, to see what the store can do. */
async function uploadIds(): Promise<string[]> {
  return (await allOf(storeOf(stack).uploads(OBJECT))).map(({ id }) => id);
}
