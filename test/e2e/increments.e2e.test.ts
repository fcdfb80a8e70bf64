// Increments: after every round of random changes another one, and afterwards each moment comes back bit for bit, judged by
// a reader that shares nothing with the product. FERRY_TEST_SEED repeats a run that went wrong.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allOf } from '../support/object-stores.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { changingCollection } from '../support/changing-collection.js';
import { compareTaken, takeSide } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import * as moments from '../support/recovered-moments.js';
import { collectionPath, createIndex, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { fillHalves, fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const SEED = Number(process.env['FERRY_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const docs = changingCollection(SEED);
/** FERRY_INCREMENT_ROUNDS=20 for a longer chain: each round, and each moment that is brought back, takes seconds. */
const ROUNDS = Number(process.env['FERRY_INCREMENT_ROUNDS'] ?? 3);

/** FERRY_INCREMENT_MOMENTS=all brings back every one of them. */
const ALL_MOMENTS = process.env['FERRY_INCREMENT_MOMENTS'] === 'all';
/** FERRY_INCREMENT_SHARDS, FERRY_INCREMENT_SOURCE: of the source. */
const SHARDS = Number(process.env['FERRY_INCREMENT_SHARDS'] ?? 4);
const VERSION = process.env['FERRY_INCREMENT_SOURCE'] === '1.17.0' ? '1.17.0' : '1.16.3';

let stack: BackupStack;

beforeAll(async () => {
  process.stdout.write(`seed ${SEED}\n`);
  stack = await startBackupStack({ clustered: true, sourceVersion: VERSION });
});
afterAll(async () => {
  await stack?.stop();
});

const backUp = (collection: string, ...more: string[]) => moments.backUp(stack, collection, ...more);
const moment = (collection: string, backup?: string) => moments.momentOf(stack, collection, backup);
const expectRecovered = (collection: string, of: moments.Moment) =>
  moments.expectRecovered(stack, collection, of);

describe('increments of a collection', () => {
  const ways: [what: string, full: string[], flags: string[]][] = [
    ['points by digest', ['--format', 'points'], []],
    ['snapshots by field', ['--index'], ['--detect', 'field', '--field', 'meta.at']],
    ['points by field', ['--format', 'points'], ['--detect', 'field', '--field', 'meta.at']],
    ['snapshots by digest', ['--index'], []],
  ];
  it.each(ALL_MOMENTS ? ways : ways.slice(0, 2))(
    'recovers every moment of a chain that continues %s',
    async (_what, full, flags) => {
      await docs.fill(stack.source, 'docs', { points: 2_000, shards: SHARDS, indexed: ['n', 'meta.at'] });
      const first = await backUp('docs', ...full);
      const kept = [await moment('docs', first.backup)];
      for (let round = 1; round <= ROUNDS; round += 1) {
        await docs.change(stack.source, 'docs', round);
        const report = await backUp('docs', '--incremental', ...flags);
        expect(report.collections[0]).toMatchObject({
          outcome: 'verified',
          proven: flags.length > 0 ? 'none' : 'recorded',
          changes: { base: kept.at(-1)?.backup },
        });
        kept.push({ ...(await moment('docs', report.backup)), isStamped: flags.length > 0 });
      }
      const some = new Set([0, 1, Math.ceil(ROUNDS / 2), ROUNDS]);
      for (const [at, one] of kept.entries())
        if (ALL_MOMENTS || some.has(at)) await expectRecovered('docs', one);
    },
  );

  it.each([
    ['points', ['--format', 'points']],
    ['snapshots', ['--index']],
  ])('carries settings and indexes that changed after %s were stored', async (_what, full) => {
    await docs.fill(stack.source, 'settled', { points: 300, indexed: ['n', 'round'] });
    const first = await moment('settled', (await backUp('settled', ...full)).backup);
    const path = collectionPath('settled');
    await rest(stack.source, 'DELETE', `${path}/index/round?wait=true`);
    await createIndex(stack.source, 'settled', 'edited', '"integer"');
    await rest(stack.source, 'PATCH', path, '{"hnsw_config":{"m":24},"strict_mode_config":{"enabled":true}}');
    await upsertTexts(stack.source, 'settled', [docs.text(7, 1)]);
    const report = await backUp('settled', '--incremental');
    expect(report.collections[0]?.changes).toMatchObject({ changed: 1, base: first.backup });
    await expectRecovered('settled', await moment('settled', report.backup));
    await expectRecovered('settled', first);
  });

  it.each([
    ['digest', []],
    ['field', ['--detect', 'field', '--field', 'meta.at']],
  ])('continues snapshots that were taken under writes, by %s', async (_detect, flags) => {
    await docs.fill(stack.source, 'busy', { points: 2_500, shards: 2 });
    let over = false;
    const writing = (async () => {
      for (let round = 1; !over; round += 1) await docs.change(stack.source, 'busy', round);
    })();
    await backUp('busy', '--index').finally(() => (over = true));
    await writing;
    const report = await backUp('busy', '--incremental', ...flags);
    expect(report.collections[0]?.changes).toMatchObject({ base: expect.any(String) });
    const isStamped = flags.length > 0;
    await expectRecovered('busy', { ...(await moment('busy', report.backup)), isStamped });
  });

  it('stores next to nothing where nothing changed, and names the backup that it continues', async () => {
    const before = await backUp('docs', '--incremental');
    const report = await backUp('docs', '--incremental');
    expect(report.collections[0]).toMatchObject({ changes: { base: before.backup, changed: 0, deleted: 0 } });
    expect(report.bytes).toBeLessThan(20_000);
    const shown = await ferry(stack, 'backups', 'show', report.backup ?? '', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ complete: true, leftover: [] });
  });

  it('finds what an application forgot to stamp, names it, and backs it up', async () => {
    const flags = ['--incremental', '--detect', 'field', '--field', 'meta.at', '--overlap-seconds', '0'];
    const body = (ids: number[]) => `{"payload":{"silent":true},"points":[${ids.join()}]}`;
    const silently = (ids: number[]) =>
      rest(stack.source, 'POST', `${collectionPath('docs')}/points/payload?wait=true`, body(ids));
    const ids = [3_000, 3_003, 3_006, 3_009, 3_018, 3_021];
    await upsertTexts(
      stack.source,
      'docs',
      ids.map((id) => docs.text(id / 3, 60)),
    );
    await backUp('docs', ...flags);
    await silently(ids);
    const blind = await backUp('docs', ...flags);
    expect(blind.collections[0]?.changes).toMatchObject({ changed: 0 });
    const ofBlind = ['docs', '--backup', blind.backup ?? '', '--json'];
    const unproven = {
      outcome: 'unproven',
      warnings: expect.arrayContaining([expect.stringContaining('changes that a field told of')]) as string[],
    };
    for (const job of [
      ['restore', 'target', ...ofBlind, '--as', 'blind'],
      ['rehearse', 'target', ...ofBlind],
      ['restore', 'target', ...ofBlind, '--as', 'blind-again'],
    ])
      expect(reportOf(await ferry(stack, ...job)).collections[0]).toMatchObject(unproven);
    await upsertTexts(stack.source, 'docs', [docs.text(1, 61)]);
    const found = await backUp('docs', ...flags, '--digest-every-hours', '0.000001');
    expect(found.collections[0]).toMatchObject({
      proven: 'recorded',
      changes: { changed: 7, unstamped: 6 },
      warnings: [expect.stringMatching(/^6 changed points do not say so .*"meta.at" \(3000, 3003,.*, …\)/)],
    });
    await expectRecovered('docs', await moment('docs', found.backup));
  });

  it.each([
    ['a datetime without an index', () => new Date().toISOString(), undefined],
    ['seconds', () => Math.floor(Date.now() / 1000), '"float"'],
    ['milliseconds without an index', () => Date.now(), undefined],
  ])('reads a field that holds %s', async (_, time, index) => {
    const text = (id: number) =>
      `{"id":${id},"vector":[1],"payload":{"updated_at":${JSON.stringify(time())}}}`;
    const ids = Array.from({ length: 100 }, (_, id) => id);
    await recreateCollection(stack.source, 'times', '{"vectors":{"size":1,"distance":"Dot"}}');
    if (index !== undefined) await createIndex(stack.source, 'times', 'updated_at', index);
    await upsertTexts(stack.source, 'times', ids.map(text));
    await backUp('times', '--incremental');
    await upsertTexts(
      stack.source,
      'times',
      [4, 500].map((id) => text(id).replace('"vector":[1]', '"vector":[2]')),
    );
    const report = await backUp('times', '--incremental', '--detect', 'field', '--overlap-seconds', '1');
    const { changes, warnings } = report.collections[0] ?? {};
    expect(changes).toMatchObject({ changed: 2, deleted: 0 });
    expect(warnings).toEqual(
      index === undefined ? [expect.stringContaining('"updated_at" has no index')] : undefined,
    );
    await expectRecovered('times', { ...(await moment('times', report.backup)), isStamped: true });
  });

  it('compares all points where no point has the field', async () => {
    await upsertTexts(stack.source, 'times', ['{"id":9,"vector":[1],"payload":{}}']);
    const report = await backUp('times', '--incremental', '--detect', 'field', '--field', 'nothing');
    expect(report.collections[0]).toMatchObject({
      proven: 'recorded',
      changes: { changed: 1 },
      warnings: [expect.stringContaining('No point has a time in its field "nothing"')],
    });
  });

  it('carries every kind of point, and points of custom shard keys', async () => {
    await fillWorst(stack.source, 'worst', { shards: 2, large: false });
    await fillSharded(stack.source, 'sharded');
    for (const collection of ['worst', 'sharded']) {
      const full = await backUp(collection, '--format', 'points');
      await expectRecovered(collection, await moment(collection, full.backup));
    }
    await rest(
      stack.source,
      'POST',
      `${collectionPath('worst')}/points/delete?wait=true`,
      '{"points":[1,2,3]}',
    );
    const increment = await backUp('worst', '--incremental');
    await expectRecovered('worst', await moment('worst', increment.backup));
  });

  it('warns of vectors that a write encodes differently', async () => {
    await fillHalves(stack.source, 'halves', 50);
    const report = await backUp('halves', '--format', 'points');
    expect(report.collections[0]?.warnings).toEqual([expect.stringContaining('may encode')]);
  });

  it('loses no living point while every point is being written', async () => {
    await upsertTexts(stack.source, 'docs', docs.texts(2_500, 50));
    await backUp('docs', '--incremental');
    let over = false;
    const writing = (async () => {
      for (let round = 51; !over; round += 1) {
        const some = Array.from({ length: 250 }, (_, i) => docs.text((round * 250 + i) % 2_500, round));
        await upsertTexts(stack.source, 'docs', some);
      }
    })();
    const { backup = '' } = await backUp('docs', '--incremental').finally(() => (over = true));
    await writing;
    const run = await ferry(stack, 'restore', 'target', 'docs', '--backup', backup, '--as', 'busy', '--json');
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    const [source, target] = [stack.side('source', 'docs'), stack.side('target', 'busy')];
    const { points, differences } = compareTaken(await takeSide(source), await takeSide(target));
    expect([points, differences.filter(({ kind }) => kind !== 'changed')]).toEqual([2_500, []]);
  });

  it('begins a new chain for another collection of the same name', async () => {
    await docs.fill(stack.source, 'docs', { points: 50, shards: 4, round: 99 });
    const report = await backUp('docs', '--incremental');
    expect(report.collections[0]?.changes).toMatchObject({ changed: 50, deleted: 0 });
    expect(report.collections[0]?.changes?.base).toBeUndefined();
    expect(report.collections[0]?.warnings?.join()).toMatch(/another collection of this name/);
    await expectRecovered('docs', await moment('docs', report.backup));
  });

  it('refuses an increment whose base is damaged, and takes a full backup after it', async () => {
    await docs.change(stack.source, 'docs', 100);
    const increment = await backUp('docs', '--incremental');
    const base = increment.collections[0]?.changes?.base ?? '';
    const store = storeOf(stack);
    const points = (await allOf(store.list(`source/${base}/docs/`))).filter(({ key }) =>
      key.endsWith('.points'),
    );
    await store.delete(points[0]?.key ?? '');
    const refused = await ferry(
      stack,
      ...['restore', 'target', 'docs', '--backup', increment.backup ?? '', '--json'],
    );
    expect(refused.code).toBe(1);
    expect(reportOf(refused).collections[0]?.error).toMatch(
      new RegExp(`^ObjectMissing: .*needs its base ${base}`),
    );
    const next = await backUp('docs', '--incremental');
    expect(next.collections[0]?.changes?.base).toBeUndefined();
    await expectRecovered('docs', await moment('docs', next.backup));
  });
});
