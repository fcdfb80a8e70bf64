// What somebody changed by hand in a schedule on a real Temporal, with a call that sets any field: `ferry policies diff` shows
// it, `apply` puts it right, and a second `apply` finds nothing to do.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client, ScheduleDescription } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startTemporal, type TemporalServer } from '../../src/local/index.js';
import { ferry, type FerryRun } from '../support/ferry-command.js';
import { withClient } from '../support/workflows-of.js';

type Schedule = NonNullable<ScheduleDescription['raw']['schedule']>;
type Action = NonNullable<NonNullable<Schedule['action']>['startWorkflow']>;
interface Change {
  scheduleId: string;
  do: string;
  fields?: { field: string; from?: unknown; to?: unknown }[];
}

/** As Temporal takes all of them; `every` has the same times as `daily` has by its words. */
const TIMES: Record<string, string> = {
  ...{ daily: 'daily 02:00', hourly: 'hourly :30', weekly: 'weekly sun 03:00', every: 'every 6h' },
  ...{ cron: '0 2 * * *', week: '@weekly', office: '*/10 8-17 * * 1-5', step: '5/20 2 1,15 JAN-MAR *' },
  ...{
    sunday: '0 2 * * 7',
    end: '0 2 * * 5-7',
    seconds: '30 0 2 * * * *',
    list: '0-30/10,45 2 * * MON-FRI/2',
  },
  ...{ odd: '0 2 * * */3', last: '0 2 * * 4/1', year: '0 2 1 1 * 2030-2099/2', word: '0 2 * DEC Sun' },
};

const seconds = (count: number) => ({ seconds: count }) as never;
const payload = (value: unknown) => ({
  metadata: { encoding: Buffer.from('json/plain') },
  data: Buffer.from(JSON.stringify(value)),
});
const action = (change: (action: Action) => void) => (schedule: Schedule) => {
  if (schedule.action?.startWorkflow) change(schedule.action.startWorkflow);
};
const policies = (more: Schedule['policies']) => (schedule: Schedule) => {
  schedule.policies = { ...schedule.policies, ...more };
};
const spec = (more: Schedule['spec']) => (schedule: Schedule) => {
  schedule.spec = { ...schedule.spec, ...more };
};

const OF_2099 = '2099-01-01T00:00:00.000Z';
const at2099 = seconds(Date.parse(OF_2099) / 1_000);
const NEW_YEAR = { month: [{ start: 1 }], dayOfMonth: [{ start: 1 }] };

/** By the name of the policy: what is changed, and what has to be shown. */
const BY_HAND: Record<string, [(schedule: Schedule) => void, Record<string, unknown>]> = {
  limited: [
    (schedule) =>
      (schedule.state = { ...schedule.state, limitedActions: true, remainingActions: 3 as never }),
    { field: 'remainingActions', from: 3 },
  ],
  usedup: [
    (schedule) => (schedule.state = { ...schedule.state, limitedActions: true }),
    { field: 'remainingActions', from: 0 },
  ],
  pausing: [policies({ pauseOnFailure: true }), { field: 'pauseOnFailure', from: true, to: false }],
  keeping: [policies({ keepOriginalWorkflowId: true }), { field: 'keepOriginalWorkflowId', from: true }],
  overlap: [policies({ overlapPolicy: 6 }), { field: 'overlap', from: 'ALLOW_ALL', to: 'SKIP' }],
  window: [policies({ catchupWindow: seconds(60) }), { field: 'catchUp', from: '1m', to: '1h' }],
  jitter: [spec({ jitter: seconds(90) }), { field: 'jitter', from: '90s', to: '0s' }],
  zone: [spec({ timezoneName: 'Europe/Berlin' }), { field: 'timezone', from: 'Europe/Berlin', to: 'UTC' }],
  starts: [spec({ startTime: at2099 }), { field: 'startAt', from: OF_2099 }],
  ends: [spec({ endTime: at2099 }), { field: 'endAt', from: OF_2099 }],
  skips: [
    spec({ excludeStructuredCalendar: [NEW_YEAR] }),
    {
      field: 'exclusions',
      from: [expect.objectContaining({ month: [{ start: 'JANUARY', end: 'JANUARY', step: 1 }] })],
    },
  ],
  more: [
    (schedule) => schedule.spec?.structuredCalendar?.push({ hour: [{ start: 14 }] }),
    { field: 'times', from: 'times that are not of ferry.yaml', to: 'daily 02:00' },
  ],
  calendar: [
    (schedule) => Object.assign(schedule.spec?.structuredCalendar?.[0] ?? {}, { hour: [{ start: 14 }] }),
    { field: 'times', from: 'times that are not of ferry.yaml', to: 'daily 02:00' },
  ],
  workflow: [
    action((started) => (started.workflowType = { name: 'theirs' })),
    { field: 'workflow', from: 'theirs', to: 'fullBackup' },
  ],
  id: [
    action((started) => (started.workflowId = 'theirs')),
    { field: 'workflowId', from: 'theirs', to: 'ferry/id/prod/full' },
  ],
  queue: [
    action((started) => (started.taskQueue = { name: 'theirs' })),
    { field: 'taskQueue', from: 'theirs', to: 'ferry-control' },
  ],
  memo: [
    action((started) => Object.assign(started.memo?.fields ?? {}, { theirs: payload('a word') })),
    { field: 'memo', from: expect.objectContaining({ theirs: 'a word' }), to: expect.anything() },
  ],
  arguments: [
    action((started) => started.input?.payloads?.push(payload({ more: true }))),
    { field: 'moreArguments', from: [{ more: true }] },
  ],
  retry: [
    action((started) => (started.retryPolicy = { maximumAttempts: 5 })),
    { field: 'retry', from: expect.objectContaining({ maximumAttempts: 5 }) },
  ],
  execution: [
    action((started) => (started.workflowExecutionTimeout = seconds(600))),
    { field: 'executionTimeout', from: '10m' },
  ],
  run: [action((started) => (started.workflowRunTimeout = seconds(60))), { field: 'runTimeout', from: '1m' }],
  task: [
    action((started) => (started.workflowTaskTimeout = seconds(5))),
    { field: 'taskTimeout', from: '5s' },
  ],
  attributes: [
    action((started) => {
      const type = { type: Buffer.from('Keyword') };
      const value = payload('theirs');
      started.searchAttributes = {
        indexedFields: { FerryCluster: { ...value, metadata: { ...value.metadata, ...type } } },
      };
    }),
    { field: 'searchAttributes', from: { FerryCluster: ['theirs'] } },
  ],
  summary: [
    action((started) => (started.userMetadata = { summary: payload('theirs') })),
    { field: 'summary', from: 'theirs' },
  ],
  priority: [
    action((started) => (started.priority = { priorityKey: 5 })),
    { field: 'priority', from: expect.objectContaining({ priorityKey: 5 }) },
  ],
};

let folder: string;
let temporal: TemporalServer;
const at = () => ({ folder, config: join(folder, 'ferry.yaml') });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-by-hand-'));
  temporal = await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false });
});
afterAll(async () => {
  await temporal?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function write(times: Record<string, string>): Promise<void> {
  const policies = Object.entries(times).map(([name, full]) => [name, { clusters: ['prod'], full }]);
  const document = {
    temporal: { address: temporal.address },
    clusters: { prod: { url: 'http://127.0.0.1:1' } },
    stores: { disk: { url: 'file:///var/lib/ferry' } },
    defaults: { store: 'disk' },
    policies: Object.fromEntries(policies) as object,
  };
  await writeFile(at().config, stringify(document));
}

async function changes(...args: string[]): Promise<Change[]> {
  const { stdout, stderr, code }: FerryRun = await ferry(at(), 'policies', ...args, '--json');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return (JSON.parse(stdout) as { changes: Change[] }).changes.filter((one) => one.do !== 'nothing');
}

async function changeByHand(client: Client, scheduleId: string, change: (schedule: Schedule) => unknown) {
  const named = { namespace: 'default', scheduleId };
  const { schedule } = await client.workflowService.describeSchedule(named);
  change(schedule as Schedule);
  await client.workflowService.updateSchedule({ ...named, schedule: schedule ?? null });
}

it('reads every form of times back as it was written', async () => {
  await write(TIMES);
  expect(await changes('apply')).toHaveLength(Object.keys(TIMES).length);
  expect(await changes('diff')).toEqual([]);
});

it('shows every field that was changed, and puts it right', async () => {
  const names = Object.keys(BY_HAND);
  await write(Object.fromEntries(names.map((name) => [name, 'daily 02:00'])));
  await changes('apply');
  expect(await changes('diff')).toEqual([]);
  await withClient(temporal, async (client) => {
    for (const [name, [change]] of Object.entries(BY_HAND))
      await changeByHand(client, `ferry/${name}/prod/full`, change);
  });
  const found = await changes('diff');
  const shown = new Map(found.map(({ scheduleId, fields }) => [scheduleId.split('/')[1], fields]));
  for (const [name, [, field]] of Object.entries(BY_HAND)) expect(shown.get(name), name).toEqual([field]);
  const { stdout } = await ferry(at(), 'policies', 'diff');
  expect(stdout).toContain('  remainingActions: 3 → (none)\n');
  expect(await changes('apply')).toHaveLength(names.length);
  expect(await changes('diff')).toEqual([]);
  const limited = await withClient(temporal, (client) =>
    client.schedule.getHandle('ferry/limited/prod/full').describe(),
  );
  expect(limited.state.remainingActions).toBeUndefined();
  expect(limited.state.note).toContain('Made by `ferry policies apply`');
});
