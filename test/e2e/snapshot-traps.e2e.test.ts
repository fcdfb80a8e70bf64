// What looks like success and is not, each provoked: "200 OK" for nothing, a stream that ends as if it were whole, a
// balancer before a cluster, a replica that is dead, a file that is not the one that was promised.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QdrantServer } from '../../src/local/index.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { fillBulky } from '../support/bulky-collection.js';
import { attemptsOf } from '../support/capture-watch.js';
import { compareSides } from '../support/compare-sides.js';
import { faultyProxy, firstTimes, type FaultyProxy, type Seen } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';

const POINTS = 1_500;

let stack: BackupStack;
let trio: ThreeNodes;
/** Before the 1.17 that streams, and before the target that receives. */
let giving: FaultyProxy;
let taking: FaultyProxy;
/** Before a cluster: each request goes to the next node. */
let balancer: FaultyProxy;

beforeAll(async () => {
  trio = await startThreeNodes('trio');
  const first = trio.nodes[0] as QdrantServer;
  giving = await faultyProxy('unused:');
  taking = await faultyProxy('unused:');
  balancer = await faultyProxy(first.url);
  stack = await startBackupStack({
    clustered: true,
    moreClusters: ({ target }) => ({
      trio: { nodes: trio.connection.nodes },
      giving: { url: giving.endpoint, grpcUrl: target.grpcUrl },
      taking: { url: taking.endpoint, grpcUrl: target.grpcUrl },
      balanced: { url: balancer.endpoint, grpcUrl: first.grpcUrl },
    }),
  });
  giving.target = stack.target.url;
  taking.target = stack.target.url;
  let turn = 0;
  balancer.plan = () => {
    balancer.target = trio.nodes[(turn += 1) % 3]?.url ?? '';
    return undefined;
  };
  await fillBulky(stack.target, { name: 'docs', points: POINTS });
  await fillBulky(stack.target, { name: 'copies', points: POINTS });
  await rest(stack.target, 'PATCH', collectionPath('copies'), '{"params":{"replication_factor":3}}');
  await fillBulky(first, { name: 'spread', points: POINTS, shards: 3 });
});
afterAll(async () => {
  await stack?.stop();
  for (const proxy of [giving, taking, balancer]) await proxy?.end();
  await trio?.stop();
});

const SNAPSHOT = ['--method', 'snapshot', '--json', '--on-failure', 'fail'];
const isStream = ({ method, url }: Seen) => method === 'GET' && /\/shards\/\d+\/snapshot$/.test(url);
const isUpload = ({ method, url }: Seen) => method === 'POST' && url.includes('/snapshots/upload');
const isRecover = ({ method, url }: Seen) => method === 'PUT' && url.includes('/snapshots/recover');

function freshProxies(): void {
  for (const proxy of [giving, taking]) {
    proxy.plan = () => undefined;
    proxy.faults = 0;
  }
}

async function expectEqual(as: string): Promise<void> {
  const found = await compareSides(stack.side('target', 'docs'), stack.side('target', as));
  expect([as, found.points, found.differences]).toEqual([as, POINTS, []]);
}

it.each([
  ['an upload', isUpload, '--capture', 'stream'],
  ['a recovery by URL', isRecover, '--via', 'pull'],
])('"200 OK" for %s that did nothing is found out by the proof', async (what, isPretended, ...way) => {
  freshProxies();
  taking.plan = firstTimes(1, isPretended, { pretend: true });
  const as = `pretended-${way[1]}`;
  const run = await ferry(
    stack,
    ...['migrate', 'target', 'taking', 'docs', '--as', as, ...way, '--on-difference', 'fail', ...SNAPSHOT],
  );
  expect([what, taking.faults, run.code]).toEqual([what, 1, 3]);
  const [line] = reportOf(run).collections;
  expect(line).toMatchObject({ outcome: 'different', points: POINTS });
  expect(line?.error).toMatch(/1,500 missing/);
});

it('a stream that ends as if it were whole is not taken for one, and is asked for again', async () => {
  freshProxies();
  giving.plan = firstTimes(2, isStream, { endAnswerAt: 1_000_000 });
  const run = await ferry(stack, ...['migrate', 'giving', 'target', 'docs', '--as', 'whole', ...SNAPSHOT]);
  expect([giving.faults, run.code]).toEqual([2, 0]);
  await expectEqual('whole');
});

it('a file that another one took the place of is refused by its hash and made again, pushed and pulled', async () => {
  for (const via of ['push', 'pull']) {
    freshProxies();
    const isFile = ({ method, url }: Seen) => method === 'GET' && url.endsWith('.snapshot');
    giving.plan = firstTimes(1, isFile, { flipBitAt: 700_000 });
    const run = await ferry(
      stack,
      ...['migrate', 'giving', 'target', 'docs', '--as', `hashed-${via}`, '--via', via],
      ...['--capture', 'stored', ...SNAPSHOT],
    );
    expect([via, giving.faults, run.code]).toEqual([via, 1, 0]);
    await expectEqual(`hashed-${via}`);
  }
});

it('no snapshot is taken through a balancer: without addresses of the nodes nothing is made', async () => {
  const run = await ferry(stack, ...['migrate', 'balanced', 'target', 'spread', ...SNAPSHOT]);
  expect(run.code).toBe(1);
  expect(reportOf(run).collections[0]?.error).toMatch(/^NodesUnknown/);
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  expect(result.collections.map(({ name }) => name)).not.toContain('spread');
});

it('a node that dies in the middle leaves no replica dead: it is waited for, and all end the same', async () => {
  const running = startFerry(
    stack,
    ...['migrate', 'target', 'trio', 'copies', '--method', 'snapshot', '--json'],
    ...['--max-megabytes-per-second', '2', '--heartbeat-seconds', '5'],
  );
  while (!(await attemptsOf(stack, 'ferry/trio/copies')).some((one) => one.what.startsWith('move'))) {
    await pause(50);
  }
  await trio.nodes[2]?.kill();
  await pause(3_000);
  await trio.nodes[2]?.start();
  const run = await running.ended;
  expect([run.code, run.stderr]).toEqual([0, run.stderr]);
  const { result } = JSON.parse(
    await rest(trio.nodes[0] as QdrantServer, 'GET', `${collectionPath('copies')}/cluster`),
  ) as { result: Record<'local_shards' | 'remote_shards', { state: string }[]> };
  const states = [...result.local_shards, ...result.remote_shards].map(({ state }) => state);
  expect(states).toEqual(states.map(() => 'Active'));
  for (const node of trio.nodes) {
    const found = await compareSides(stack.side('target', 'copies'), { url: node.url, collection: 'copies' });
    expect([found.points, found.differences]).toEqual([POINTS, []]);
  }
});
