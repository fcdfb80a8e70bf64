// A whole backup and its recovery, by worker processes, against a store that fails. test/support/faulty-proxy.ts stands
// between: an HTTP proxy that answers 500 and 503 SlowDown in the store's place, cuts connections in the middle of a
// request or an answer, loses answers to what was done, and is slow. It stands for Toxiproxy, and knows requests, not
// only connections. FERRY_TEST_SEED repeats the faults of a run that went wrong.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import { startBackupStack, storeOf, unfinishedUploads, type BackupStack } from '../support/backup-stack.js';
import { fillBulky } from '../support/bulky-collection.js';
import { storedOnNode } from '../support/capture-watch.js';
import { compareTaken, takeSide } from '../support/compare-sides.js';
import { faultyProxy, type Fault, type FaultyProxy } from '../support/faulty-proxy.js';
import { errorOf, ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { allOf } from '../support/object-stores.js';
import { rest } from '../support/rest-text.js';

const SEED = Number(process.env['FERRY_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const random = seededRandom(SEED);
const POINTS = 4_000;
const MIB = 1024 ** 2;

const FAULTS: Fault[] = [
  { answer: 500 },
  { answer: 503 },
  { cutRequestAt: 3 * MIB },
  { cutRequestAt: 10 },
  { cutAnswerAt: MIB },
  { cutAnswerAt: 10 },
  { loseAnswer: true },
  { bytesPerSecond: 12 * MIB },
];

let stack: BackupStack;
let proxy: FaultyProxy;

beforeAll(async () => {
  process.stdout.write(`seed ${SEED}\n`);
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => {
      proxy = await faultyProxy(offsite.endpoint);
      return { faulty: { ...offsite, endpoint: proxy.endpoint } };
    },
  });
  for (const cluster of ['source', 'target'] as const) {
    await fillBulky(stack[cluster], { name: 'big', points: POINTS, shards: 2 });
  }
});
afterAll(async () => {
  await stack?.stop();
  await proxy?.end();
});

/** Every kind in turn, at a third of the requests. */
function harm(): void {
  proxy.faults = 0;
  proxy.seen.length = 0;
  let turn = random.below(FAULTS.length);
  proxy.plan = () => (random.below(3) === 0 ? FAULTS[(turn += 1) % FAULTS.length] : undefined);
}

const spare = () => {
  proxy.plan = () => undefined;
};

const CAPTURES = [
  ['source', 'stored', 'push'],
  ['target', 'stream', 'pull'],
] as const;

it('has backups by both modes, and recoveries both ways, complete and right all the same', async () => {
  harm();
  const runs = await Promise.all(
    CAPTURES.map(([cluster, mode]) =>
      ferry(stack, 'backup', cluster, 'big', '--store', 'faulty', '--capture', mode, '--json'),
    ),
  );
  expectHarm('backups');
  const backups = runs.map((run) => reportOf(run).backup ?? '');
  for (const [at, [cluster]] of CAPTURES.entries()) {
    expect(runs[at]).toMatchObject({ code: 0 });
    const checked = await ferry(stack, 'check-backup', backups[at] ?? '', '--json');
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true });
    expect(await storedOnNode(stack[cluster], 'big')).toEqual([]);
  }
  expect(await unfinishedUploads(stack)).toEqual([]);

  harm();
  const recoveries = await Promise.all(
    CAPTURES.map(([cluster, mode, via], at) =>
      ferry(
        stack,
        ...['restore', 'target', 'big', '--store', 'faulty', '--as', mode, '--via', via, '--json'],
        ...['--cluster', cluster, '--backup', backups[at] ?? ''],
      ),
    ),
  );
  expectHarm('recoveries');
  for (const [at, [cluster, mode]] of CAPTURES.entries()) {
    const run = recoveries[at] as FerryRun;
    const { outcome, collections } = reportOf(run);
    const told = collections.map(({ error }) => error);
    expect([mode, run.code, outcome, told]).toEqual([mode, 0, 'verified', [undefined]]);
    const before = await takeSide({ url: stack[cluster].url, collection: 'big' });
    const found = compareTaken(before, await takeSide({ url: stack.target.url, collection: mode }));
    expect([mode, found.points, found.differences]).toEqual([mode, POINTS, []]);
  }
});

function expectHarm(what: string): void {
  process.stdout.write(`${proxy.faults} faults in ${proxy.seen.length} requests of the ${what}\n`);
  expect(proxy.faults).toBeGreaterThan(0);
  spare();
}

it.each<[string, (method: string) => boolean]>([
  ['everything', () => true],
  ['every write', (method) => method === 'PUT' || method === 'POST'],
])('refused %s, a backup ends as StoreAccessDenied before anything else happens', async (_, isRefused) => {
  const objects = await allOf(storeOf(stack).list(''));
  proxy.plan = ({ method }) => (isRefused(method) ? { answer: 403 } : undefined);
  const run = await ferry(
    stack,
    'backup',
    'source',
    'big',
    '--store',
    'faulty',
    '--capture',
    'stored',
    '--json',
  );
  spare();
  expect(run.code).toBe(1);
  const { code, message } = errorOf(run);
  expect(code).toBe('StoreAccessDenied');
  expect(message).toMatch(/\[bucket=backups, key=ferry\/.+\]/);
  expect(await storedOnNode(stack.source, 'big')).toEqual([]);
  expect(await allOf(storeOf(stack).list(''))).toEqual(objects);
  expect(await unfinishedUploads(stack)).toEqual([]);
});

it('refused access, a recovery ends as StoreAccessDenied and makes nothing', async () => {
  proxy.plan = () => ({ answer: 403 });
  const run = await ferry(stack, 'restore', 'target', 'big', '--store', 'faulty', '--as', 'never', '--json');
  spare();
  expect(run.code).toBe(1);
  expect(errorOf(run)).toMatchObject({
    code: 'StoreAccessDenied',
    message: expect.stringContaining('bucket=backups') as string,
  });
  expect(await rest(stack.target, 'GET', '/collections')).not.toContain('"never"');
});
