// What `replace` deletes is in a store as it was when it was deleted: written while the job waited for an operator, or
// between the safety backup and the deletion, with or without a change of the number of points.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import type { CollectionStatus, MigrationReport } from '../../src/model/contracts/results.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { compareTaken, countPoints, takeSide } from '../support/compare-sides.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, reportOf, startFerry, type FerryRun, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { resultOf, withClient } from '../support/workflows-of.js';

const POINTS = 400;
const REPLACED_POINTS = 300;

let stack: BackupStack;
/** Before the target: the cluster `gated`. */
let gate: FaultyProxy;
let backup = '';

beforeAll(async () => {
  gate = await faultyProxy('unused:');
  stack = await startBackupStack({
    moreClusters: ({ target }) => ({ gated: { url: gate.endpoint, grpcUrl: target.grpcUrl } }),
  });
  gate.target = stack.target.url;
  await fillRandom(stack.source, { name: 'docs', points: POINTS });
  const run = await ferry(stack, 'backup', 'source', 'docs', '--no-recall', '--json');
  backup = reportOf(run).backup ?? '';
});
beforeEach(() => void (gate.plan = () => undefined));
afterAll(async () => {
  await stack?.stop();
  await gate?.end();
});

const gated = (name: string) => stack.side('target', name);

type Replacing = (name: string) => RunningFerry;

const ways: [string, Replacing][] = [
  [
    'restore',
    (name) =>
      startFerry(
        stack,
        ...['restore', 'gated', 'docs', '--cluster', 'source', '--backup', backup, '--as', name],
        ...['--on-existing', 'replace', '--on-failure', 'park', '--json'],
      ),
  ],
  [
    'migrate',
    (name) =>
      startFerry(
        stack,
        ...['migrate', 'source', 'gated', 'docs', '--method', 'snapshot', '--as', name],
        ...['--on-existing', 'replace', '--on-failure', 'park', '--json'],
      ),
  ],
];

describe.each(ways)('`ferry %s` that replaces', (way, replace) => {
  it('11: takes the safety backup again after it waited for an operator, with what was written meanwhile', async () => {
    const name = `${way}-parked`;
    await fillRandom(stack.target, { name, points: REPLACED_POINTS, seed: 7 });
    refuseDeletion(name, 403);
    const running = replace(name);
    await untilParked(name, running);
    await upsertTexts(stack.target, name, written(250));
    const before = await takeSide(gated(name));
    gate.plan = () => undefined;
    expect(await ferry(stack, 'retry', `ferry/gated/${name}`)).toMatchObject({ code: 0 });
    await expectReplaced(await running.ended, name);
    const saved = await takeSide(gated(await restored(name)));
    expect(compareTaken(before, saved).differences).toEqual([]);
    expect(saved.overRest.size).toBe(REPLACED_POINTS + 250);
  });

  it('takes the safety backup again when a payload was changed after its capture, though no point came or went', async () => {
    const name = `${way}-changed`;
    await fillRandom(stack.target, { name, points: REPLACED_POINTS, seed: 7 });
    const atFirst = await takeSide(gated(name));
    refuseDeletion(name, 503); // retried until it is allowed
    const running = replace(name);
    const first = await untilCaptured(name);
    const change = '{"payload":{"changed":true},"points":[0,3,6]}';
    await rest(stack.target, 'POST', `${collectionPath(name)}/points/payload?wait=true`, change);
    gate.plan = () => undefined;
    await expectReplaced(await running.ended, name);
    expect(await safetyBackupOf(name)).not.toBe(first);
    const { differences } = compareTaken(atFirst, await takeSide(gated(await restored(name))));
    expect(differences.map(({ id, kind }) => `${id} ${kind}`).sort()).toEqual([
      '0 changed',
      '3 changed',
      '6 changed',
    ]);
  });
});

function refuseDeletion(name: string, answer: 403 | 503): void {
  gate.plan = ({ method, url }) =>
    method === 'DELETE' && url.startsWith(collectionPath(name)) ? { answer } : undefined;
}

/** Ids that no random collection has. */
function written(count: number): string[] {
  const vector = Array.from({ length: 32 }, () => '0.5').join(',');
  return Array.from(
    { length: count },
    (_, at) => `{"id":${900_000 + at},"vector":[${vector}],"payload":{"live":true}}`,
  );
}

async function untilParked(name: string, running: RunningFerry): Promise<void> {
  let over = false;
  void running.ended.then(() => (over = true));
  await withClient(stack.temporal, async ({ workflow }) => {
    const child = workflow.getHandle(`ferry/gated/${name}`);
    const phase = async () => (await child.query<CollectionStatus>('status').catch(() => undefined))?.phase;
    while ((await phase()) !== 'awaiting-operator') {
      if (over) throw new Error(`it ended instead of waiting: ${running.said()}`);
      await pause(200);
    }
  });
}

/** Resolves to the id of the safety backup that has captured the collection. */
async function untilCaptured(name: string): Promise<string> {
  for (;;) {
    const keys = (await allOf(storeOf(stack).list('gated/'))).map((one) => one.key);
    const found = keys.find((key) => key.includes(`/${name}/`) && key.endsWith('.parts.json'));
    if (found !== undefined) return found.split('/')[1] ?? '';
    await pause(20);
  }
}

async function expectReplaced(run: FerryRun, name: string): Promise<void> {
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  expect(reportOf(run).outcome).toBe('verified');
  expect(await countPoints(gated(name))).toBe(POINTS);
}

async function safetyBackupOf(name: string): Promise<string> {
  const report = await resultOf<RecoveryReport & MigrationReport>(stack.temporal, `ferry/gated/${name}`);
  return report.safetyBackup ?? report.moved?.safetyBackup ?? '';
}

/** What the job's safety backup holds, under another name. */
async function restored(name: string): Promise<string> {
  const which = ['--cluster', 'gated', '--backup', await safetyBackupOf(name)];
  const run = await ferry(stack, 'restore', 'target', name, ...which, '--as', `${name}-saved`, '--json');
  expect(run, run.stdout + run.stderr).toMatchObject({ code: 0 });
  return `${name}-saved`;
}
