// Policies on a real Temporal: the example file is applied, changed, applied again and removed; its schedules are started,
// held, paused and backfilled, and what they start are the real workflows.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ListedSchedule } from '../../src/cli/policies/listed-schedules.js';
import type { RunningJob } from '../../src/cli/watch/job-details.js';
import type { JobReport } from '../../src/model/contracts/results.js';
import { policyInMemo } from '../../src/model/policies/memo.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { errorOf, ferry, type FerryRun } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { withClient } from '../support/workflows-of.js';

const EXAMPLE = join(import.meta.dirname, '../../examples/ferry.policies.yaml');

interface Document {
  installation?: string;
  clusters: Record<string, unknown>;
  stores: Record<string, unknown>;
  policies: Record<string, Record<string, unknown>>;
}

interface Applied {
  applied: boolean;
  changes: { scheduleId: string; do: string; fields?: { field: string; from?: unknown; to?: unknown }[] }[];
  notes: string[];
}

let stack: BackupStack;
let ordinary: Document;
beforeAll(async () => {
  stack = await startBackupStack();
  ordinary = parse(readFileSync(stack.config, 'utf8')) as Document;
});
afterAll(async () => stack?.stop());

/** The example with the servers of this test behind its aliases. */
function example(): Document {
  const { policies, installation, clusters } = parse(readFileSync(EXAMPLE, 'utf8')) as Document;
  const { source, target } = ordinary.clusters;
  const behind = Object.keys(clusters).map((alias) => [alias, alias === 'scratch' ? target : source]);
  const stores = { ...ordinary.stores, local: ordinary.stores['disk'] };
  return {
    ...ordinary,
    ...(installation === undefined ? {} : { installation }),
    clusters: { ...ordinary.clusters, ...(Object.fromEntries(behind) as object) },
    stores,
    policies,
  };
}

function write(document: Document): void {
  writeFileSync(stack.config, stringify(document));
}

const A_HASH = expect.stringMatching(/^[0-9a-f]{12}$/) as unknown;
const policies = (...args: string[]) => ferry(stack, 'policies', ...args);
const json = <T>({ stdout, stderr, code }: FerryRun): T => {
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as T;
};
const apply = async (...args: string[]) => json<Applied>(await policies('apply', '--json', ...args));
const doneTo = ({ changes }: Applied) =>
  Object.fromEntries(changes.filter((one) => one.do !== 'nothing').map((one) => [one.scheduleId, one.do]));
const list = async (...args: string[]) => json<ListedSchedule[]>(await policies('list', '--json', ...args));
const inTemporal = <T>(work: (client: Client) => Promise<T>) => withClient(stack.temporal, work);

/** The list of the server lags behind. */
async function until<T>(look: () => Promise<T>, isSo: (found: T) => boolean): Promise<T> {
  for (;;) {
    const found = await look();
    if (isSo(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

describe('the policies of the example', () => {
  it('become schedules, and a second apply changes nothing', async () => {
    write(example());
    const planned = json<Applied>(await policies('diff', '--json'));
    expect(planned.applied).toBe(false);
    expect(await list()).toEqual([]);
    const done = await apply();
    expect(doneTo(done)).toEqual(doneTo(planned));
    expect(Object.keys(doneTo(done))).toHaveLength(15);
    expect(new Set(Object.values(doneTo(done)))).toEqual(new Set(['create']));
    expect(doneTo(await apply())).toEqual({});
    expect((await policies('diff')).stdout).toBe('15 schedules unchanged\n');
    const found = await until(list, (all) => all.length === 15);
    expect(found.find((one) => one.scheduleId === 'ferry/reports/reports/full')).toMatchObject({
      ...{ policy: 'reports', cluster: 'reports', job: 'full', times: 'daily 02:00', timezone: 'UTC' },
      ...{ workflow: 'fullBackup', paused: false, skipped: 0, missed: 0, runs: 0, running: [] },
      next: expect.stringMatching(/T02:00:00/) as string,
    });
  });

  it('start the workflows of ferry with the input that a person would write', async () => {
    const found = await inTemporal((client) =>
      client.schedule.getHandle('ferry/production/prod/prune').describe(),
    );
    expect(found.action).toMatchObject({
      workflowType: 'pruneBackups',
      workflowId: 'ferry/production/prod/prune',
      args: [
        {
          cluster: 'prod',
          store: 'offsite',
          exclude: ['tmp-*'],
          keepDays: 30,
          keepMonthly: 12,
          timezone: 'Europe/Berlin',
        },
      ],
      memo: { ferry: { policy: 'production', installation: 'main', policyHash: A_HASH } },
    });
    const { policyHash } = policyInMemo(found.action.memo) ?? {};
    expect(found.state.note).toContain(`from the policy "production" (${policyHash}) of ferry.yaml`);
    expect(new Set((await list('production')).map((one) => one.policyHash))).toEqual(new Set([policyHash]));
    expect(found.spec).toMatchObject({ timezone: 'Europe/Berlin', jitter: 300_000 });
    expect(found.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: 3_600_000 });
  });

  it('are changed where the file changed, with every field named, and stay paused where a person paused them', async () => {
    expect(json(await policies('pause', 'test', 'full', '--reason', 'a move', '--json'))).toBeTruthy();
    const document = example();
    document.policies['development'] = { ...document.policies['development'], keepDays: 5 };
    document.policies['test'] = { ...document.policies['test'], full: '30 3 * * *', prune: false };
    delete document.policies['reports'];
    write(document);
    const done = await apply();
    expect(doneTo(done)).toEqual({
      'ferry/development/dev/full': 'change',
      'ferry/development/dev/check': 'change',
      'ferry/development/dev/prune': 'change',
      'ferry/test/test/full': 'change',
      'ferry/test/test/check': 'change',
      'ferry/test/test/prune': 'remove',
      'ferry/reports/reports/full': 'remove',
      'ferry/reports/reports/check': 'remove',
      'ferry/reports/reports/prune': 'remove',
    });
    const fieldsOf = (id: string) => done.changes.find(({ scheduleId }) => scheduleId === id)?.fields;
    const hash = { field: 'policyHash', from: A_HASH, to: A_HASH };
    expect(fieldsOf('ferry/development/dev/prune')).toEqual([
      hash,
      { field: 'input.keepDays', from: 3, to: 5 },
    ]);
    expect(fieldsOf('ferry/development/dev/full')).toEqual([hash]);
    expect(fieldsOf('ferry/test/test/full')).toEqual([
      { field: 'times', from: 'daily 02:00', to: '30 3 * * *' },
      hash,
    ]);
    // The interval of the cron expression is a day too.
    expect(fieldsOf('ferry/test/test/check')).toEqual([hash]);
    expect(doneTo(await apply())).toEqual({});
    const found = await until(list, (all) => all.length === 11);
    expect(found.find((one) => one.scheduleId === 'ferry/test/test/full')).toMatchObject({
      ...{ paused: true, note: 'a move', times: '30 3 * * *' },
    });
    expect(json(await policies('resume', 'test', '--json'))).toBeTruthy();
    expect((await list('test')).map(({ paused }) => paused)).toEqual([false, false]);
  });

  it('are put right again after somebody changed a schedule by hand', async () => {
    await inTemporal((client) =>
      client.schedule.getHandle('ferry/development/dev/full').update((found) => ({
        ...found,
        spec: { calendars: [{ hour: 14, comment: 'daily 02:00' }] },
        action: { ...found.action, args: [{ cluster: 'dev', capture: 'stored' }] },
      })),
    );
    const [change] = (await apply()).changes.filter((one) => one.do !== 'nothing');
    expect(change).toMatchObject({ scheduleId: 'ferry/development/dev/full', do: 'change' });
    expect(change?.fields?.map(({ field }) => field).sort()).toEqual([
      'input.capture',
      'input.onBusy',
      'input.onFailure',
      'input.onMissing',
      'times',
    ]);
    expect(doneTo(await apply())).toEqual({});
  });

  it('are paused instead of removed with --keep-removed, and resumed when they are back', async () => {
    const document = example();
    const { production, ...others } = document.policies;
    write({ ...document, policies: others });
    const gone = doneTo(await apply('--keep-removed'));
    const ofProduction = Object.entries(gone).filter(([id]) => id.startsWith('ferry/production/'));
    expect(ofProduction.map(([, what]) => what)).toEqual(Array(6).fill('pause'));
    expect(doneTo(await apply('--keep-removed'))).toEqual({});
    write({ ...document, policies: { ...others, ...(production && { production }) } });
    await apply();
    expect((await list('production')).map(({ paused }) => paused)).toEqual(Array(6).fill(false));
  });

  it('never touch a schedule of somebody else, which is refused by its name', async () => {
    const action = { type: 'startWorkflow', workflowType: 'theirs', taskQueue: 'theirs' } as const;
    await inTemporal(async (client) => {
      await client.schedule.create({ scheduleId: 'theirs', spec: {}, action });
      await client.schedule.create({ scheduleId: 'ferry/mine/dev/full', spec: {}, action });
    });
    const document = example();
    document.policies['mine'] = { clusters: ['dev'], full: 'hourly' };
    write(document);
    const refused = await policies('apply', '--json');
    expect(errorOf(refused)).toMatchObject({ code: 'ScheduleNotOurs' });
    expect(refused.stderr).toContain('ferry/mine/dev/full was not made by ferry');
    write({ ...example(), installation: 'second', policies: {} });
    expect((await apply()).changes).toEqual([]);
    expect(errorOf(await policies('run', 'production', '--json')).code).toBe('InvalidInput');
    write({ ...example(), policies: {} });
    expect(new Set(Object.values(doneTo(await apply())))).toEqual(new Set(['remove']));
    await until(list, (all) => all.length === 0);
    const left = await inTemporal(async (client) => {
      const ids: string[] = [];
      for await (const { scheduleId } of client.schedule.list()) ids.push(scheduleId);
      return ids.sort();
    });
    expect(left).toEqual(['ferry/mine/dev/full', 'theirs']);
  });

  it('name what Temporal does not take, and ask before they change anything', async () => {
    const document = { ...example(), policies: { odd: { clusters: ['dev'], full: '99 2 * * *' } } };
    write(document);
    const refused = await policies('apply', '--json');
    expect(refused.code).toBe(2);
    expect(errorOf(refused)).toMatchObject({ code: 'InvalidConfig' });
    expect(refused.stderr).toContain('ferry/odd/dev/full');
    const unasked = await policies('apply');
    expect(unasked.code).toBe(2);
    expect(unasked.stderr).toContain('create ferry/odd/dev/full');
  });
});

describe('what the schedules start', () => {
  const FIVE = ['a', 'b', 'c', 'd', 'gone'];

  async function ended(policy: string, job: string, runs: number): Promise<ListedSchedule> {
    const [found] = await until(
      async () => (await list(policy)).filter((one) => one.job === job),
      ([one]) =>
        one !== undefined && one.runs >= runs && one.last?.status !== 'RUNNING' && !one.running.length,
    );
    return found as ListedSchedule;
  }

  beforeAll(async () => {
    for (const name of ['a', 'b', 'c', 'd', 'tmp-x']) await fillRandom(stack.source, { name, points: 60 });
    write({
      ...ordinary,
      policies: {
        five: { clusters: ['source'], full: 'daily 02:00', collections: FIVE },
        every: {
          clusters: ['source'],
          // Never by itself while this test runs.
          incremental: 'every 100d',
          exclude: ['tmp-*'],
          rehearse: { cluster: 'target', every: 'weekly sun 03:00', sample: 2 },
          prove: 'daily 04:00',
          prune: 'daily 05:00',
          keepLast: 3,
        },
      },
    });
    await apply();
    await until(list, (all) => all.length === 5);
  });

  it('goes on without one of five collections, and the four count', async () => {
    expect(json(await policies('run', 'five', 'full', '--json'))).toBeTruthy();
    const { last } = await ended('five', 'full', 1);
    expect(last?.status).toBe('FAILED');
    const report = await inTemporal((client) => client.workflow.getHandle(last?.workflowId ?? '').result())
      .then(() => undefined)
      .catch((error: { cause?: { details?: JobReport[] } }) => error.cause?.details?.[0]);
    expect(report).toMatchObject({ verified: 4, failed: 1 });
    expect(report?.collections.find(({ outcome }) => outcome === 'failed')?.collection).toBe('gone');
    const found = await ferry(stack, 'backups', '--json');
    const [newest] = json<{ backups: { backup: string; scope: string }[] }>(found).backups;
    expect(newest).toMatchObject({ scope: 'policy' });
    const shown = await ferry(stack, 'backups', 'show', newest?.backup ?? '', '--json');
    // One is not complete, so neither is the run.
    expect(shown.code).toBe(1);
    const { collections } = JSON.parse(shown.stdout) as {
      collections: { collection: string; state: string }[];
    };
    expect(collections.map(({ collection, state }) => [collection, state])).toEqual([
      ...['a', 'b', 'c', 'd'].map((name) => [name, 'complete']),
      ['gone', 'incomplete'],
    ]);
  });

  it('takes new collections, leaves out what is excluded, and names the policy while it runs', async () => {
    await fillRandom(stack.source, { name: 'e', points: 60 });
    await stack.workers.data.kill();
    expect(json(await policies('run', 'every', 'incremental', '--json'))).toBeTruthy();
    const status = async () => json<RunningJob[]>(await ferry(stack, 'status', '--json'));
    const [running] = await until(status, (jobs) => jobs.some(({ policy }) => policy === 'every'));
    expect(running).toMatchObject({ type: 'incrementalBackup', policy: 'every' });
    expect(running?.workflowId).toMatch(/^ferry\/every\/source\/incremental-20/);
    // The last run still goes: this one is not started, and counted.
    expect(json(await policies('run', 'every', 'incremental', '--json'))).toBeTruthy();
    const held = async () => (await list('every')).filter(({ job }) => job === 'incremental');
    const [skipped] = await until(held, ([one]) => one !== undefined && one.skipped > 0);
    expect(skipped).toMatchObject({ runs: 1, skipped: 1 });
    expect(skipped?.running).toHaveLength(1);
    await stack.workers.data.start();
    const { last } = await ended('every', 'incremental', 1);
    const report = await inTemporal((client) => client.workflow.getHandle(last?.workflowId ?? '').result());
    const { collections } = report as JobReport;
    expect(collections.map(({ collection }) => collection)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('proves nothing that is proved, and rehearses a sample that it names', async () => {
    expect(json(await policies('run', 'every', 'prove', '--json'))).toBeTruthy();
    const proof = await ended('every', 'prove', 1);
    const reportOf = async ({ last }: ListedSchedule) =>
      (await inTemporal((client) => client.workflow.getHandle(last?.workflowId ?? '').result())) as JobReport;
    expect(await reportOf(proof)).toMatchObject({ outcome: 'unproven', collections: [] });
    expect(json(await policies('run', 'every', 'rehearse', '--json'))).toBeTruthy();
    const rehearsed = await reportOf(await ended('every', 'rehearse', 1));
    expect(rehearsed).toMatchObject({ outcome: 'verified', verified: 2 });
    const names = rehearsed.collections.map(({ collection }) => collection).join(', ');
    expect(rehearsed.notes).toContain(`Chosen at random: 2 of 5: ${names}.`);
  });

  it('runs once for each time of a backfill, and prunes by the policy', async () => {
    const day = 86_400_000;
    const midnight = Math.floor(Date.now() / day) * day;
    const times = [midnight - 2 * day, midnight].map((time) => new Date(time).toISOString());
    const [from = '', to = ''] = times;
    const asked = await policies('backfill', 'five', 'full', '--from', from, '--to', to, '--json');
    expect(json(asked)).toMatchObject({ from, to });
    await ended('five', 'full', 3);
    expect(json(await policies('run', 'every', 'prune', '--json'))).toBeTruthy();
    expect((await ended('every', 'prune', 1)).last?.status).toBe('COMPLETED');
    const early = await policies('backfill', 'five', 'full', '--from', to, '--to', from, '--json');
    expect(errorOf(early).code).toBe('InvalidInput');
    expect(errorOf(await policies('run', 'nobody', '--json')).code).toBe('InvalidInput');
  });

  it('leaves running jobs and backups when its schedules are removed', async () => {
    expect(json(await policies('remove', 'every', '--json'))).toBeTruthy();
    const found = await until(list, (all) => all.every(({ policy }) => policy !== 'every'));
    expect(found.map(({ scheduleId }) => scheduleId)).toEqual(['ferry/five/source/full']);
    const kept = await ferry(stack, 'backups', '--json');
    expect(json<{ backups: unknown[] }>(kept).backups.length).toBeGreaterThan(3);
  });
});
