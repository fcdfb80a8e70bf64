// Jobs without a Temporal server: the command brings one along, and whatever is killed, the same command goes on.

import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashOfAsked, isAlive, startStandalone } from '../../src/local/index.js';
import { readStandaloneRecord, type StandaloneRecord } from '../../src/local/standalone.js';
import { parseInput, verifyCollectionsSchema } from '../../src/model/contracts/inputs.js';
import { CONTROL_QUEUE, standaloneJobId } from '../../src/model/names.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { compareSides } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf, startFerry, type RunningFerry } from '../support/ferry-command.js';
import { pause, untilPoints } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { rest } from '../support/rest-text.js';
import {
  NOWHERE,
  processesOf,
  startTwoClusters,
  untilNoneLives,
  type TwoClusters,
} from '../support/two-clusters.js';
import { withClient } from '../support/workflows-of.js';
import { fillWorst } from '../support/worst-collection.js';

const POINTS = 4_000;
const SLOWLY = ['--max-points-per-second', '1000', '--heartbeat-seconds', '5', '--budget-ms', '8000'];

let place: TwoClusters;
const root = () => join(place.folder, 'standalone');

beforeAll(async () => {
  // What the user's Temporal, which is gone, has left in the environment.
  Object.assign(process.env, { TEMPORAL_ADDRESS: NOWHERE, TEMPORAL_API_KEY: 'of-the-lost-one' });
  place = await startTwoClusters();
});
afterAll(async () => place?.stop());

it('backs up and restores with no Temporal anywhere, and leaves no process and no database behind', async () => {
  await fillWorst(place.source, 'worst', { shards: 2, large: false });
  const stored = await ferry(place, 'backup', 'source', 'worst', '--standalone', '--json');
  expect([stored.code, reportOf(stored).outcome]).toEqual([0, 'verified']);
  const restored = await ferry(place, 'restore', 'target', '--standalone', '--json');
  expect([restored.code, reportOf(restored).outcome]).toEqual([0, 'verified']);
  const found = await compareSides(place.side('source', 'worst'), place.side('target', 'worst'));
  expect([found.differences, found.configuration]).toEqual([[], []]);
  await expectNothingLeft();
});

it.each([
  ['was killed', 'killed', async () => undefined],
  ['was killed together with those who end its servers', 'orphaned', killWatchers],
])('goes on with the same workflow after the command %s', async (_, name, prepare) => {
  await fillRandom(place.source, { name, points: POINTS });
  const first = migrate(name);
  await untilPoints(place, name, 500, first.ended);
  const before = await runOf('scrollMigration');
  const { processes } = await recorded();
  expect(Object.keys(processes).sort()).toEqual(['control', 'data', 'temporal']);
  await prepare();
  first.kill();
  expect((await first.ended).stdout).toBe('');

  const second = migrate(name);
  await said(second, 'Continuing the interrupted job');
  expect(await runOf('scrollMigration')).toEqual(before);
  expect(await Promise.all(Object.values(processes).map(isAlive))).toEqual([false, false, false]);
  await expectEqual(name, await second.ended);
});

it('starts again what is killed while it runs, and lets no second command in', async () => {
  await fillRandom(place.source, { name: 'struck', points: POINTS });
  const running = migrate('struck');
  await untilPoints(place, 'struck', 500, running.ended);
  const refused = await ferry(place, 'verify', 'source', 'target', 'struck', '--standalone', '--json');
  expect([refused.code, errorOf(refused).code]).toEqual([1, 'StandaloneBusy']);
  expect(errorOf(refused).message).toContain(`process ${running.pid}`);
  for (const [name, line] of [
    ['data', 'The data worker ended'],
    ['temporal', 'The temporal ended'],
  ] as const) {
    process.kill((await recorded()).processes[name]?.pid as number, 'SIGKILL');
    await said(running, line);
  }
  await expectEqual('struck', await running.ended);
});

it('keeps the job after Ctrl-C, and tells another command of it', async () => {
  await fillRandom(place.source, { name: 'stopped', points: POINTS });
  const first = migrate('stopped');
  await untilPoints(place, 'stopped', 500, first.ended);
  first.interrupt();
  const stopped = await first.ended;
  expect([stopped.code, JSON.parse(stopped.stdout)]).toEqual([
    130,
    expect.objectContaining({ kept: expect.any(String) }),
  ]);
  expect(stopped.stderr).toContain('run the same command to continue');
  await untilNoneLives(place.folder);

  const other = await ferry(place, 'verify', 'source', 'target', 'killed', '--standalone');
  expect([other.code, other.stderr]).toEqual([0, expect.stringContaining('Unfinished since')]);
  const second = migrate('stopped');
  await said(second, 'Continuing the interrupted job');
  await expectEqual('stopped', await second.ended);
});

it('tells how a job ended whose command was killed before it could, and then starts a new one', async () => {
  const words = ['verify', 'source', 'target', 'killed', 'struck', '--standalone', '--json'];
  const input = { source: 'source', target: 'target', collections: ['killed', 'struck'] };
  const seconds = await untold(input);
  const told = await ferry(place, ...words);
  expect([told.code, reportOf(told).seconds]).toEqual([0, seconds]);
  expect(told.stderr).toContain('this is its result');
  const anew = await ferry(place, ...words);
  expect([anew.code, anew.stderr.includes('this is its result')]).toEqual([0, false]);
  await expectNothingLeft();
});

it('keeps the logs of a job that failed, and nothing else of it', async () => {
  await rest(place.target, 'PUT', '/collections/taken', '{"vectors":{"size":2,"distance":"Dot"}}');
  const run = await ferry(place, 'restore', 'target', 'worst', '--as', 'taken', '--standalone', '--json');
  expect([run.code, reportOf(run).outcome]).toEqual([1, 'failed']);
  const [folder] = readdirSync(root());
  expect(readdirSync(root())).toHaveLength(1);
  expect(readdirSync(join(root(), folder as string))).toEqual(['logs']);
  expect(run.stderr).toContain(join(root(), folder as string, 'logs'));
});

it('says why its server cannot be started, and holds no job as begun', async () => {
  process.env['FERRY_TEMPORAL_BIN'] = '/bin/false';
  const run = await ferry(place, 'verify', 'source', 'target', 'worst', '--standalone', '--json').finally(
    () => delete process.env['FERRY_TEMPORAL_BIN'],
  );
  expect([run.code, errorOf(run).code]).toEqual([1, 'StackFailed']);
  const [folder] = readdirSync(root()).filter((name) => name.startsWith('verify'));
  expect(readdirSync(join(root(), folder as string))).toEqual(['logs']);
  await untilNoneLives(place.folder);
});

it('refuses --detach, for nothing would continue', async () => {
  const run = await ferry(place, 'migrate', 'source', 'target', '--standalone', '--detach', '--json');
  expect([run.code, errorOf(run).code]).toEqual([2, 'InvalidInput']);
});

function migrate(name: string): RunningFerry {
  return startFerry(place, 'migrate', 'source', 'target', name, '--standalone', '--json', ...SLOWLY);
}

async function expectEqual(name: string, run: { code: number | null }): Promise<void> {
  expect(run).toMatchObject({ code: 0 });
  const found = await compareSides(place.side('source', name), place.side('target', name));
  expect(found).toMatchObject({ points: POINTS, differences: [], configuration: [] });
  await expectNothingLeft();
}

async function expectNothingLeft(): Promise<void> {
  await untilNoneLives(place.folder);
  expect(existsSync(root()) ? readdirSync(root()) : []).toEqual([]);
}

/** A verification that ended in the folder of the command, without anybody there to tell it. */
async function untold(input: Record<string, unknown>): Promise<number> {
  const parsed = parseInput(verifyCollectionsSchema, input);
  const hash = hashOfAsked({ operation: 'verify', input: parsed, config: place.config });
  const { folder: stateDir, config } = place;
  const shared = { stateDir, config, command: 'ferry verify …', say: () => undefined };
  const alone = await startStandalone({ key: `verify-${hash}`, ...shared });
  try {
    const report = await withClient(alone, (client) =>
      client.workflow.execute('verifyCollections', {
        taskQueue: CONTROL_QUEUE,
        workflowId: standaloneJobId('verify', 'source', 'target', hash),
        args: [input],
      }),
    );
    return (report as JobReport).seconds;
  } finally {
    await alone.end(false);
  }
}

/** Without them a killed command leaves its servers alive, as an ill-timed kill can. */
async function killWatchers(): Promise<void> {
  for (const pid of await processesOf(place.folder)) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (words.includes('ferry-watcher')) process.kill(pid, 'SIGKILL');
  }
}

async function recorded(): Promise<StandaloneRecord> {
  const record = readStandaloneRecord(root());
  if (!record) throw new Error('no command with --standalone runs');
  return record;
}

async function runOf(type: string): Promise<{ workflowId: string; runId: string } | undefined> {
  return withClient(await recorded(), async (client) => {
    for await (const { workflowId, runId } of client.workflow.list({ query: `WorkflowType = '${type}'` }))
      return { workflowId, runId };
    return undefined;
  });
}

async function said(running: RunningFerry, text: string): Promise<void> {
  let over = false;
  void running.ended.then(() => (over = true));
  while (!running.said().includes(text)) {
    if (over) throw new Error(`It ended before it said "${text}":\n${running.said()}`);
    await pause(50);
  }
}
