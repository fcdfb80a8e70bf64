// Whatever happens in the middle of a snapshot migration: workers and target killed, the source written, somebody else
// at work. It ends equal, or says what it left. FERRY_TEST_SEED repeats the moments of a run that went wrong.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '../../demo/seeded-random.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { attemptsOf, storedOnNode } from '../support/capture-watch.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry, type FerryRun, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { withClient } from '../support/workflows-of.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';

const SEED = Number(process.env['FERRY_TEST_SEED'] ?? Math.floor(Math.random() * 1e9));
const random = seededRandom(SEED);
const POINTS = 3_500;
const MEGABYTES_A_SECOND = 4;
/** A cancel is heard with the next heartbeat, some seconds later: the shard must still be under way then. */
const VERY_SLOWLY = ['--max-megabytes-per-second', '1'];
const SLOWLY = ['--max-megabytes-per-second', String(MEGABYTES_A_SECOND), '--heartbeat-seconds', '5'];

let stack: BackupStack;
/** Before the source where the target pulls from it: a node knows no pace. */
let proxy: FaultyProxy;
const say = (line: string) => process.stdout.write(`${line}\n`);

beforeAll(async () => {
  say(`seed ${SEED}`);
  stack = await startBackupStack({
    moreClusters: ({ source }) => ({ slow: { url: proxy.endpoint, grpcUrl: source.grpcUrl } }),
    moreStores: async () => {
      proxy = await faultyProxy('unused:');
      return {};
    },
  });
  proxy.target = stack.source.url;
  proxy.plan = ({ method, url }) =>
    method === 'GET' && url.endsWith('.snapshot') ? { bytesPerSecond: MEGABYTES_A_SECOND * 1e6 } : undefined;
  for (const cluster of ['source', 'target'] as const) {
    await fillBulky(stack[cluster], { name: 'big', points: POINTS });
  }
});
afterAll(async () => {
  await stack?.stop();
  await proxy?.end();
});

interface Job {
  kind: string;
  from: 'source' | 'target';
  as: string;
  /** Snapshots that may stay on the source's node: one a kill for each of two jobs, where the node keeps files. */
  most: number;
  running: RunningFerry;
}

function start(kind: string, cluster: string, as: string, ...more: string[]): Job {
  const running = startFerry(
    stack,
    ...[
      'migrate',
      cluster,
      'target',
      'big',
      '--as',
      as,
      '--method',
      'snapshot',
      '--json',
      ...SLOWLY,
      ...more,
    ],
  );
  const from = cluster === 'target' ? 'target' : 'source';
  return { kind, from, as, most: kind === 'stream' ? 0 : 4, running };
}

const lockOf = (job: Job) => `ferry/target/${job.as}`;

async function untilAllMove(jobs: Job[]): Promise<void> {
  let over = false;
  void Promise.any(jobs.map((job) => job.running.ended)).then(() => (over = true));
  while (!over) {
    const attempts = await Promise.all(jobs.map((job) => attemptsOf(stack, lockOf(job))));
    if (attempts.every((some) => some.some((one) => one.what.startsWith('move shard')))) return;
    await pause(50);
  }
}

async function expectArrived(job: Job, run: FerryRun, reported: string[]): Promise<void> {
  expect([job.kind, run.code, run.stderr]).toEqual([job.kind, 0, run.stderr]);
  const [line] = reportOf(run).collections;
  expect([job.kind, line?.outcome]).toEqual([job.kind, 'verified']);
  const found = await compareSides(stack.side(job.from, 'big'), stack.side('target', job.as));
  expect([job.as, found.points, found.differences, found.configuration]).toEqual([job.as, POINTS, [], []]);
  const left = await storedOnNode(stack[job.from], 'big');
  say(`${job.kind}: ${left.length} snapshots stay, ${reported.length} reported`);
  expect(left.length).toBeLessThanOrEqual(job.most);
  expect(left.filter((file) => !reported.some((text) => text.startsWith(file)))).toEqual([]);
  await rest(stack.target, 'DELETE', collectionPath(job.as));
}

/** Two jobs of one source name the same files, or one of them does: each knows only what came up while it ran. */
async function expectAllArrived(jobs: Job[]): Promise<void> {
  const runs = await Promise.all(jobs.map((job) => job.running.ended));
  const reported = runs.flatMap((run) => reportOf(run).collections[0]?.leftOnNode ?? []);
  for (const [at, job] of jobs.entries()) await expectArrived(job, runs[at] as FerryRun, reported);
  await clearNode('source');
  await clearNode('target');
}

async function clearNode(cluster: 'source' | 'target'): Promise<void> {
  for (const file of await storedOnNode(stack[cluster], 'big')) {
    const path = `${collectionPath('big')}/shards/0/snapshots/${encodeURIComponent(file)}?wait=true`;
    await rest(stack[cluster], 'DELETE', path);
  }
}

it('ends equal after kills of the data worker, streamed, pushed and pulled', async () => {
  const jobs = [
    start('stream', 'target', 'streamed'),
    start('push', 'source', 'pushed', '--via', 'push'),
    start('pull', 'slow', 'pulled', '--via', 'pull'),
  ];
  await untilAllMove(jobs);
  for (const kill of [1, 2]) {
    const delay = random.below(4_000) + (kill - 1) * 3_000;
    await pause(delay);
    await stack.workers.data.kill();
    say(`killed after ${delay} ms`);
    await stack.workers.data.start();
  }
  await expectAllArrived(jobs);
});

it('ends equal when the target is killed in the middle and comes back', async () => {
  const job = start('push', 'source', 'restarted', '--via', 'push');
  await untilAllMove([job]);
  await pause(1_500 + random.below(2_000));
  await stack.target.kill();
  await pause(1_000);
  await stack.target.start();
  await expectAllArrived([{ ...job, most: 1 }]);
});

it('ends equal after writes on the source during the move', async () => {
  const job = start('push', 'source', 'written', '--via', 'push');
  await untilAllMove([job]);
  let writes = 0;
  let over = false;
  void job.running.ended.then(() => (over = true));
  const until = performance.now() + 5_000;
  while (!over && performance.now() < until) {
    const ids = Array.from({ length: 50 }, () => random.below(POINTS));
    const changed = ids.map((id) => pointText(id).replace('"n":', '"again":'));
    await upsertTexts(stack.source, 'big', [...new Map(changed.map((text) => [idIn(text), text])).values()]);
    const gone = `{"points":[${random.below(POINTS)}]}`;
    await rest(stack.source, 'POST', `${collectionPath('big')}/points/delete?wait=true`, gone);
    writes += 1;
  }
  const run = await job.running.ended;
  say(`${writes} writes; ${JSON.stringify(reportOf(run).collections[0])}`);
  expect(run.code).toBe(0);
  const found = await compareSides(stack.side('source', 'big'), stack.side('target', 'written'));
  expect([found.points > 2_500, found.differences, found.configuration]).toEqual([true, [], []]);
  await fillBulky(stack.source, { name: 'big', points: POINTS });
});

const idIn = (text: string) => /"id":(\d+)/.exec(text)?.[1] ?? '';

it('is refused while somebody else captures the source, and captures nothing beside somebody else', async () => {
  const backup = startFerry(stack, 'backup', 'source', 'big', '--no-digest', '--json', ...SLOWLY);
  while ((await attemptsOf(stack, 'ferry/source/big/backup')).length === 0) await pause(50);
  const refused = await ferry(
    stack,
    ...['migrate', 'source', 'target', 'big', '--as', 'busy', '--method', 'snapshot', '--json'],
    ...['--on-failure', 'fail'],
  );
  expect(refused.code).toBe(1);
  expect(reportOf(refused).collections[0]?.error).toMatch(/^CollectionBusy: .*fullBackup/);
  expect(await namesOnTarget()).not.toContain('busy');
  expect(await backup.ended).toMatchObject({ code: 0 });
});

it('removes what it made when it is aborted', async () => {
  const job = start('push', 'source', 'aborted', '--via', 'push', '--id', 'to-be-aborted', ...VERY_SLOWLY);
  await untilAllMove([job]);
  await pause(1_000);
  await ferry(stack, 'abort', 'to-be-aborted');
  const run = await job.running.ended;
  expect(run.code).toBe(1);
  expect(reportOf(run).collections[0]?.error).toMatch(/^Aborted/);
  expect(await namesOnTarget()).not.toContain('aborted');
  expect(await storedOnNode(stack.source, 'big')).toEqual([]);
});

it('continues with its own collection after it was terminated', async () => {
  const job = start('push', 'source', 'ended', '--via', 'push', '--id', 'to-be-ended');
  await untilAllMove([job]);
  // A snapshot whose creation is still running at the end would appear only after the node was cleared.
  while ((await storedOnNode(stack.source, 'big')).length === 0) await pause(50);
  await withClient(stack.temporal, async (client) => {
    await client.workflow.getHandle(lockOf(job)).terminate('by the test');
  });
  expect(await job.running.ended).toMatchObject({ code: 1 });
  expect(await namesOnTarget()).toContain('ended');
  // Of a terminated job nobody clears up; what it had the node keep is not the next one's.
  await clearNode('source');
  const again = start('push', 'source', 'ended', '--via', 'push');
  await expectAllArrived([again]);
});

it('swaps an alias, and replaces a living collection after a backup of it', async () => {
  await fillBulky(stack.target, { name: 'old', points: 100 });
  const naming = (alias: string) =>
    `{"actions":[{"create_alias":{"collection_name":"old","alias_name":"${alias}"}}]}`;
  await rest(stack.target, 'POST', '/collections/aliases', naming('docs'));
  const swapped = await migrateTo('docs', '--on-existing', 'swap');
  const [line] = reportOf(swapped).collections;
  expect(line).toMatchObject({ outcome: 'verified', moved: { left: 'old' } });
  const found = await compareSides(stack.side('source', 'big'), stack.side('target', 'docs'));
  expect([found.points, found.differences]).toEqual([POINTS, []]);

  await rest(stack.target, 'POST', '/collections/aliases', naming('old-alias'));
  const refused = await migrateTo('old');
  expect(reportOf(refused).collections[0]?.error).toMatch(/^TargetExists/);
  const replaced = await migrateTo('old', '--on-existing', 'replace');
  expect([replaced.code, replaced.stderr]).toEqual([0, replaced.stderr]);
  const safety = reportOf(replaced).collections[0]?.moved?.safetyBackup ?? '';
  const shown = await ferry(stack, 'backups', 'show', safety, '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ complete: true, collections: [{ points: 100 }] });
  const after = await compareSides(stack.side('source', 'big'), stack.side('target', 'old'));
  expect([after.points, after.differences]).toEqual([POINTS, []]);
  expect(await aliasesOf(stack.side('target', 'old'))).toEqual(['old-alias']);
});

async function namesOnTarget(): Promise<string[]> {
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map(({ name }) => name);
}

const migrateTo = (as: string, ...more: string[]) =>
  ferry(
    stack,
    ...['migrate', 'source', 'target', 'big', '--as', as, '--method', 'snapshot', '--json', ...more],
  );
