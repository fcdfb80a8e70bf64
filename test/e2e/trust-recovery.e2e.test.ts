// What a node still recovers when nobody listens any more must not come in later: a pull that crawls, and a job that is
// steered, loses its worker, or sits behind a proxy that gives up. Whatever the application writes after the end stays.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RecoverSnapshotResult } from '../../src/model/contracts/snapshot-activities.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky, pointText } from '../support/bulky-collection.js';
import { compareSides, compareTaken, countPoints, takeSide } from '../support/compare-sides.js';
import { cutProxy, type CutProxy } from '../support/cut-proxy.js';
import { ferry, reportOf, startFerry, type RunningFerry } from '../support/ferry-command.js';
import { gateway504, giveUpOn, type Gateway504 } from '../support/gateway-504.js';
import { pause } from '../support/kill-watch.js';
import { collectionPath, upsertTexts } from '../support/rest-text.js';
import { snapshotCommands } from '../support/snapshot-commands.js';

const POINTS = 1_500;
/** How long a pull of one shard takes while it crawls. */
const CRAWL_SECONDS = 8;

let stack: BackupStack;
/** Before the store: its objects crawl through it, to the worker and to the node. */
let store: CutProxy;
/** Before the source: its own snapshots crawl through it. */
let files: CutProxy;
/** Before the target: the cluster `gated`. */
let gateway: Gateway504;
let backup = '';
let bytes = 0;

beforeAll(async () => {
  gateway = await gateway504('unused:');
  stack = await startBackupStack({
    moreStores: async ({ offsite }) => {
      store = await cutProxy(offsite.endpoint);
      return { crawling: { ...offsite, endpoint: `http://${store.address}` } };
    },
    moreClusters: ({ target }) => ({ gated: { url: gateway.url, grpcUrl: target.grpcUrl } }),
  });
  gateway.target = stack.target.url;
  files = await cutProxy(stack.source.url);
  await fillBulky(stack.source, { name: 'docs', points: POINTS, shards: 2 });
  const run = await ferry(stack, 'backup', 'source', 'docs', '--no-recall', '--json');
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  backup = reportOf(run).backup ?? '';
  bytes = reportOf(run).bytes ?? 0;
});
const crawl = (seconds = CRAWL_SECONDS) => store.limit({ down: bytes / 2 / seconds });
beforeEach(() => crawl());
afterEach(() => void (gateway.plan = () => undefined));
afterAll(async () => {
  await stack?.stop();
  await Promise.all([store?.end(), files?.end(), gateway?.end()]);
});

const isRecover = ({ url }: { url: string }) => /snapshots\/(recover|upload)/.test(url);
const { answer, created } = snapshotCommands(() => stack);

interface Crawling {
  running: RunningFerry;
  /** Bytes that went through the store's proxy since it began. */
  passed(): number;
}

function restore(name: string, ...more: string[]): Crawling {
  const from = ['docs', '--cluster', 'source', '--backup', backup, '--store', 'crawling'];
  const how = ['--as', name, '--heartbeat-seconds', '5', '--id', name, '--json'];
  const before = store.passed.down;
  return {
    running: startFerry(stack, 'restore', ...more, ...from, ...how),
    passed: () => store.passed.down - before,
  };
}

/** What the target is recovering: it keeps what it fetches, is sent, or unpacks in its temporary folder until the end. */
function recovering(): string[] {
  const all = readdirSync(join(stack.folder, 'target/temp'), { recursive: true, encoding: 'utf8' });
  return all.filter((path) => !/^tmp(\/upload)?$/.test(path));
}

/** The pulls of both shards. */
async function untilPulling(): Promise<void> {
  while (recovering().filter((path) => path.endsWith('.download')).length < 2) await pause(50);
}

/** Between two steps of a recovery the folder may be empty for a moment. */
async function untilNothingRuns(): Promise<void> {
  for (let quiet = 0; quiet < 10; quiet += 1) {
    if (recovering().length > 0) quiet = -1;
    await pause(200);
  }
}

async function expectVerified({ running, passed }: Crawling, name: string): Promise<void> {
  const run = await running.ended;
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  expect(reportOf(run)).toMatchObject({ outcome: 'verified', points: POINTS });
  expect(passed()).toBeLessThan(bytes * 1.5); // nothing was fetched a second time
  await expectLiveWritesKept(name);
}

async function expectLiveWritesKept(name: string): Promise<void> {
  const side = stack.side('target', name);
  const written = Array.from({ length: 100 }, (_, at) => pointText(5_000_000 + at));
  await upsertTexts(stack.target, name, written);
  const before = await takeSide(side);
  await untilNothingRuns();
  expect(compareTaken(before, await takeSide(side)).differences).toEqual([]);
  expect(await countPoints(side)).toBe(POINTS + 100);
}

it.each<[string, string[][]]>([
  ['paused and resumed', [['pause'], ['resume']]],
  ['throttled', [['throttle', '--megabytes-per-second', '500']]],
])(
  '1: a restore that is %s while its node pulls calls no pull back, and nothing comes in later',
  async (_, steps) => {
    const name = `steered-${steps.length}`;
    const crawling = restore(name, 'target', '--via', 'pull');
    await untilPulling();
    for (const [command = '', ...more] of steps)
      expect(await ferry(stack, command, name, ...more)).toMatchObject({ code: 0 });
    expect(recovering()).not.toEqual([]);
    await expectVerified(crawling, name);
  },
);

it('1: a worker that is killed while the node pulls leaves no pull that comes in later', async () => {
  const crawling = restore('killed', 'target', '--via', 'pull');
  await untilPulling();
  crawl(30);
  await stack.workers.data.kill();
  await stack.workers.data.start();
  expect(recovering()).not.toEqual([]);
  await expectVerified(crawling, 'killed');
});

it.each([
  ['pull', 3_000],
  ['auto', 3_000],
  ['push', 1],
])(
  '1: a restore via %s behind a proxy that gives up waits for what goes on behind it',
  async (via, afterMs) => {
    gateway.givenUp.length = 0;
    gateway.plan = giveUpOn(isRecover, { afterMs, times: 99 });
    const crawling = restore(`gated-${via}`, 'gated', '--via', via);
    await expectVerified(crawling, `gated-${via}`);
    expect(gateway.givenUp).toHaveLength(2); // one call for each shard
  },
);

it('1: `ferry snapshots recover` behind a proxy that gives up waits for what continues behind it', async () => {
  const made = await created('source', '--collection', 'docs');
  files.limit({ down: (made.bytes ?? 0) / CRAWL_SECONDS });
  gateway.givenUp.length = 0;
  gateway.plan = giveUpOn(isRecover, {
    afterMs: 3_000,
    times: 99,
  });
  const url = `http://${files.address}${collectionPath('docs')}/snapshots/${made.name}`;
  const what = ['gated', '--collection', 'by-hand', '--url', url, '--priority', 'snapshot'];
  const recovered = await answer<RecoverSnapshotResult>('recover', ...what);
  expect(recovered.points).toEqual({ after: POINTS });
  expect(gateway.givenUp).toHaveLength(1);
  const found = await compareSides(stack.side('source', 'docs'), stack.side('target', 'by-hand'));
  expect(found.differences).toEqual([]);
  await expectLiveWritesKept('by-hand');
});
