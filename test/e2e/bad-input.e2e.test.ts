// Whatever is wrong with a job is said by name, before anything is written, without repeating a secret. How long the
// answer took is printed, not judged: it depends on the machine.

import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { freePorts } from '../../src/local/index.js';
import { errorOf, ferry, type FerryRun } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { withClient } from '../support/workflows-of.js';

const KEY = 'the-right-key-0d6b4d3f';
const WRONG_KEY = 'a-wrong-key-77a1c09e';
const PASSWORD = 'hunter2-in-a-url';

let stack: TestStack;
/** Takes connections and never says a word. */
const silent = createServer();
let before: string;
const answered: string[] = [];

beforeAll(async () => {
  const [closed, mute] = await freePorts(2);
  silent.listen(mute, '127.0.0.1');
  stack = await startTestStack({
    sourceEnv: { QDRANT__SERVICE__API_KEY: KEY },
    sourceFields: { apiKey: KEY },
    moreClusters: ({ source }) => ({
      nowhere: { url: `http://127.0.0.1:${closed}`, grpcUrl: `http://127.0.0.1:${closed}` },
      silent: { url: `http://127.0.0.1:${mute}`, grpcUrl: `http://127.0.0.1:${mute}` },
      locked: { url: source.url, grpcUrl: source.grpcUrl, apiKey: WRONG_KEY },
    }),
  });
  await fillRandom({ url: stack.source.url, apiKey: KEY }, { name: 'docs', points: 3_000, dimension: 4 });
  await recreateCollection(stack.target, 'wider', '{"vectors":{"size":5,"distance":"Dot"}}');
  await recreateCollection(stack.target, 'other-distance', '{"vectors":{"size":4,"distance":"Euclid"}}');
  await recreateCollection(stack.target, 'named', '{"vectors":{"docs":{"size":4,"distance":"Dot"}}}');
  await recreateCollection(stack.target, 'occupied', '{"vectors":{"size":4,"distance":"Dot"}}');
  await upsertTexts(stack.target, 'occupied', ['{"id":1,"vector":[1,2,3,4]}']);
  const alias = '{"create_alias":{"collection_name":"occupied","alias_name":"taken"}}';
  await rest(stack.target, 'POST', '/collections/aliases', `{"actions":[${alias}]}`);
});
afterAll(async () => {
  process.stdout.write(
    `answers to bad input, seconds with the start of the command:\n${answered.join('\n')}\n`,
  );
  silent.close();
  await stack?.stop();
});
beforeEach(async () => void (before = await everythingOn(stack.target.url)));
afterEach(async () => expect(await everythingOn(stack.target.url)).toBe(before));

it.each([
  ['an alias that ferry.yaml does not have', ['sorce', 'target', 'docs'], 'UnknownAlias', 2],
  ['a collection that is not there', ['source', 'target', 'dcos'], 'CollectionNotFound', 1],
  ['a cluster that cannot be reached', ['nowhere', 'target', 'docs'], 'ClusterUnreachable', 1],
  [
    'a cluster that takes connections and says nothing',
    ['silent', 'target', 'docs'],
    'ClusterUnreachable',
    1,
  ],
  ['a target that cannot be reached', ['source', 'nowhere', 'docs'], 'ClusterUnreachable', 1],
  ['a key that the cluster does not accept', ['locked', 'target', 'docs'], 'ClusterKeyRefused', 1],
  ['a target of another dimension', ['source', 'target', 'docs', '--as', 'wider'], 'IncompatibleTarget', 1],
  [
    'a target of another distance',
    ['source', 'target', 'docs', '--as', 'other-distance'],
    'IncompatibleTarget',
    1,
  ],
  [
    'a target with other vector names',
    ['source', 'target', 'docs', '--as', 'named'],
    'IncompatibleTarget',
    1,
  ],
  ["somebody else's points", ['source', 'target', 'docs', '--as', 'occupied'], 'TargetNotEmpty', 1],
  ['a name that is an alias there', ['source', 'target', 'docs', '--as', 'taken'], 'NameTakenByAlias', 1],
  ['a number that makes no sense', ['source', 'target', 'docs', '--slices', '0'], 'InvalidInput', 2],
])('says by name: %s', async (what, args, code, exitCode) => {
  const run = await timed(what, ferry(stack, 'migrate', ...args, '--json'));
  expect(run.stdout).toContain(code);
  expect(run.code).toBe(exitCode);
  expectNoSecret(run);
});

it('names the aliases that exist', async () => {
  const run = await ferry(stack, 'migrate', 'sorce', 'target', '--json');
  for (const alias of ['source', 'target', 'nowhere', 'locked'])
    expect(errorOf(run).message).toContain(alias);
});

it.each([
  ['a field named like a key', { source: 'source', target: 'target', apiKey: WRONG_KEY }],
  [
    'a password deep inside',
    { source: 'source', target: 'target', overrides: { a: [{ password: WRONG_KEY }] } },
  ],
  ['a URL with credentials', { source: `http://me:${PASSWORD}@host:6333`, target: 'target' }],
])('refuses %s without repeating it, and never hands it to Temporal', async (what, input) => {
  const file = join(stack.folder, 'input.json');
  await writeFile(file, JSON.stringify(input));
  const started = await countWorkflows();
  const run = await timed(what, ferry(stack, 'migrate', '--input', file, '--json'));
  expect(run.code).toBe(2);
  expect(errorOf(run).code).toBe('InvalidInput');
  expectNoSecret(run);
  expect(await countWorkflows()).toBe(started);
});

it.each([
  ['a number for an alias', [{ source: 5, target: 'target' }], 'InvalidInput'],
  ['a text for a list', [{ source: 'source', target: 'target', collections: 'docs' }], 'InvalidInput'],
  [
    'a field that does not exist',
    [{ source: 'source', target: 'target', onExsting: 'merge' }],
    'InvalidInput',
  ],
  ['a list for the object', [[1, 2]], 'InvalidInput'],
  ['a text for the object', ['source'], 'InvalidInput'],
  ['nothing at all', [], 'InvalidInput'],
  ['null', [null], 'InvalidInput'],
  ['a token', [{ source: 'source', target: 'target', token: WRONG_KEY }], 'InvalidInput'],
  ['an unknown alias', [{ source: 'nobody', target: 'target' }], 'UnknownAlias'],
])(
  'fails a workflow that the UI started with %s, instead of leaving it running',
  async (what, args, code) => {
    const began = performance.now();
    const failure = await startedInTheUi(args);
    answered.push(`  ${((performance.now() - began) / 1_000).toFixed(2)}  from the UI: ${what}`);
    expect(failure.type).toBe(code);
    expect(failure.message).not.toContain(WRONG_KEY);
  },
);

it('refuses a second job on the same target collection and names the one that holds it', async () => {
  const slow = ['--max-points-per-second', '200', '--as', 'held'];
  await ferry(
    stack,
    'migrate',
    'source',
    'target',
    'docs',
    ...slow,
    '--id',
    'the-holder',
    '--detach',
    '--json',
  );
  await until(async () => (await everythingOn(stack.target.url)).includes('"held"'));
  const run = await timed(
    'a target that is busy',
    ferry(stack, 'migrate', 'source', 'target', 'docs', ...slow, '--json'),
  );
  expect(run.code).toBe(1);
  expect(run.stdout).toContain('CollectionBusy');
  expect(run.stdout).toContain('the-holder');
  expect((await ferry(stack, 'abort', 'the-holder', '--json')).code).toBe(0);
  await until(
    async () =>
      (await withClient(stack.temporal, (client) => client.workflow.getHandle('the-holder').describe()))
        .status.name !== 'RUNNING',
  );
  await rest(stack.target, 'DELETE', '/collections/held');
});

async function timed(what: string, running: Promise<FerryRun>): Promise<FerryRun> {
  const run = await running;
  answered.push(`  ${run.seconds.toFixed(2)}  ${what}`);
  return run;
}

function expectNoSecret(run: FerryRun): void {
  for (const secret of [KEY, WRONG_KEY, PASSWORD]) expect(run.stdout + run.stderr).not.toContain(secret);
}

/** Every collection with its configuration and number of points. */
async function everythingOn(url: string): Promise<string> {
  const { result } = JSON.parse(await rest({ url }, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  const names = result.collections.map((one) => one.name).sort();
  const found = await Promise.all(
    names.map(async (name) => {
      const answer = await rest({ url }, 'GET', `/collections/${name}`);
      const info = (JSON.parse(answer) as { result: { config: unknown; points_count: number } }).result;
      return [name, info.config, info.points_count];
    }),
  );
  return JSON.stringify(found);
}

async function startedInTheUi(args: unknown[]): Promise<{ type: string; message: string }> {
  return withClient(stack.temporal, async (client) => {
    const options = { taskQueue: 'ferry-control', workflowId: `ui-${performance.now()}`, args };
    try {
      await client.workflow.execute('scrollMigration', options);
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { type, message } = error.cause as Error & { type: string };
      return { type, message };
    }
    throw new Error('it did not fail');
  });
}

async function countWorkflows(): Promise<number> {
  return withClient(stack.temporal, async (client) => (await client.workflow.count()).count);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 100));
}
