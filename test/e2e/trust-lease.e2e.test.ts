// A worker that has lost Temporal, or was frozen, while it reaches everything else: another one finishes its work, and
// nothing that it still had to do is ever done. A third of the collections here would end wrong without the lease.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { attemptsOf } from '../support/capture-watch.js';
import { compareTaken, countPoints, takeSide } from '../support/compare-sides.js';
import { startCutWorker, type CutWorker } from '../support/cut-worker.js';
import { ferry, reportOf, startFerry, type FerryRun, type RunningFerry } from '../support/ferry-command.js';
import { pause, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';

const HEARTBEAT_SECONDS = 5;
/** When a worker that hears nothing from Temporal must have stopped. */
const LEASE_MS = HEARTBEAT_SECONDS * 800;
const BEATS = ['--heartbeat-seconds', String(HEARTBEAT_SECONDS)];
const POINTS = 3_000;

let stack: BackupStack;
let cut: CutWorker | undefined;

beforeAll(async () => {
  stack = await startBackupStack();
  await stack.workers.data.kill();
  await fillBulky(stack.target, { name: 'bulky', points: 6_000, shards: 2 });
  await fillBulky(stack.source, { name: 'bulky', points: 6_000, shards: 2 });
});
afterEach(async () => {
  await cut?.stop();
  cut = undefined;
  await stack.workers.data.kill();
});
afterAll(async () => stack?.stop());

/** Cut from Temporal, it is silent once its lease has ended; then another worker does the rest. */
async function loseTemporal(worker: CutWorker): Promise<void> {
  worker.temporal.cut('freeze');
  await pause(LEASE_MS + 500);
  // What it handed to the network while its lease was fresh is on its way, however slow that is (decision 13).
  for (const server of Object.values(worker.servers)) server.limit({ up: Infinity });
  await pause(500);
  const sent = worker.sent();
  // Still cut off; but Temporal gives no task to its polls any more, which would each take a heartbeat time-out to come back.
  worker.temporal.cut('refuse');
  await stack.workers.data.start();
  await pause(3_000);
  expect(worker.sent() - sent).toBeLessThan(1_000); // what keeps a connection open
}

/** Of `fillRandom`: every fourth point has a UUID. */
function numericIds(below: number): number[] {
  return Array.from({ length: below }, (_, at) => at)
    .filter((at) => at % 4 !== 3)
    .map((at) => at * 3);
}

/** Its proxies pass everything again, and it has time to do what it still wants to do. */
async function findTemporalAgain(worker: CutWorker): Promise<void> {
  worker.temporal.heal();
  await pause(6_000);
}

/** As the application would, right after "verified". */
async function writeLive(name: string, size: number): Promise<void> {
  await rest(stack.target, 'POST', `${collectionPath(name)}/points/delete?wait=true`, '{"points":[0,3,6]}');
  const texts = Array.from({ length: 100 }, (_, at) => pointText(5_000_000 + at));
  const vector = Array.from({ length: size }, () => '0.5').join(',');
  await upsertTexts(
    stack.target,
    name,
    texts.map((text) => text.replace(/"vector":\[[^\]]*\]/, `"vector":[${vector}]`)),
  );
  await rest(
    stack.target,
    'POST',
    `${collectionPath(name)}/points/payload?wait=true`,
    '{"payload":{"tag":"LIVE"},"points":[12,15,18]}',
  );
}

async function expectUntouched(name: string, strike: () => Promise<void>, size = 32): Promise<void> {
  await writeLive(name, size);
  const before = await takeSide(stack.side('target', name));
  await strike();
  expect(compareTaken(before, await takeSide(stack.side('target', name))).differences).toEqual([]);
}

function migrate(name: string, ...more: string[]): RunningFerry {
  const pace = ['--max-points-per-second', '500', '--slices', '2'];
  return startFerry(stack, 'migrate', 'source', 'target', name, '--json', ...BEATS, ...pace, ...more);
}

async function expectVerified(running: RunningFerry): Promise<FerryRun> {
  const run = await running.ended;
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  expect(reportOf(run).outcome).toBe('verified');
  return run;
}

it('does not write a point more when it has lost Temporal in the middle of a copy', async () => {
  await fillRandom(stack.source, { name: 'lost', points: POINTS });
  cut = await startCutWorker(stack, 'data');
  const running = migrate('lost');
  await untilPoints(stack, 'lost', 800, running.ended);
  await loseTemporal(cut);
  await expectVerified(running);
  await expectUntouched('lost', () => findTemporalAgain(cut as CutWorker));
});

it('does not write a point more when it was frozen, and another one has finished', async () => {
  await fillRandom(stack.source, { name: 'frozen', points: POINTS });
  cut = await startCutWorker(stack, 'data');
  const running = migrate('frozen');
  await untilPoints(stack, 'frozen', 800, running.ended);
  process.kill(cut.process.pid, 'SIGSTOP');
  await stack.workers.data.start();
  await expectVerified(running);
  await expectUntouched('frozen', async () => {
    process.kill(cut?.process.pid as number, 'SIGCONT');
    await pause(6_000);
  });
});

it('repairs nothing after its lease, though it is in the middle of it', async () => {
  await fillRandom(stack.source, { name: 'repaired', points: POINTS });
  await stack.workers.data.start();
  await expectVerified(startFerry(stack, 'migrate', 'source', 'target', 'repaired', '--json', ...BEATS));
  await stack.workers.data.kill();
  await rest(
    stack.source,
    'POST',
    `${collectionPath('repaired')}/points/payload?wait=true`,
    `{"payload":{"tag":"CHANGED"},"points":[${numericIds(2_000).join()}]}`,
  );
  cut = await startCutWorker(stack, 'data');
  cut.servers['target.grpc']?.limit({ up: 40_000 });
  const running = startFerry(stack, 'migrate', 'source', 'target', 'repaired', '--json', ...BEATS);
  const changed = async (): Promise<number> => {
    const filter = '{"must":[{"key":"tag","match":{"value":"CHANGED"}}]}';
    const path = `${collectionPath('repaired')}/points/count`;
    const answer = await rest(stack.target, 'POST', path, `{"exact":true,"filter":${filter}}`);
    return Number(/"count":(\d+)/.exec(answer)?.[1]);
  };
  while ((await changed()) === 0) await pause(100);
  await loseTemporal(cut);
  await expectVerified(running);
  await expectUntouched('repaired', () => findTemporalAgain(cut as CutWorker));
});

it.each([
  ['stream', 'target', 'offsite'],
  ['stored', 'source', 'disk'],
])('leaves every object of the backup alone: capture %s of %s into %s', async (mode, cluster, store) => {
  cut = await startCutWorker(stack, 'data');
  cut.servers[cluster]?.limit({ down: 1_500_000 }); // a part of a shard's archive is stored, and not the whole
  const running = startFerry(
    stack,
    ...['backup', cluster, 'bulky', '--store', store, '--capture', mode, '--json', '--no-recall', ...BEATS],
  );
  await untilCaptured(cluster, 2_000_000);
  await loseTemporal(cut);
  const run = await expectVerified(running);
  const backup = reportOf(run).backup ?? '';
  await findTemporalAgain(cut);
  const check = await ferry(stack, 'check-backup', backup, '--store', store, '--json');
  expect(check, check.stdout + check.stderr).toMatchObject({ code: 0 });
});

it('ends no push of a snapshot after its lease, and live writes stand', async () => {
  await stack.workers.data.start();
  const made = await ferry(stack, 'backup', 'source', 'bulky', '--store', 'offsite', '--json', '--no-recall');
  const backup = ['--cluster', 'source', '--store', 'offsite', '--backup', reportOf(made).backup ?? ''];
  await stack.workers.data.kill();
  cut = await startCutWorker(stack, 'data');
  cut.servers['offsite']?.limit({ down: 1_500_000 }); // no bytes wait on the way to the target
  const how = ['--as', 'pushed', '--via', 'push', '--shards', '1', '--json', ...BEATS];
  const running = startFerry(stack, 'restore', 'target', 'bulky', ...backup, ...how);
  await untilPushed('pushed', 2_000_000);
  await loseTemporal(cut);
  await expectVerified(running);
  cut.servers['offsite']?.limit({ down: Infinity });
  await expectUntouched('pushed', () => findTemporalAgain(cut as CutWorker), 4);
});

async function untilPushed(name: string, bytes: number): Promise<void> {
  for (;;) {
    const attempts = await attemptsOf(stack, `ferry/target/${name}`);
    if (attempts.some((one) => one.what.startsWith('recover shard') && one.bytes >= bytes)) return;
    await pause(100);
  }
}

async function untilCaptured(cluster: string, bytes: number): Promise<void> {
  for (;;) {
    const attempts = await attemptsOf(stack, `ferry/${cluster}/bulky/backup`);
    if (attempts.some((one) => one.what.startsWith('capture') && one.bytes >= bytes)) return;
    await pause(100);
  }
}

it('deletes nothing when it wakes after another control worker has replaced the collection', async () => {
  await fillRandom(stack.source, { name: 'late', points: 500 });
  await fillRandom(stack.target, { name: 'late', points: 300, seed: 7 });
  await stack.workers.control.kill();
  cut = await startCutWorker(stack, 'control');
  await stack.workers.data.start();
  const running = startFerry(
    stack,
    ...['migrate', 'source', 'target', 'late', '--on-existing', 'recreate', '--json', ...BEATS],
  );
  // Between its look at the collection and its deletion.
  await untilPreparing();
  process.kill(cut.process.pid, 'SIGSTOP');
  expect(await countPoints(stack.side('target', 'late'))).toBe(300);
  await stack.workers.control.start();
  await expectVerified(running);
  await expectUntouched('late', async () => {
    process.kill(cut?.process.pid as number, 'SIGCONT');
    cut?.servers['target']?.limit({ up: Infinity, down: Infinity });
    await pause(8_000);
  });
  expect(await countPoints(stack.side('target', 'late'))).toBe(597);
});

/** The target answers slowly, so that its preparation lasts; not so slowly that no plan is made before a time-out. */
async function untilPreparing(): Promise<void> {
  for (;;) {
    const attempts = await attemptsOf(stack, 'ferry/target/late');
    if (attempts.some(({ what }) => what.startsWith('prepareTarget'))) return;
    cut?.servers['target']?.limit({ down: 2_000 });
    await pause(50);
  }
}
