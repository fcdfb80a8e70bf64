// Sides that live: a source that is written while it is copied, a target that has points of its own, and the sample.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillMade, fillSample } from '../../demo/sample-collections.js';
import { searchAlike } from '../../demo/searches.js';
import { seededRandom } from '../../demo/seeded-random.js';
import { aliasesOf, compareSides, countPoints } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { pause, positionOf, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(async () => stack?.stop());

const compare = (name: string) => compareSides(stack.side('source', name), stack.side('target', name));

it('ends equal when the source was written, and points of it deleted, until the copy was done', async () => {
  const name = 'written';
  await fillRandom(stack.source, { name, points: 6_000, dimension: 8 });
  const running = startFerry(
    stack,
    'migrate',
    'source',
    'target',
    name,
    '--max-points-per-second',
    '1500',
    '--json',
  );
  await untilPoints(stack, name, 100, running.ended);
  const isCopying = async () => (await positionOf(stack, name)).phase === 'copying';
  const changes = await writeWhile(name, isCopying);
  expect(changes).toBeGreaterThan(0);
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(await compare(name)).toMatchObject({ differences: [], configuration: [] });
});

it('does not call it proved while the source is still written', async () => {
  const name = 'never-quiet';
  await fillRandom(stack.source, { name, points: 1_000, dimension: 8 });
  const running = startFerry(stack, 'migrate', 'source', 'target', name, '--on-failure', 'fail', '--json');
  let over = false;
  void running.ended.then(() => (over = true));
  await writeWhile(name, async () => !over);
  const run = await running.ended;
  expect(run.code).toBe(3);
  expect(run.stdout).toContain('SidesDiffer');
});

it('merges into a collection of somebody else and leaves the points it found there', async () => {
  const name = 'merged';
  await fillRandom(stack.source, { name, points: 500, dimension: 8 });
  await fillRandom(stack.target, { name, points: 1, dimension: 8 });
  const own = Array.from({ length: 20 }, (_, i) => `{"id":${900_000 + i},"vector":[${'0.5,'.repeat(7)}1.0]}`);
  await upsertTexts(stack.target, name, own);
  const refused = await ferry(stack, 'migrate', 'source', 'target', name, '--json');
  expect(refused.stdout).toContain('TargetNotEmpty');
  const run = await ferry(stack, 'migrate', 'source', 'target', name, '--on-existing', 'merge', '--json');
  expect(run).toMatchObject({ code: 0 });
  const { differences } = await compare(name);
  expect(differences).toHaveLength(20);
  expect(new Set(differences.map((one) => one.kind))).toEqual(new Set(['extra']));
  expect(await ferry(stack, 'verify', 'source', 'target', name, '--subset')).toMatchObject({ code: 0 });
  expect(await ferry(stack, 'verify', 'source', 'target', name)).toMatchObject({ code: 3 });
});

it('replaces a collection of somebody else when requested', async () => {
  const name = 'replaced';
  await fillRandom(stack.source, { name, points: 300, dimension: 8 });
  await fillRandom(stack.target, { name, points: 700, dimension: 3 });
  const run = await ferry(stack, 'migrate', 'source', 'target', name, '--on-existing', 'recreate', '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(await compare(name)).toEqual({ points: 300, differences: [], configuration: [] });
});

it('copies within one cluster under another name, and never onto itself', async () => {
  const onto = await ferry(stack, 'migrate', 'source', 'source', 'merged', '--json');
  expect(onto.code).not.toBe(0);
  expect(await countPoints(stack.side('source', 'merged'))).toBe(500);
  const beside = await ferry(stack, 'migrate', 'source', 'source', 'merged', '--as', 'merged-copy', '--json');
  expect(beside).toMatchObject({ code: 0 });
  const compared = await compareSides(stack.side('source', 'merged'), stack.side('source', 'merged-copy'));
  expect(compared).toEqual({ points: 500, differences: [], configuration: [] });
});

it('moves the samples of the demo with their aliases; three searches have the same results', async () => {
  await fillSample(stack.source.url);
  await fillMade(stack.source.url, { points: 5_000 });
  const names = ['packages', 'made-50k'];
  const run = await ferry(stack, 'migrate', 'source', 'target', ...names, '--copy-aliases', '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(reportOf(run)).toMatchObject({ outcome: 'verified', points: 9_000 });
  expect(await compare('debian-packages')).toEqual({ points: 4_000, differences: [], configuration: [] });
  expect(await compare('made-50k')).toEqual({ points: 5_000, differences: [], configuration: [] });
  expect(await aliasesOf(stack.side('target', 'debian-packages'))).toEqual(['packages']);
  expect(await aliasesOf(stack.side('target', 'made-50k'))).toEqual(['made']);
  const searches = await searchAlike(stack.source.url, stack.target.url);
  expect(searches.map((one) => one.alike)).toEqual([true, true, true]);
  expect(searches.flatMap((one) => one.hits)).toContain('postgresql-15');
});

it('says what is wrong when a name is asked for that is not there, and touches nothing else', async () => {
  const run = await ferry(stack, 'verify', 'source', 'target', 'nothing-of-that-name', '--json');
  expect(run.code).toBe(1);
  expect(errorOf(run).code).toBe('CollectionNotFound');
});

/** Adds, changes and deletes points, all over the range of ids, as long as it shall. Returns how often. */
async function writeWhile(name: string, goesOn: () => Promise<boolean>): Promise<number> {
  const random = seededRandom(3);
  const points = `${collectionPath(name)}/points`;
  const vector = `[${'0.25,'.repeat(7)}1.0]`;
  let changes = 0;
  while (await goesOn()) {
    const ids = Array.from({ length: 3 }, () => random.below(18_000));
    const written = ids.map((id) => `{"id":${id},"vector":${vector},"payload":{"change":${changes}}}`);
    await upsertTexts(stack.source, name, written);
    await rest(stack.source, 'POST', `${points}/delete?wait=true`, `{"points":[${random.below(6_000) * 3}]}`);
    changes += 1;
    await pause(20);
  }
  return changes;
}
