// What a migration must not do: say `verified` of what it has not read, delete or revert what is not provably its own,
// write because a name leads somewhere else by now. Real servers, the real command, a comparison of its own.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { MigrationReport } from '../../src/model/contracts/results.js';
import { compareSides, countPoints } from '../support/compare-sides.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry, type FerryRun } from '../support/ferry-command.js';
import { pause, positionOf, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import {
  collectionPath,
  recreateCollection,
  rest,
  upsertTexts,
  type RestSide,
} from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { resultOf } from '../support/workflows-of.js';

let stack: TestStack;
let folder: string;
let other: QdrantServer;
/** Before `source`, until a test turns it to another cluster. */
let wandering: FaultyProxy;
/** Before `target`: an ingress that refuses to say which process answers. */
let ingress: FaultyProxy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-trust-'));
  other = await startQdrant({ version: '1.16.3', storageDir: join(folder, 'other') });
  wandering = await faultyProxy('unused:');
  ingress = await faultyProxy('unused:');
  stack = await startTestStack({
    moreClusters: ({ source, target }) => ({
      wandering: { url: wandering.endpoint, grpcUrl: source.grpcUrl },
      ingress: { url: ingress.endpoint, grpcUrl: target.grpcUrl },
    }),
  });
  wandering.target = stack.source.url;
  ingress.target = stack.target.url;
  ingress.plan = ({ url }) => (url.startsWith('/telemetry') ? { answer: 403 } : undefined);
});
afterAll(async () => {
  await stack?.stop();
  await Promise.all([wandering?.end(), ingress?.end()]);
  await other?.stop();
  await rm(folder, { recursive: true, force: true });
});

const compare = (name: string) => compareSides(stack.side('source', name), stack.side('target', name));
const migrate = (source: string, target: string, ...more: string[]): Promise<FerryRun> =>
  ferry(stack, 'migrate', source, target, ...more, '--on-failure', 'fail');
const fill = (side: RestSide, name: string, points: number) =>
  fillRandom(side as QdrantServer, { name, points, dimension: 8 });
const VECTOR = `[${'0.5,'.repeat(7)}1.0]`;
/** Ids that no random collection has. */
const written = (count: number, from = 900_000) =>
  Array.from({ length: count }, (_, i) => `{"id":${from + i},"vector":${VECTOR},"payload":{"app":true}}`);
const held = (side: RestSide, name: string) => countPoints({ url: side.url, collection: name });

describe('the same migration again', () => {
  it('deletes and reverts nothing where the application works with the target', async () => {
    const name = 'cut-over';
    await fill(stack.source, name, 1_000);
    expect(await migrate('source', 'target', name)).toMatchObject({ code: 0 });
    await upsertTexts(stack.target, name, written(500));
    await rest(
      stack.target,
      'POST',
      `${collectionPath(name)}/points/payload?wait=true`,
      '{"payload":{"app":1},"points":[900000]}',
    );
    const run = await migrate('source', 'target', name);
    expect(run).toMatchObject({ code: 3 });
    expect(run.stdout).toMatch(/TargetChanged.*it held 1,000 points then and holds 1,500 now/s);
    expect(await held(stack.target, name)).toBe(1_500);
  });

  it('names what was changed there where the number of points is the same', async () => {
    const name = 'changed-there';
    await fill(stack.source, name, 300);
    expect(await migrate('source', 'target', name)).toMatchObject({ code: 0 });
    const [id] = await someIds(stack.target, name, 2);
    await upsertTexts(stack.target, name, [`{"id":${id},"vector":${VECTOR},"payload":{"app":true}}`]);
    const run = await migrate('source', 'target', name, '--json');
    expect(run).toMatchObject({ code: 3 });
    const [line] = reportOf(run).collections;
    expect(line).toMatchObject({ outcome: 'different', ids: [String(id)] });
    expect(line?.reason).toBe(
      'target has changed since it was verified, so nothing was written. If the source leads: `deleteExtras: true` (`--delete-extras`)',
    );
    expect((await compare(name)).differences).toHaveLength(1);
  });

  it('brings over what the source did since, where nobody touched the target', async () => {
    const name = 'moved-on-source';
    await fill(stack.source, name, 300);
    expect(await migrate('source', 'target', name)).toMatchObject({ code: 0 });
    const [changed, gone] = await someIds(stack.source, name, 2);
    await upsertTexts(stack.source, name, [`{"id":${changed},"vector":${VECTOR}}`, ...written(5)]);
    const run = await migrate('source', 'target', name, '--json');
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run).collections[0]?.repaired).toEqual({ upserted: 6, deleted: 0 });
    expect(await compare(name)).toMatchObject({ differences: [], configuration: [] });
    const points = `${collectionPath(name)}/points/delete?wait=true`;
    await rest(stack.source, 'POST', points, `{"points":[${gone}]}`);
    const again = await migrate('source', 'target', name);
    expect(again).toMatchObject({ code: 3 });
    expect(again.stdout + again.stderr).toContain(
      'the source has deleted 1 point since it was verified; nothing was written',
    );
    expect((await compare(name)).differences).toHaveLength(1);
  });

  it('deletes what the source does not have only where the operator says so, and says how much', async () => {
    const name = 'told-to';
    await fill(stack.source, name, 300);
    expect(await migrate('source', 'target', name)).toMatchObject({ code: 0 });
    await upsertTexts(stack.target, name, written(7));
    const run = await migrate('source', 'target', name, '--delete-extras');
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toContain('on the target: 7 deleted');
    expect(await compare(name)).toMatchObject({ points: 300, differences: [] });
  });
});

it('writes nothing when the alias of the source leads to another cluster by now', async () => {
  const name = 'same-name';
  await fill(stack.source, name, 300);
  expect(await migrate('wandering', 'target', name)).toMatchObject({ code: 0 });
  await fill(other, name, 250);
  wandering.target = other.url;
  try {
    const run = await migrate('wandering', 'target', name);
    expect(run).toMatchObject({ code: 1 });
    expect(run.stdout).toContain('ClusterChanged');
  } finally {
    wandering.target = stack.source.url;
  }
  expect(await compare(name)).toMatchObject({ points: 300, differences: [], configuration: [] });
});

it('leaves alone what the owner made of the target while the job was paused', async () => {
  const name = 'made-again';
  await fill(stack.source, name, 4_000);
  const running = startFerry(
    stack,
    ...['migrate', 'source', 'target', name, '--id', name, '--on-failure', 'fail'],
    ...['--max-points-per-second', '500'],
  );
  await untilPoints(stack, name, 100, running.ended);
  expect(await ferry(stack, 'pause', name)).toMatchObject({ code: 0 });
  while ((await positionOf(stack, name)).phase !== 'paused') await pause(100);
  await recreateCollection(
    stack.target,
    name,
    '{"vectors":{"size":8,"distance":"Cosine"},"optimizers_config":{"indexing_threshold":777}}',
  );
  await upsertTexts(stack.target, name, written(10));
  expect(await ferry(stack, 'resume', name)).toMatchObject({ code: 0 });
  const run = await running.ended;
  expect(run).toMatchObject({ code: 1 });
  expect(run.stdout).toContain('CollectionChanged');
  const { stdout: status } = await ferry(stack, 'status', name);
  expect(status).toContain(`${name} on target was left as it is now`);
  expect(await held(stack.target, name)).toBe(10);
  expect(await configOf(stack.target, name)).toContain('"indexing_threshold":777');
});

it.each([
  ['recreate', ['--on-existing', 'recreate']],
  ['replace', ['--method', 'snapshot', '--on-existing', 'replace', '--no-safety-backup']],
])(
  'refuses to %s a collection by itself through an ingress that hides which node it is',
  async (kind, how) => {
    const name = `one-node-${kind}`;
    await fill(stack.target, name, 200);
    const run = await migrate('target', 'ingress', name, ...how);
    expect(run).toMatchObject({ code: 2 });
    expect(run.stdout + run.stderr).toMatch(/one cluster/);
    expect(await held(stack.target, name)).toBe(200);
  },
);

it('has on the target what was changed on the source after it was copied', async () => {
  const name = 'updated';
  await fill(stack.source, name, 4_000);
  const running = startFerry(
    stack,
    ...['migrate', 'source', 'target', name, '--slices', '1', '--json'],
    ...['--max-points-per-second', '1000'],
  );
  await untilPoints(stack, name, 2_000, running.ended);
  const ids = await someIds(stack.source, name, 500);
  const body = `{"payload":{"late":true},"points":[${ids.join(',')}]}`;
  await rest(stack.source, 'POST', `${collectionPath(name)}/points/payload?wait=true`, body);
  expect(await running.ended).toMatchObject({ code: 0 });
  expect(await compare(name)).toMatchObject({ points: 4_000, differences: [] });
});

it('is unproven where the source is not to be read again', async () => {
  const name = 'trusted';
  await fill(stack.source, name, 200);
  const run = await migrate('source', 'target', name, '--trust-copy-digest', '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(reportOf(run)).toMatchObject({ outcome: 'unproven', verified: 0 });
  expect(reportOf(run).collections[0]?.reason).toContain('equal to the source as it was read');
});

it('does not take a half-filled collection for whole, and copies its settings as they are meant to be', async () => {
  const name = 'half';
  await recreateCollection(
    stack.source,
    name,
    '{"vectors":{"size":8,"distance":"Cosine"},"optimizers_config":{"indexing_threshold":555},"strict_mode_config":{"enabled":true,"max_query_limit":1000}}',
  );
  await upsertTexts(stack.source, name, written(3_000));
  const running = startFerry(
    stack,
    ...['migrate', 'source', 'target', name, '--id', name, '--max-points-per-second', '300'],
  );
  await untilPoints(stack, name, 100, running.ended);
  expect(await ferry(stack, 'pause', name)).toMatchObject({ code: 0 });
  const refused = await migrate('target', 'source', name, '--as', 'half-back');
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.stdout).toMatch(
    new RegExp(`SourceUnfinished.*the migration ${name} has not finished filling it`, 's'),
  );
  const taken = await migrate('target', 'source', name, '--as', 'half-back', '--allow-unfinished');
  expect(taken).toMatchObject({ code: 0 });
  expect(taken.stdout).toContain('warning: "half" on "target" is unfinished');
  const config = await configOf(stack.source, 'half-back');
  expect(config).toContain('"indexing_threshold":555');
  expect(config).toContain('"max_query_limit":1000');
  expect(await ferry(stack, 'throttle', name, '--off')).toMatchObject({
    code: 0,
  });
  expect(await ferry(stack, 'resume', name)).toMatchObject({ code: 0 });
  expect(await running.ended).toMatchObject({ code: 0 });
});

it('refuses names in a chain inside one cluster, naming the chain', async () => {
  await fill(stack.target, 'ca', 100);
  await upsertTexts(stack.target, 'ca', written(1, 1_000_001));
  await fill(stack.target, 'cb', 200);
  const chain = ['ca', 'cb', '--as', 'ca=cb', '--as', 'cb=cc', '--on-existing', 'recreate'];
  for (const to of ['target', 'ingress']) {
    const run = await migrate('target', to, ...chain);
    expect(run).toMatchObject({ code: 2 });
    expect(run.stdout + run.stderr).toContain('ca -> cb -> cc');
  }
  expect(await held(stack.target, 'cb')).toBe(200);
});

it('tells its warnings on stdout, in the result, and in the status', async () => {
  const name = 'many-replicas';
  await recreateCollection(
    stack.source,
    name,
    '{"vectors":{"size":8,"distance":"Dot"},"replication_factor":2}',
  );
  await upsertTexts(stack.source, name, written(20));
  const run = await migrate('source', 'target', name, '--id', name);
  expect(run).toMatchObject({ code: 0 });
  const warning = 'warning: replication_factor is 2, but "target" has 1 node(s).';
  expect(run.stdout).toContain(warning);
  expect((await ferry(stack, 'status', name)).stdout).toContain(warning);
  const child = await resultOf<MigrationReport>(stack.temporal, `ferry/target/${name}`);
  expect(child.warnings).toEqual([warning.replace('warning: ', '')]);
});

async function someIds(side: RestSide, name: string, limit: number): Promise<string[]> {
  const text = await rest(side, 'POST', `${collectionPath(name)}/points/scroll`, `{"limit":${limit}}`);
  return [...text.matchAll(/"id":("[0-9a-f-]{36}"|\d+)/g)].map((match) => match[1]!);
}

const configOf = (side: RestSide, name: string): Promise<string> => rest(side, 'GET', collectionPath(name));
