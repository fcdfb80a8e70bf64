// Two installations that share nothing but the store: two Temporal servers, each with workers of its own, one S3 gateway.
// The workers of the first lose their Temporal, or are stopped for a day, while the second prunes.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startTemporal, startWorkerProcess, type LocalProcess } from '../../src/local/index.js';
import type { PruneStoreResult } from '../../src/model/contracts/prune-activities.js';
import type { ObjectStore, StoredObject } from '../../src/storage/object-store.js';
import { age, backUpAged } from '../support/aged-backups.js';
import { copyAged } from '../support/aged-store.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { startCutWorker, type CutWorker } from '../support/cut-worker.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry, type FerryRun, type RunningFerry } from '../support/ferry-command.js';
import { pause, pointsOnTarget } from '../support/kill-watch.js';
import { allOf } from '../support/object-stores.js';
import { expectHonest, keysIn, runId, storeWithRuns } from '../support/pruned-stores.js';
import { upsertTexts } from '../support/rest-text.js';

const DAYS = Array.from({ length: 8 }, (_, day) => day + 1);
const NEWEST = [7, 8].flatMap((day) => [`${runId(day)}/docs`, `${runId(day)}/images`]);
const HEARTBEAT_SECONDS = 4;
/** When a worker that hears nothing from Temporal must have stopped. */
const LEASE_MS = HEARTBEAT_SECONDS * 800;
const BEATS = ['--heartbeat-seconds', String(HEARTBEAT_SECONDS), '--json'];
const READERS = '.ferry-readers/';

interface Installation {
  config: string;
  folder: string;
}

let stack: BackupStack;
/** Of the first: the way of its store `slow` to the bucket that the second calls `offsite`. */
let slow: FaultyProxy;
let second: Installation;
const cut: CutWorker[] = [];
const started: LocalProcess[] = [];
let store: ObjectStore;
/** What the collection was when each link of its chain was stored. */
const moments = new Map<string, TakenSide>();

beforeAll(async () => {
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => {
      slow = await faultyProxy(offsite.endpoint);
      return { slow: { ...offsite, endpoint: slow.endpoint } };
    },
  });
  store = storeOf(stack);
  await fillBulky(stack.source, { name: 'docs', points: 3_000 });
  for (const [back, workflow] of [
    [20, 'fullBackup'],
    [19, 'incrementalBackup'],
    [10, 'fullBackup'],
    [9, 'incrementalBackup'],
  ] as const) {
    await upsertTexts(stack.source, 'docs', [pointText(5_000 + back)]);
    const at = new Date(Date.now() - back * 86_400_000);
    const backup = await backUpAged(stack, { collection: 'docs', at, workflow });
    moments.set(backup, await takeSide(stack.side('source', 'docs')));
  }
  await Promise.all([stack.workers.control.stop(), stack.workers.data.stop()]);
  for (const role of ['control', 'data'] as const) cut.push(await startCutWorker(stack, role));
  second = await installSecond();
});
afterEach(() => {
  slow.plan = () => undefined;
  for (const { temporal } of cut) temporal.heal();
});
afterAll(async () => {
  for (const worker of cut) await worker.stop();
  for (const one of started.reverse()) await one.stop();
  await stack?.stop();
  await slow?.end();
});

async function installSecond(): Promise<Installation> {
  const folder = join(stack.folder, 'second');
  await mkdir(folder);
  const temporal = await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false });
  started.push(temporal);
  const document = parse(await readFile(stack.config, 'utf8')) as Record<string, unknown>;
  const config = join(folder, 'ferry.yaml');
  const text = stringify({ ...document, temporal: { address: temporal.address } });
  await writeFile(config, text, { mode: 0o600 });
  const extraEnv = { FERRY_STATE_DIR: folder };
  for (const role of ['control', 'data'] as const)
    started.push(await startWorkerProcess({ role, config, folder, extraEnv }));
  return { config, folder };
}

const prune = (at: Installation, ...more: string[]): RunningFerry =>
  startFerry(at, 'prune', '--keep-last', '2', ...BEATS, ...more);

function prunedBy({ code, stdout, stderr }: FerryRun): PruneStoreResult {
  expect([code, stderr]).toEqual([0, stderr]);
  return JSON.parse(stdout) as PruneStoreResult;
}

const namesOf = ({ backups }: PruneStoreResult, kept: boolean) =>
  backups
    .filter(({ keep }) => keep === kept)
    .map(({ backup, collection }) => `${backup}/${collection}`)
    .sort();

async function expectRecovered(at: Installation, backup: string, as: string): Promise<void> {
  const from = ['--cluster', 'source', '--store', 'offsite', '--backup', backup];
  const run = await ferry(at, 'restore', 'target', 'docs', ...from, '--as', as, '--json');
  expect([run.code, run.stderr]).toEqual([0, run.stderr]);
  expectEqual(backup, await takeSide(stack.side('target', as)));
}

function expectEqual(backup: string, found: TakenSide): void {
  const { differences, configuration } = compareTaken(moments.get(backup) as TakenSide, found);
  expect([backup, differences, configuration]).toEqual([backup, [], []]);
}

/** The third backup that goes has no manifest any more, and every request for its snapshot to go is held on its way. */
function holdThird(): { begun: Promise<void>; held: () => string; release: () => void } {
  let [manifests, held, release, begin] = [0, '', () => {}, () => {}];
  const released = new Promise<void>((resolve) => (release = resolve));
  const begun = new Promise<void>((resolve) => (begin = resolve));
  slow.plan = ({ method, url }) => {
    if (method !== 'DELETE') return undefined;
    if (url.includes('/manifest.json')) manifests += 1;
    if (held === '' && manifests === 3 && url.includes('.snapshot')) held = url;
    if (url !== held) return undefined;
    begin();
    return { until: released };
  };
  return { begun, held: () => held, release };
}

/** Temporal gives no task to their polls any more, which would each take a heartbeat time-out to come back. */
async function loseTemporal(): Promise<void> {
  for (const { temporal } of cut) temporal.cut('freeze');
  await pause(LEASE_MS + 500);
  for (const { temporal } of cut) temporal.cut('refuse');
}

it('both prune it, one cut off from its Temporal between a manifest and its objects, and end with true reports', async () => {
  await copyAged(storeWithRuns(DAYS), store, stack.folder);
  const before = await expectHonest(store);
  const [, , full = '', link = ''] = [...moments.keys()];
  const kept = [...NEWEST, `${full}/docs`, `${link}/docs`].sort();
  const third = holdThird();
  const first = prune(stack, '--store', 'slow');
  await Promise.race([third.begun, first.ended]);
  const between = await expectHonest(store);
  expect(between).toHaveLength(before.length - 3);
  await loseTemporal();

  const other = prune(second, '--store', 'offsite');
  let isOver = false;
  void other.ended.then(() => (isOver = true));
  while (!isOver) {
    expect(await expectHonest(store, kept)).toEqual(kept);
    await pause(1_000);
  }
  const byOther = prunedBy(await other.ended);
  expect(await expectHonest(store)).toEqual(kept);
  const keys = await keysIn(store);
  expect(namesOf(byOther, true)).toEqual(kept);
  expect(namesOf(byOther, false)).toEqual(between.filter((name) => !kept.includes(name)));
  expect(byOther).toMatchObject({ left: [], swept: { objects: 1 } });

  for (const { temporal } of cut) temporal.heal();
  const byFirst = prunedBy(await first.ended);
  expect(namesOf(byFirst, true)).toEqual(kept);
  expect(byFirst).toMatchObject({ removed: 0, removedEarlier: 3, left: [], swept: { objects: 0 } });
  // The store did not answer for longer than a request waits, and without its Temporal nobody asked again.
  expect(slow.seen.filter(({ method, url }) => method === 'DELETE' && url === third.held())).toHaveLength(1);
  third.release();
  expect(byOther.removed + (byFirst.removedEarlier ?? 0)).toBe(before.length - kept.length);

  const nothing = prunedBy(await prune(second, '--store', 'offsite').ended);
  expect(nothing).toMatchObject({
    removed: 0,
    kept: kept.length,
    left: [],
    swept: { objects: 0, uploads: 0 },
  });
  expect(await expectHonest(store)).toEqual(kept);
  expect(await keysIn(store)).toEqual(keys);
  for (const backup of [full, link]) await expectRecovered(second, backup, `back-${backup.slice(-4)}`);
});

/** Slow enough to have a middle; its workers are stopped there, and the store's clock goes on by two days. */
async function restoreStopped(backup: string, as: string): Promise<RunningFerry> {
  const from = ['--cluster', 'source', '--store', 'offsite', '--backup', backup, '--on-failure', 'fail'];
  const slowly = ['--max-megabytes-per-second', '1', '--batch-bytes', '65536'];
  const running = startFerry(stack, 'restore', 'target', 'docs', ...from, '--as', as, ...slowly, ...BEATS);
  let isOver = false;
  void running.ended.then(() => (isOver = true));
  while (!isOver && (await pointsOnTarget(stack, as)) < 300) await pause(50);
  for (const { process } of cut) await process.kill();
  expect(await readers()).toHaveLength(1);
  await age(stack, READERS.slice(0, -1), new Date(Date.now() - 2 * 86_400_000));
  return running;
}

const readers = (): Promise<StoredObject[]> => allOf(store.list(READERS));

async function startAgain(): Promise<void> {
  for (const { process } of cut) await process.start();
}

const pruneSource = async () =>
  prunedBy(await prune(second, 'source', '--store', 'offsite', '--keep-last', '1', '--minimum', '1').ended);

it('keeps what a restore reads that was stopped for two days, once its workers are back', async () => {
  const link = [...moments.keys()].at(-1) ?? '';
  await upsertTexts(stack.source, 'docs', [pointText(9_000)]);
  const newer = await ferry(second, 'backup', 'source', 'docs', '--format', 'points', '--store', 'offsite');
  expect(newer).toMatchObject({ code: 0 });
  const running = await restoreStopped(link, 'stopped');
  const [before] = await readers();
  await startAgain();
  while ((await readers())[0]?.modifiedAt === before?.modifiedAt) await pause(50);
  const { removed, backups } = await pruneSource();
  expect(removed).toBe(0);
  expect(backups.find(({ backup }) => backup === link)?.reasons).toEqual([
    expect.stringMatching(/^being read by ferry\/target\/stopped /),
  ]);
  const ended = await running.ended;
  expect([ended.code, ended.stderr]).toEqual([0, ended.stderr]);
  expectEqual(link, await takeSide(stack.side('target', 'stopped')));
  expect(await readers()).toEqual([]);
});

it('ends a restore by name whose backup was removed while it was stopped for two days', async () => {
  const link = [...moments.keys()].at(-1) ?? '';
  const running = await restoreStopped(link, 'removed');
  expect((await pruneSource()).removed).toBe(2);
  expect(await readers()).toEqual([]);
  await startAgain();
  const ended = await running.ended;
  expect(ended.code).toBe(1);
  expect(reportOf(ended).collections[0]).toMatchObject({
    ...{
      outcome: 'failed',
      error: expect.stringMatching(/^BackupNotFound: .*(it was removed|was pruned on)/),
    },
  });
});
