// A target that has become somebody else's since the job was planned, or while it was paused: its owner started to fill
// it, or a job of another Temporal, which no workflow id holds back, has taken it over. Real servers, the real command.

import { join } from 'node:path';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { startTemporal, startWorkerProcess, type LocalProcess } from '../../src/local/index.js';
import { countPoints } from '../support/compare-sides.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { faultyProxy, firstTimes, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry } from '../support/ferry-command.js';
import { pause, positionOf, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';

let stack: TestStack;
/** Before `target`. */
let ingress: FaultyProxy;

beforeAll(async () => {
  ingress = await faultyProxy('unused:');
  stack = await startTestStack({
    moreClusters: ({ target }) => ({ ingress: { url: ingress.endpoint, grpcUrl: target.grpcUrl } }),
  });
  ingress.target = stack.target.url;
});
afterAll(async () => {
  await stack?.stop();
  await ingress?.end();
});

const DIMENSION = 8;
const fill = (name: string, points: number) =>
  fillRandom(stack.source, { name, points, dimension: DIMENSION });
const held = (name: string) => countPoints(stack.side('target', name));
/** A request for the collection itself, and nothing below it. */
const isFor = (name: string, { url }: { url: string }) => url.split('?')[0] === collectionPath(name);
const VECTOR = JSON.stringify(Array(DIMENSION).fill(0.5));
const ownerWrites = (name: string, count: number) =>
  upsertTexts(
    stack.target,
    name,
    Array.from(
      { length: count },
      (_, i) => `{"id":${900_000 + i},"vector":${VECTOR},"payload":{"owner":true}}`,
    ),
  );

async function countOwned(name: string): Promise<number> {
  const body = '{"exact":true,"filter":{"must":[{"key":"owner","match":{"value":true}}]}}';
  const text = await rest(stack.target, 'POST', `${collectionPath(name)}/points/count`, body);
  return (JSON.parse(text) as { result: { count: number } }).result.count;
}

it('refuses a target that was empty when planned and is not when the stamp is to be set', async () => {
  const name = 'empty-then';
  await fill(name, 300);
  await recreateCollection(stack.target, name, '{"vectors":{"size":8,"distance":"Dot"}}');
  ingress.plan = firstTimes(2, (seen) => seen.method === 'PATCH' && isFor(name, seen), { answer: 500 });
  ingress.faults = 0;
  const running = startFerry(stack, 'migrate', 'source', 'ingress', name, '--on-failure', 'fail');
  while (ingress.faults === 0) await pause(20);
  await ownerWrites(name, 40);
  const run = await running.ended;
  expect(run).toMatchObject({ code: 1 });
  expect(run.stdout).toContain('TargetNotEmpty');
  expect([await countOwned(name), await held(name)]).toEqual([40, 40]);
});

describe('a second Temporal', () => {
  let second: Pick<TestStack, 'config' | 'folder'>;
  const started: LocalProcess[] = [];

  beforeAll(async () => {
    const folder = join(stack.folder, 'second');
    const temporal = await startTemporal({ dbFile: join(folder, 'temporal/temporal.db'), ui: false });
    started.push(temporal);
    const document = parse(await readFile(stack.config, 'utf8')) as Record<string, unknown>;
    const config = join(folder, 'ferry.yaml');
    const text = stringify({ ...document, temporal: { address: temporal.address } });
    await writeFile(config, text, { mode: 0o600 });
    const worker = { config, folder, extraEnv: { FERRY_STATE_DIR: folder } };
    started.push(await startWorkerProcess({ role: 'control', ...worker }));
    started.push(await startWorkerProcess({ role: 'data', ...worker }));
    second = { config, folder };
  });
  afterAll(async () => {
    for (const one of started.reverse()) await one.stop();
  });

  it('takes a target over, and the paused job writes nothing any more', async () => {
    const name = 'taken-over';
    await fill(name, 3_000);
    const paced = ['--max-points-per-second', '500', '--json'];
    const first = startFerry(stack, 'migrate', 'source', 'target', name, '--id', name, ...paced);
    await untilPoints(stack, name, 300, first.ended);
    expect(await ferry(stack, 'pause', name)).toMatchObject({ code: 0 });
    while ((await positionOf(stack, name)).phase !== 'paused') await pause(100);
    expect(await ferry(second, 'migrate', 'source', 'target', name)).toMatchObject({ code: 0 });
    await ownerWrites(name, 200);
    expect(await ferry(stack, 'resume', name)).toMatchObject({ code: 0 });
    const run = await first.ended;
    expect(run).toMatchObject({ code: 1 });
    expect(reportOf(run).collections[0]?.error).toMatch(/^CollectionChanged.*has taken it over/s);
    expect([await countOwned(name), await held(name)]).toEqual([200, 3_200]);
  });
});
