// A target on a node with defaults of its own, and a source whose indexes are not built: nothing of the defaults is left
// on what was brought there, and a job waits for the indexes that will come, last of all.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobReport } from '../../src/model/contracts/results.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { compareSides } from '../support/compare-sides.js';
import { ferry, reportOf, startFerry, type FerryRun } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { NODE_DEFAULTS } from '../support/node-defaults.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';

const POINTS = 6_000;
/** Their index takes longer than an abort. */
const SLOW = 20_000;
const FIELDS = ['a', 'b', 'c', 'd', 'e'];

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack({ targetConfig: NODE_DEFAULTS });
  await fill('plain', { indexing_threshold: 100_000 });
  for (const field of FIELDS) {
    const index = JSON.stringify({ field_name: field, field_schema: 'keyword' });
    await rest(stack.source, 'PUT', `${collectionPath('plain')}/index?wait=true`, index);
  }
  await fill('idle', { indexing_threshold: 100, max_optimization_threads: 0 });
  await fill('half', { indexing_threshold: 100_000 });
  const slow = { m: 64, ef_construct: 6_000, max_indexing_threads: 1 };
  await fill('slow', { indexing_threshold: 100_000 }, { hnsw_config: slow }, SLOW);
  for (const name of ['half', 'slow']) await patch(stack.source, name, { indexing_threshold: 100 });
  // Killed while it indexes: what it had not begun it does not begin by itself.
  await stack.source.kill();
  await stack.source.start();
  const run = await ferry(stack, 'backup', 'source', 'plain', 'half', 'slow', '--no-recall', '--json');
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
});
afterAll(() => stack?.stop());

async function fill(name: string, optimizers: object, more: object = {}, points = POINTS): Promise<void> {
  const body = { vectors: { size: 32, distance: 'Dot' }, optimizers_config: optimizers, ...more };
  await rest(stack.source, 'PUT', collectionPath(name), JSON.stringify(body));
  const texts = Array.from({ length: points }, (_, id) => {
    const vector = Array.from({ length: 32 }, (_, at) => Math.sin(id * 32 + at).toFixed(4));
    return `{"id":${id},"vector":[${vector.join(',')}],"payload":{"a":"${id % 7}"}}`;
  });
  await upsertTexts(stack.source, name, texts);
  const alias = { create_alias: { collection_name: name, alias_name: `${name}-now` } };
  await rest(stack.source, 'POST', '/collections/aliases', JSON.stringify({ actions: [alias] }));
}

const patch = (on: { url: string }, name: string, optimizers: object) =>
  rest(on, 'PATCH', collectionPath(name), JSON.stringify({ optimizers_config: optimizers }));
const infoOf = (name: string) => rest(stack.target, 'GET', collectionPath(name));
const aliases = () => rest(stack.target, 'GET', '/aliases');
const said = ({ stdout, stderr }: FerryRun) => stdout + stderr;

async function expectSame(name: string, as = name): Promise<void> {
  const found = await compareSides(stack.side('source', name), stack.side('target', as));
  expect(found.differences).toEqual([]);
  expect(await infoOf(as)).not.toMatch(/"int8"|"on_disk":true|"enabled":true/);
}

it.each(['scroll', 'snapshot'])(
  'a %s migration onto such a node is verified, and again, with all payload indexes',
  async (method) => {
    const as = ['--as', `plain=${method}`];
    const args = ['migrate', 'source', 'target', 'plain', ...as, '--method', method];
    const run = await ferry(stack, ...args);
    expect(run, said(run)).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('every point verified equal');
    expect(run.stdout).toContain('optimizers_config.max_segment_size is 150000 by the configuration');
    await expectSame('plain', method);
    for (const field of FIELDS) expect(await infoOf(method)).toContain(`"${field}":{"data_type"`);
    expect(await ferry(stack, ...args)).toMatchObject({ code: 0 });
  },
);

it('a restore onto such a node is verified, and has the settings of the backup', async () => {
  const run = await ferry(stack, 'restore', 'target', 'plain', '--cluster', 'source', '--json');
  expect(run, said(run)).toMatchObject({ code: 0 });
  expect(reportOf(run)).toMatchObject({ outcome: 'verified', points: POINTS });
  await expectSame('plain');
  for (const field of FIELDS) expect(await infoOf('plain')).toContain(`"${field}":{"data_type"`);
});

it('a restore whose settings somebody changed says which, keeps the points, and gives no alias', async () => {
  const args = ['restore', 'target', 'half', '--cluster', 'source', '--as', 'changed'];
  const running = startFerry(stack, ...args);
  const isThere = async () => (await rest(stack.target, 'GET', '/collections')).includes('"changed"');
  while (!(await isThere())) await pause(20);
  await rest(stack.target, 'PATCH', collectionPath('changed'), '{"hnsw_config":{"m":33}}');
  const run = await running.ended;
  expect(run, said(run)).toMatchObject({ code: 3 });
  expect(run.stdout).toContain('hnsw_config.m is 33 on the target, 16 was expected');
  expect(said(run)).toContain('no writer is the cause');
  expect(await aliases()).not.toContain('"changed"');
  await expectSame('half', 'changed');
});

it('a restore of what was not indexed yet builds its indexes, and is over', async () => {
  const run = await ferry(stack, 'restore', 'target', 'half', '--cluster', 'source', '--json');
  expect(run, said(run)).toMatchObject({ code: 0 });
  const report = reportOf(run);
  expect(report).toMatchObject({ outcome: 'verified', points: POINTS });
  expect(report.collections[0]).not.toHaveProperty('indexing');
  expect(await infoOf('half')).toContain(`"indexed_vectors_count":${POINTS}`);
  await expectSame('half');
});

it('a collection without optimizer threads is verified at once, and its result says what is not indexed', async () => {
  const args = ['migrate', 'source', 'target', 'idle', '--copy-aliases'];
  const run = await ferry(stack, ...args);
  expect(run, said(run)).toMatchObject({ code: 0 });
  const text = `0 of ${POINTS.toLocaleString('en')} vectors indexed`;
  expect(run.stdout).toContain(`every point verified equal, ${text}`);
  expect(run.stdout).toContain(`idle: ${text}: its \`max_optimization_threads\` is 0`);
  expect(await aliases()).toContain('"idle-now"');
  const again = await ferry(stack, ...args, '--json');
  expect(lineOf(reportOf(again))).toMatchObject({
    outcome: 'verified',
    indexing: { indexed: 0, vectors: POINTS },
  });
});

it('an abort while the indexes are awaited keeps what was proved, with its aliases', async () => {
  const running = startFerry(
    stack,
    'restore',
    'target',
    'slow',
    '--cluster',
    'source',
    '--id',
    'slow',
    '--json',
  );
  while (!(await aliases()).includes('"slow-now"')) await pause(50);
  const shown = async () => (await ferry(stack, 'status', 'slow')).stdout;
  let status = await shown();
  while (!status.includes('vectors indexed')) status = await shown();
  expect(status).toMatch(
    /everything is proved; .* of 20,000 vectors indexed: the collection is (grey|yellow)/,
  );
  const abort = await ferry(stack, 'abort', 'slow');
  expect(abort, said(abort)).toMatchObject({ code: 0 });
  const run = await running.ended;
  expect(run, said(run)).toMatchObject({ code: 0 });
  const line = lineOf(reportOf(run));
  expect(line).toMatchObject({ outcome: 'verified', points: SLOW });
  expect(line.indexing).toMatchObject({
    vectors: SLOW,
    reason: expect.stringContaining('is yellow') as string,
  });
  expect(line.warnings?.join()).toContain('the wait for its indexes was ended (');
  await expectSame('slow');
});

function lineOf({ collections }: JobReport) {
  const [line] = collections;
  if (!line) throw new Error('the report has no line');
  return line;
}
