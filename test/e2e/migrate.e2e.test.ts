// The worst collections from 1.16.3 to 1.17.0 through the real command and the real workers, judged by a comparison
// that knows nothing of the product.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MigrationReport, VerificationReport } from '../../src/model/contracts/results.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { resultOf } from '../support/workflows-of.js';
import {
  DAMAGED_ID,
  EXTRA_ID,
  fillHalves,
  fillWorst,
  LOST_ID,
  WORST,
  WORST_HALVES,
} from '../support/worst-collection.js';
import { fillSharded, WORST_SHARDED } from '../support/worst-sharded.js';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ clustered: true });
});
afterAll(async () => stack?.stop());

/** What differs between the two collections of this name, by the independent comparison. */
const compare = (name: string, as = name) =>
  compareSides(stack.side('source', name), stack.side('target', as));
const plain = (id: string) => id.replaceAll('"', '');

describe('the worst collection', () => {
  let points: number;

  beforeAll(async () => {
    points = await fillWorst(stack.source);
  });

  it('arrives equal bit for bit, over REST and over gRPC, with its whole configuration', async () => {
    const run = await ferry(stack, 'migrate', 'source', 'target', WORST, '--json');
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run)).toMatchObject({ outcome: 'verified', points, verified: 1 });
    expect(await compare(WORST)).toEqual({ points, differences: [], configuration: [] });
  });

  it('is verified again without a difference and without a write', async () => {
    const run = await ferry(stack, 'verify', 'source', 'target', WORST, '--json');
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run)).toMatchObject({ outcome: 'verified', points });
  });

  it('shows one changed payload byte, one lost and one extra point by their ids, with exit code 3', async () => {
    await damageTarget();
    const run = await ferry(stack, 'verify', 'source', 'target', WORST, '--json');
    expect(run).toMatchObject({ code: 3 });
    const report = reportOf(run);
    expect(report).toMatchObject({ outcome: 'different', different: 1 });
    expect(report.collections[0]?.ids?.map(idIn).sort()).toEqual(
      [DAMAGED_ID, EXTRA_ID, plain(LOST_ID)].sort(),
    );
  });

  it('is left alone by the same migration, which says that it has changed', async () => {
    const run = await ferry(stack, 'migrate', 'source', 'target', WORST, '--json', '--on-failure', 'fail');
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 3 });
    expect(run.stdout).toContain('target has changed since it was verified, so nothing was written');
  });

  it('is repaired by the same migration when the input says that extra points may go', async () => {
    const run = await ferry(stack, 'migrate', 'source', 'target', WORST, '--json', '--delete-extras');
    expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
    const report = await resultOf<MigrationReport>(stack.temporal, `ferry/target/${WORST}`);
    expect(report.repaired).toEqual({ upserted: 2, deleted: 1 });
    expect(await compare(WORST)).toEqual({ points, differences: [], configuration: [] });
  });

  it('takes another name and the aliases of the source when asked, found by an alias itself', async () => {
    const args = ['--as', 'worst again', '--copy-aliases', '--json'];
    const run = await ferry(stack, 'migrate', 'source', 'target', `${WORST}-alias`, ...args);
    expect(run).toMatchObject({ code: 0 });
    expect(await compare(WORST, 'worst again')).toMatchObject({ differences: [], configuration: [] });
    const source = await aliasesOf(stack.side('source', WORST));
    expect(source).toHaveLength(2);
    expect(await aliasesOf(stack.side('target', 'worst again'))).toEqual(source);
  });
});

it('moves custom shard keys whose ids are the same, the large number and the empty key among them', async () => {
  const points = await fillSharded(stack.source);
  const run = await ferry(stack, 'migrate', 'source', 'target', WORST_SHARDED, '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(reportOf(run)).toMatchObject({ outcome: 'verified', points });
  expect(await compare(WORST_SHARDED)).toEqual({ points, differences: [], configuration: [] });
  expect(await keysOf('target')).toEqual(await keysOf('source'));
});

it('finds a point that is missing under one shard key only, and names the key', async () => {
  const body = '{"points":[3],"shard_key":"us"}';
  await rest(stack.target, 'POST', `${collectionPath(WORST_SHARDED)}/points/delete?wait=true`, body);
  const run = await ferry(stack, 'verify', 'source', 'target', WORST_SHARDED, '--json');
  expect(run).toMatchObject({ code: 3 });
  const [line] = reportOf(run).collections;
  expect(line?.ids?.[0]).toContain('3');
  const { proof } = await resultOf<VerificationReport>(stack.temporal, line!.workflowId);
  expect(proof.first).toEqual([expect.objectContaining({ id: '3', shardKey: 'us', kind: 'missing' })]);
});

it('lists short float16 vectors that the target normalised again apart, and not as damage', async () => {
  const points = await fillHalves(stack.source);
  const run = await ferry(stack, 'migrate', 'source', 'target', WORST_HALVES, '--json');
  expect(run).toMatchObject({ code: 0 });
  const { differences, configuration } = await compare(WORST_HALVES);
  expect(configuration).toEqual([]);
  const report = await resultOf<MigrationReport>(stack.temporal, `ferry/target/${WORST_HALVES}`);
  expect(report).toMatchObject({ points, outcome: 'verified', proof: { renormalised: differences.length } });
  expect(differences.length).toBeGreaterThan(0);
  expect(new Set(differences.flatMap((one) => one.parts))).toEqual(new Set(['vector ']));
});

it('moves a collection without points and one without vectors', async () => {
  await recreateCollection(stack.source, 'no points', '{"vectors":{"size":3,"distance":"Dot"}}');
  await recreateCollection(stack.source, 'no vectors', '{"vectors":{}}');
  await upsertTexts(stack.source, 'no vectors', ['{"id":1,"vector":{},"payload":{"a":1.0}}']);
  const run = await ferry(stack, 'migrate', 'source', 'target', 'no points', 'no vectors', '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(await compare('no points')).toEqual({ points: 0, differences: [], configuration: [] });
  expect(await compare('no vectors')).toEqual({ points: 1, differences: [], configuration: [] });
});

it('moves payloads nested deeper than a write over gRPC may be', async () => {
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}18446744073709551615${'}'.repeat(depth)}`;
  const lists = (depth: number) => `{"a":${'['.repeat(depth)}1.0${']'.repeat(depth)}}`;
  const depths = [26, 27, 28, 29, 30, 31, 32, 33, 34, 45, 49, 50, 51, 60];
  const payloads = depths.flatMap((depth) => [objects(depth), lists(depth)]);
  await recreateCollection(stack.source, 'deep', '{"vectors":{"size":1,"distance":"Dot"}}');
  const points = payloads.map((payload, id) => `{"id":${id},"vector":[1.0],"payload":${payload}}`);
  await upsertTexts(stack.source, 'deep', points);
  const run = await ferry(stack, 'migrate', 'source', 'target', 'deep', '--on-failure', 'fail', '--json');
  expect(run).toMatchObject({ code: 0 });
  // Qdrant's own client cannot read these over gRPC.
  const overRest = (which: 'source' | 'target') => ({ url: stack[which].url, collection: 'deep' });
  expect(await compareSides(overRest('source'), overRest('target'))).toEqual({
    points: points.length,
    differences: [],
    configuration: [],
  });
});

async function damageTarget(): Promise<void> {
  const { target } = stack;
  const points = `${collectionPath(WORST)}/points`;
  const changed = `{"payload":{"text":"to be Damaged","n":1},"points":[${DAMAGED_ID}]}`;
  await rest(target, 'PUT', `${points}/payload?wait=true`, changed);
  await rest(target, 'POST', `${points}/delete?wait=true`, `{"points":[${LOST_ID}]}`);
  await upsertTexts(target, WORST, [`{"id":${EXTRA_ID},"vector":{},"payload":{"extra":true}}`]);
}

/** A line's id may say more than the id: its shard key, or what is wrong with it. */
function idIn(text: string): string {
  return [DAMAGED_ID, EXTRA_ID, plain(LOST_ID)].find((id) => text.includes(id)) ?? text;
}

async function keysOf(which: 'source' | 'target'): Promise<string[]> {
  const text = await rest(stack[which], 'GET', `${collectionPath(WORST_SHARDED)}/cluster`);
  return [...text.matchAll(/"shard_key":("[^"]*"|\d+)/g)].map((match) => match[1]!).sort();
}
