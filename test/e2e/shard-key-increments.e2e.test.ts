// Increments of collections with custom shard keys: a key that is dropped, one that is made again under the same name with
// some of its ids, and one that is new. Each moment comes back as an independent reader kept it.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { backUp, expectRecovered, momentOf, type Moment } from '../support/recovered-moments.js';
import { collectionPath, createIndex, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { fillSharded } from '../support/worst-sharded.js';

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack({ clustered: true });
});
afterAll(async () => stack?.stop());

const BY_FIELD = ['--detect', 'field', '--field', 'meta.at'];

const shards = (name: string) => `${collectionPath(name)}/shards`;
const make = (name: string, key: string) =>
  rest(stack.source, 'PUT', shards(name), `{"shard_key":"${key}","shards_number":1}`);
const drop = (name: string, key: string) =>
  rest(stack.source, 'POST', `${shards(name)}/delete`, `{"shard_key":"${key}"}`);

/** The same ids in every round; those that divide by five are the same in all of them. */
async function fill(name: string, key: string, round: number, from: number, to: number): Promise<void> {
  const ids = Array.from({ length: to - from }, (_, at) => from + at);
  const texts = ids.map((id) => {
    const isSame = id % 5 === 0;
    const at = isSame ? 1_700_000_000_000 : Date.now();
    return `{"id":${id},"vector":[${id},${isSame ? 0 : round},1,2],"payload":{"meta":{"at":${at}}}}`;
  });
  await upsertTexts(stack.source, name, texts, `"${key}"`);
}

it.each([
  ['points by digest', 'pd', ['--format', 'points'], []],
  ['points by field', 'pf', ['--format', 'points'], BY_FIELD],
  ['snapshots by digest', 'sd', ['--index'], []],
  ['snapshots by field', 'sf', ['--index'], BY_FIELD],
])(
  'brings back every moment of a key that was dropped and made again: %s',
  async (_what, name, full, flags) => {
    const body = '{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom","shard_number":1}';
    await recreateCollection(stack.source, name, body);
    for (const key of ['eu', 'us']) await make(name, key);
    await createIndex(stack.source, name, 'meta.at', '"integer"');
    await fill(name, 'us', 0, 0, 2_000);
    await fill(name, 'eu', 0, 0, 100);
    const moments: Moment[] = [await momentOf(stack, name, (await backUp(stack, name, ...full)).backup)];
    const increment = async () => {
      const { backup, collections } = await backUp(stack, name, '--incremental', ...flags);
      const base = moments.at(-1)?.backup;
      const isStamped = collections[0]?.proven === 'none';
      moments.push({ ...(await momentOf(stack, name, backup)), isStamped });
      return { changes: collections[0]?.changes, base };
    };
    const isSnapshot = full.includes('--index');

    await drop(name, 'eu');
    await make(name, 'eu');
    await fill(name, 'eu', 1, 50, 150);
    const again = await increment();
    // Of 100, ten are as they were; fifty that were there are not.
    expect(again.changes).toMatchObject({ base: again.base, changed: 90, deleted: 50 });

    await drop(name, 'eu');
    const gone = await increment();
    expect(gone.changes?.base).toBe(isSnapshot ? undefined : gone.base);

    await make(name, 'eu');
    await fill(name, 'eu', 2, 100, 200);
    const back = await increment();
    expect(back.changes).toMatchObject({ base: back.base, changed: 100 });

    for (const moment of moments) await expectRecovered(stack, name, moment);
  },
);

it('continues snapshots of custom shard keys with shared ids, until there is another key', async () => {
  await fillSharded(stack.source, 'keyed');
  await backUp(stack, 'keyed', '--index');
  const path = `${collectionPath('keyed')}/points`;
  await rest(stack.source, 'POST', `${path}/delete?wait=true`, '{"points":[1,2],"shard_key":"eu"}');
  const increment = await backUp(stack, 'keyed', '--incremental');
  expect(increment.collections[0]?.changes).toMatchObject({ base: expect.any(String), changed: 0 });
  await expectRecovered(stack, 'keyed', await momentOf(stack, 'keyed', increment.backup));
  await rest(stack.source, 'PUT', `${collectionPath('keyed')}/shards`, '{"shard_key":"late"}');
  const full = await backUp(stack, 'keyed', '--incremental');
  expect(full.collections[0]?.changes?.base).toBeUndefined();
  expect(full.collections[0]?.warnings?.join()).toMatch(/the shards of the collection are not those of/);
});
