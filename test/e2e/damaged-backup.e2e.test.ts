// A backup that was damaged in its store, recovered by the command: each damage is named by its code, a collection that
// was begun is removed again, and one that lives, behind a name or behind an alias, is not touched.

import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { manifestKey } from '../../src/model/format/backup-names.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { bytesOf, textOf } from '../support/object-stores.js';
import { keysIn } from '../support/pruned-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { rest } from '../support/rest-text.js';

let stack: BackupStack;
let backup: string;
let manifest: CollectionManifest;
let living: TakenSide;

beforeAll(async () => {
  stack = await startBackupStack();
  await fillRandom(stack.source, { name: 'docs', points: 400, shards: 2 });
  const run = await ferry(stack, 'backup', 'source', 'docs', '--json');
  expect(run).toMatchObject({ code: 0 });
  backup = (JSON.parse(run.stdout) as { backup: string }).backup;
  manifest = JSON.parse(await textOf(storeOf(stack).read(documentKey()))) as CollectionManifest;
  await fillRandom(stack.target, { name: 'living', points: 300, dimension: 8 });
  const alias = '{"actions":[{"create_alias":{"alias_name":"live","collection_name":"living"}}]}';
  await rest(stack.target, 'POST', '/collections/aliases', alias);
  living = await takeSide({ url: stack.target.url, collection: 'living' });
});
afterAll(async () => stack?.stop());

const documentKey = () => manifestKey('source', backup, 'docs');
const keyAt = (at: number) => manifest.shards[at]?.parts[0]?.key ?? '';

/** What was changed, as it was. */
const intact = new Map<string, Buffer>();
beforeEach(() => intact.clear());
afterEach(async () => {
  for (const [key, body] of intact) await write(key, body);
});

async function write(key: string, body: Uint8Array): Promise<void> {
  await storeOf(stack).delete(key);
  await storeOf(stack).put(key, body);
}

async function change(key: string, how: (body: Buffer) => Buffer | undefined): Promise<void> {
  const body = await bytesOf(storeOf(stack).read(key));
  intact.set(key, body);
  const changed = how(Buffer.from(body));
  if (changed) await write(key, changed);
  else await storeOf(stack).delete(key);
}

it('is not continued by an increment, which is a full backup then, and says so', async () => {
  await fillRandom(stack.source, { name: 'chained', points: 300 });
  const increment = () => ferry(stack, 'backup', 'source', 'chained', '--incremental', '--json');
  const base = reportOf(await increment()).backup ?? '';
  const [key = ''] = (await keysIn(storeOf(stack))).filter(
    (one) => one.includes(`/${base}/chained/`) && one.endsWith('.digests'),
  );
  await change(key, flipped);
  const report = reportOf(await increment());
  expect(report).toMatchObject({ outcome: 'verified', collections: [{ changes: { changed: 300 } }] });
  expect(report.collections[0]?.changes?.base).toBeUndefined();
  expect(report.collections[0]?.warnings?.join()).toContain(
    `${base}, cannot be continued, for it is damaged`,
  );
});

const DAMAGES: [string, string, () => Promise<unknown>][] = [
  ['a truncated object', 'ObjectDamaged', () => change(keyAt(1), (body) => body.subarray(0, -100))],
  ['one bit that is another', 'ObjectDamaged', () => change(keyAt(1), flipped)],
  ['a missing object', 'ObjectMissing', () => change(keyAt(0), () => undefined)],
  ['a missing manifest', 'ManifestInvalid', () => change(documentKey(), () => undefined)],
  ['a manifest of a future format', 'ManifestTooNew', () => change(documentKey(), ofFuture)],
  ['a manifest with another count', 'ManifestInvalid', () => change(documentKey(), miscounted)],
  ['shard files that were swapped', 'ObjectDamaged', swapShards],
];

describe.each(DAMAGES)('%s', (_, code, damage) => {
  it(`is named ${code}, and nothing on the target is another for it`, async () => {
    await damage();
    const runs = await Promise.all([
      restore('--as', 'pulled', '--via', 'pull'),
      restore('--as', 'living', '--on-existing', 'replace'),
      restore('--as', 'live', '--on-existing', 'swap'),
    ]);
    expect(runs.map(outcomeOf)).toEqual(runs.map(() => [1, 'failed', code]));
    expect(await namesOnTarget()).toEqual(['living']);
    const now = await takeSide({ url: stack.target.url, collection: 'living' });
    expect(compareTaken(living, now)).toEqual({ points: 300, differences: [], configuration: [] });
    expect(await rest(stack.target, 'GET', '/aliases')).toContain(
      '{"alias_name":"live","collection_name":"living"}',
    );
  });
});

it('comes back whole when nothing is damaged any more', async () => {
  const runs = await Promise.all([
    restore('--as', 'pulled', '--via', 'pull'),
    restore('--as', 'live', '--on-existing', 'swap'),
  ]);
  expect(runs.map((run) => run.code)).toEqual([0, 0]);
  const source = await takeSide({ url: stack.source.url, collection: 'docs' });
  for (const collection of ['pulled', 'live']) {
    const found = compareTaken(source, await takeSide({ url: stack.target.url, collection }));
    expect([collection, found.points, found.differences]).toEqual([collection, 400, []]);
  }
});

const restore = (...args: string[]) =>
  ferry(stack, 'restore', 'target', 'docs', '--backup', backup, ...args, '--json');

/** Exit status, what became of the collection, and the code that the user reads first. */
function outcomeOf(run: FerryRun): unknown[] {
  const { collections } = JSON.parse(run.stdout) as { collections?: { outcome: string; error?: string }[] };
  const [line] = collections ?? [];
  return [run.code, line?.outcome, line?.error?.split(':')[0]];
}

async function namesOnTarget(): Promise<string[]> {
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name).sort();
}

async function swapShards(): Promise<void> {
  const [one, two] = [keyAt(0), keyAt(1)];
  const other = await bytesOf(storeOf(stack).read(two));
  let first: Buffer = Buffer.alloc(0);
  await change(one, (body) => {
    first = body;
    return other;
  });
  await change(two, () => first);
}

function flipped(body: Buffer): Buffer {
  const at = body.length >> 1;
  body[at] = (body[at] ?? 0) ^ 1;
  return body;
}

function ofFuture(body: Buffer): Buffer {
  return Buffer.from(body.toString().replace('"version": 2', '"version": 3'));
}

function miscounted(body: Buffer): Buffer {
  return Buffer.from(body.toString().replace(/"points": \d+/, '"points": 399'));
}
