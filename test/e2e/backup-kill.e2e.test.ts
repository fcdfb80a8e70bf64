// Whatever happens to the data worker in the middle of a backup or a recovery, killed or stopped for a while: both end
// complete and equal, and what stays on a node is named. FERRY_TEST_SEED repeats the moments of a run that went wrong.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import type { BackupReport } from '../../src/model/contracts/results.js';
import { startBackupStack, unfinishedUploads, type BackupStack } from '../support/backup-stack.js';
import { attemptsOf, storedOnNode } from '../support/capture-watch.js';
import { fillBulky } from '../support/bulky-collection.js';
import { compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry, type FerryRun, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { resultOf } from '../support/workflows-of.js';

const SEED = Number(process.env['FERRY_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const random = seededRandom(SEED);
/** More than one part of an upload. */
const POINTS = 6_000;
const MEGABYTES_A_SECOND = 4;
const SLOWLY = [
  '--max-megabytes-per-second',
  String(MEGABYTES_A_SECOND),
  '--heartbeat-seconds',
  '5',
  '--json',
];

let stack: BackupStack;
/** Before the store where a node pulls from it: a node knows no pace. */
let proxy: FaultyProxy;
const before = new Map<string, TakenSide>();
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  say(`seed ${SEED}`);
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => {
      proxy = await faultyProxy(offsite.endpoint);
      return { slow: { ...offsite, endpoint: proxy.endpoint } };
    },
  });
  proxy.plan = ({ method, headers }) =>
    method === 'GET' && !/aws-sdk/.test(headers['user-agent'] ?? '')
      ? { bytesPerSecond: MEGABYTES_A_SECOND * 1e6 }
      : undefined;
  for (const cluster of ['source', 'target'] as const) {
    await fillBulky(stack[cluster], { name: 'big', points: POINTS });
    before.set(cluster, await takeSide({ url: stack[cluster].url, collection: 'big' }));
  }
});
afterAll(async () => {
  await stack?.stop();
  await proxy?.end();
});

/** Of each cluster the one that is recovered next: in the second round one that was made under kills. */
const latest = { source: '', target: '' };

it('ends complete and equal after kills in captures by both modes and in recoveries both ways', async () => {
  [latest.source, latest.target] = await Promise.all([backUp('source'), backUp('target')]);
  for (const round of [1, 2]) {
    const jobs = [
      start(
        'stream',
        'ferry/target/big/backup',
        'backup',
        'target',
        'big',
        '--no-digest',
        '--capture',
        'stream',
      ),
      start(
        'stored',
        'ferry/source/big/backup',
        'backup',
        'source',
        'big',
        '--no-digest',
        '--capture',
        'stored',
      ),
      recovering('push', 'source', `pushed-${round}`, 'offsite'),
      recovering('pull', 'target', `pulled-${round}`, 'slow'),
    ];
    await untilAllWork(jobs);
    for (const kill of [1, 2]) await killAfter(random.below(5_000) + (kill - 1) * 3_000, jobs);
    const [stream, stored, push, pull] = await Promise.all(jobs.map((job) => job.running.ended));
    latest.target = await expectCaptured(stream as FerryRun, 'target', 0);
    latest.source = await expectCaptured(stored as FerryRun, 'source', 2);
    await expectRecovered(push as FerryRun, 'source', `pushed-${round}`);
    await expectRecovered(pull as FerryRun, 'target', `pulled-${round}`);
  }
  const [source, target] = await Promise.all([recovered('source'), recovered('target')]);
  await expectRecovered(source, 'source', 'last-source');
  await expectRecovered(target, 'target', 'last-target');
});

it('lets searches and index creation continue while the worker is stopped in the middle of a capture', async () => {
  const jobs = (['source', 'target'] as const).map((cluster) =>
    start(cluster, `ferry/${cluster}/big/backup`, 'backup', cluster, 'big', '--no-digest'),
  );
  await untilAllWork(jobs);
  await pause(2_000);
  process.kill(stack.workers.data.pid, 'SIGSTOP');
  try {
    // More than the socket's buffers is still to come, so the node has nobody to send it to.
    await pause(3_000);
    for (const cluster of ['source', 'target'] as const) await useWhileStalled(cluster);
    await pause(4_000);
    for (const cluster of ['source', 'target'] as const) await useWhileStalled(cluster);
    for (const { workflowId } of jobs) {
      expect(await attemptsOf(stack, workflowId)).toMatchObject([{ what: 'capture shard 0 of big' }]);
    }
  } finally {
    process.kill(stack.workers.data.pid, 'SIGCONT');
  }
  const [stored, stream] = await Promise.all(jobs.map(({ running }) => running.ended));
  // Stopped before Temporal was told the name of a file, a worker leaves it as a killed one does.
  await expectCaptured(stored as FerryRun, 'source', 1);
  await expectCaptured(stream as FerryRun, 'target', 0);
  const modes = await Promise.all(
    jobs.map(async ({ workflowId }) => (await resultOf<BackupReport>(stack.temporal, workflowId)).capture),
  );
  expect(modes).toEqual(['stored', 'stream']);
});

it('names the snapshot of the whole node that a killed worker had it make', async () => {
  await fillBulky(stack.source, { name: 'small', points: 10 });
  const job = start('node', 'unused', 'backup', 'source', 'small', '--no-digest', '--node-snapshot');
  let over = false;
  void job.running.ended.then(() => (over = true));
  while (!over && (await storedOnNode(stack.source)).length === 0) await pause(20);
  await stack.workers.data.kill();
  await stack.workers.data.start();
  const run = await job.running.ended;
  await expectComplete(run);
  const left = await storedOnNode(stack.source);
  say(`${left.length} snapshots of the node stay`);
  expect(left.length).toBeLessThanOrEqual(1);
  for (const file of left) expect(reportOf(run).leftOnNode?.join()).toContain(file);
});

it('leaves no upload behind when the job is aborted, and names the collection as failed', async () => {
  const job = start(
    'aborted',
    'ferry/target/big/backup',
    'backup',
    'target',
    'big',
    '--no-digest',
    '--id',
    'to-be-aborted',
  );
  await untilAllWork([job]);
  await pause(1_000);
  await ferry(stack, 'abort', 'to-be-aborted');
  const run = await job.running.ended;
  expect(run.code).toBe(1);
  expect(await unfinishedUploads(stack)).toEqual([]);
  const shown = await ferry(stack, 'backups', 'show', reportOf(run).backup ?? '', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ complete: false, collections: [{ state: 'incomplete' }] });
});

interface Job {
  kind: string;
  workflowId: string;
  running: RunningFerry;
}

function start(kind: string, workflowId: string, ...args: string[]): Job {
  return { kind, workflowId, running: startFerry(stack, ...args, ...SLOWLY) };
}

function recovering(via: string, cluster: 'source' | 'target', as: string, store: string): Job {
  const which = ['--cluster', cluster, '--backup', latest[cluster], '--store', store, '--via', via];
  return start(via, `ferry/target/${as}`, 'restore', 'target', 'big', '--as', as, ...which);
}

/** What the last kills were in the way of. */
const recovered = (cluster: 'source' | 'target') =>
  ferry(
    stack,
    ...['restore', 'target', 'big', '--cluster', cluster, '--backup', latest[cluster]],
    ...['--as', `last-${cluster}`, '--json'],
  );

async function backUp(cluster: string): Promise<string> {
  const run = await ferry(stack, 'backup', cluster, 'big', '--no-digest', '--json');
  expect(run).toMatchObject({ code: 0 });
  return reportOf(run).backup ?? '';
}

async function untilAllWork(jobs: Job[]): Promise<void> {
  let over = false;
  void Promise.any(jobs.map((job) => job.running.ended)).then(() => (over = true));
  while (!over) {
    const attempts = await Promise.all(jobs.map((job) => attemptsOf(stack, job.workflowId)));
    if (attempts.every((some) => some.some((one) => /^(capture|recover) shard/.test(one.what)))) return;
    await pause(50);
  }
}

async function killAfter(delay: number, jobs: Job[]): Promise<void> {
  await pause(delay);
  await stack.workers.data.kill();
  say(`killed after ${delay} ms`);
  for (const { kind, workflowId } of jobs) {
    const hit = await attemptsOf(stack, workflowId);
    say(
      `  ${kind}: ${hit.map((one) => `${one.what}, attempt ${one.attempt}, ${one.bytes} bytes`).join('; ')}`,
    );
  }
  await stack.workers.data.start();
}

/** With at most so many snapshots left on the node, each of them reported. Takes them away. */
async function expectCaptured(run: FerryRun, cluster: 'source' | 'target', most: number): Promise<string> {
  const backup = await expectComplete(run);
  const [line] = reportOf(run).collections;
  const left = await storedOnNode(stack[cluster], 'big');
  say(`${cluster}: ${left.length} snapshots stay, ${line?.leftOnNode?.length ?? 0} reported`);
  expect(left.length).toBeLessThanOrEqual(most);
  for (const file of left) {
    expect(line?.leftOnNode?.some((text) => text.startsWith(file))).toBe(true);
    const path = `${collectionPath('big')}/shards/0/snapshots/${encodeURIComponent(file)}?wait=true`;
    await rest(stack[cluster], 'DELETE', path);
  }
  return backup;
}

async function expectComplete(run: FerryRun): Promise<string> {
  expect(run).toMatchObject({ code: 0 });
  const backup = reportOf(run).backup ?? '';
  const checked = await ferry(stack, 'check-backup', backup, '--json');
  expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true });
  expect(await unfinishedUploads(stack)).toEqual([]);
  return backup;
}

async function expectRecovered(run: FerryRun, from: 'source' | 'target', name: string): Promise<void> {
  expect([name, run.code, reportOf(run).outcome]).toEqual([name, 0, 'unproven']);
  const found = compareTaken(
    before.get(from) as TakenSide,
    await takeSide({ url: stack.target.url, collection: name }),
  );
  expect([name, found.points, found.differences]).toEqual([name, POINTS, []]);
  expect(await storedOnNode(stack.target, name)).toEqual([]);
  await rest(stack.target, 'DELETE', collectionPath(name));
}

let indexes = 0;

async function useWhileStalled(cluster: 'source' | 'target'): Promise<void> {
  const side = stack[cluster];
  const search = () =>
    rest(side, 'POST', `${collectionPath('big')}/points/query`, '{"query":[1.0,2.0,3.0,4.0],"limit":3}');
  expect(await search()).toContain('"points":[{');
  const index = `{"field_name":"made-while-stalled-${(indexes += 1)}","field_schema":"integer"}`;
  expect(await rest(side, 'PUT', `${collectionPath('big')}/index?wait=true`, index)).toContain('"completed"');
  expect(await search()).toContain('"points":[{');
}
