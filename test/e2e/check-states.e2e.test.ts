// Every kind of finding, provoked on real servers, each by a policy of its own: as a line of the table, in the JSON document, by
// the exit status, as a metric of the worker that announced it, and as a message that a webhook got.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts, startWorkerProcess, type LocalProcess } from '../../src/local/index.js';
import { FINDING_KINDS, type CheckReport } from '../../src/model/contracts/check-activities.js';
import type { Notification } from '../../src/model/contracts/health-activities.js';
import { STATUS_VALUES } from '../../src/model/metrics.js';
import { CONTROL_QUEUE, scheduleId } from '../../src/model/names.js';
import { ageProofs, startAged } from '../support/aged-backups.js';
import { ALERTS, metricsOfAlert } from '../support/alert-rules.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, type FerryRun } from '../support/ferry-command.js';
import { KINDS, POLICIES, ROOM, STATES, type State } from '../support/check-states.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { namesIn, scrape, valueOf } from '../support/scraped-metrics.js';
import { startWebhook, type Webhook } from '../support/webhook-receiver.js';
import { withClient } from '../support/workflows-of.js';

let stack: BackupStack;
let webhook: Webhook;
let port: number;
let elsewhere: LocalProcess | undefined;

beforeAll(async () => {
  const [control, data] = (await freePorts(2)) as [number, number];
  port = control;
  webhook = await startWebhook();
  stack = await startBackupStack({ metricsPorts: { control, data } });
  await configure();
  expect(await ferry(stack, 'policies', 'apply', '--yes')).toMatchObject({ code: 0 });
  // Its silence begins here, while everything else is made.
  await fillRandom(stack.source, { name: 'well', points: 100 });
  await done('policies', 'run', 'stuck', 'incremental');
  await done('policies', 'pause', 'paused');
  await done('policies', 'run', 'failing', 'full');
  await provoke();
});
afterAll(async () => {
  await elsewhere?.stop();
  await stack?.stop();
  await webhook?.stop();
});

/**
 * The workers were started before: none of them polls the queue of the store `far`. The store `locked` is the disk, which a
 * backup must not write.
 */
async function configure(): Promise<void> {
  const text = await readFile(stack.config, 'utf8');
  const far = `  far: { url: "file://${stack.folder}/far", taskQueue: elsewhere }`;
  const locked = `  locked: { url: "file://${stack.folder}/disk", readOnly: true }`;
  const policies = Object.entries(POLICIES).map(([name, policy]) => `  ${name}: ${policy}`);
  const notifiers = ['notifiers:', `  ops: { webhook: "${webhook.url}", secret: "${webhook.secret}" }`];
  const more = ['policies:', ...policies, ...notifiers].join('\n');
  await writeFile(stack.config, `${text.replace(/^stores:$/m, `stores:\n${far}\n${locked}`)}\n${more}\n`);
}

async function done(...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await ferry(stack, ...args);
  expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
}

async function provoke(): Promise<void> {
  for (const name of ['bare', 'old', 'aged', 'unproved', 'chained', 'mixed', 'ahead'])
    await fillRandom(stack.source, { name, points: 20 });
  const disk = ['--store', 'disk'];
  await done('backup', 'source', 'well', 'aged', 'chained', 'mixed', 'ahead', ...disk);
  await done('backup', 'source', 'unproved', '--no-digest', ...disk);
  const days = (count: number) => new Date(Date.now() + count * 86_400_000);
  const made = { store: 'disk', workflow: 'fullBackup' } as const;
  await startAged(stack, { ...made, collection: 'old', at: days(-10) });
  await startAged(stack, { ...made, collection: 'ahead', at: days(2) });
  await done('backup', 'source', 'chained', '--format', 'points', ...disk);
  await done('backup', 'source', 'chained', '--incremental', ...disk);
  await done('rehearse', 'target', 'aged', '--cluster', 'source', ...disk);
  await ageProofs(storeOf(stack, 'disk'), 'aged', days(-10));
  await loseBase();
  await backUpMixed();
}

/** Of the increment, which is the newest. */
async function loseBase(): Promise<void> {
  const store = storeOf(stack, 'disk');
  const keys = (await allOf(store.list('source/'))).map(({ key }) => key);
  const base = keys
    .filter((key) => key.endsWith('/chained/manifest.json'))
    .sort()
    .at(-2);
  await store.delete(base ?? '');
}

/** The alias leads to another cluster for a while. */
async function backUpMixed(): Promise<void> {
  await fillRandom(stack.target, { name: 'mixed', points: 10 });
  const text = await readFile(stack.config, 'utf8');
  const { source, target } = stack;
  const there = text.replaceAll(source.url, 'THERE').replaceAll(target.url, source.url);
  await writeFile(stack.config, there.replaceAll('THERE', target.url));
  await done('backup', 'source', 'mixed', '--new-cluster', '--no-digest', '--store', 'disk');
  await writeFile(stack.config, text);
}

interface Seen {
  document: FerryRun;
  table: FerryRun;
  report: CheckReport;
}

async function checked({ policy, disks = ROOM }: State): Promise<Seen> {
  const percents = [disks.diskWarningPercent, disks.diskCriticalPercent].map(String);
  const flags = ['--disk-warning-percent', '--disk-critical-percent'].flatMap((flag, at) => [
    flag,
    percents[at] ?? '',
  ]);
  const asked = ['check', '--policy', policy, ...flags];
  const [document, table] = await Promise.all([ferry(stack, ...asked, '--json'), ferry(stack, ...asked)]);
  return { document, table, report: JSON.parse(document.stdout) as CheckReport };
}

/** A schedule is silent after one and a half of its intervals. */
async function silent(state: State): Promise<void> {
  while (!kindsIn((await checked(state)).report).includes('scheduleSilent'));
}

/** What the policy's own schedule starts, but for the disks of whatever machine this is. */
async function announced({ policy, disks = ROOM }: State): Promise<CheckReport> {
  return withClient(stack.temporal, async (client) => {
    const { action } = await client.schedule.getHandle(scheduleId(policy, 'source', 'check')).describe();
    const input = { ...(action.args?.[0] as object), ...disks };
    const options = {
      taskQueue: CONTROL_QUEUE,
      workflowId: `announced/${policy}/${Date.now()}`,
      args: [input],
    };
    return (await client.workflow.execute('checkBackups', options)) as CheckReport;
  });
}

const kindsIn = ({ findings }: Pick<CheckReport, 'findings'>) =>
  [...new Set(findings.map(({ kind }) => kind))].sort();
const messagesOf = ({ policy, checkedAt }: CheckReport): Notification[] =>
  webhook.taken.filter((one) => one.policy === policy && one.checkedAt === checkedAt);

function expectInTable(
  { stdout }: FerryRun,
  { kind, severity, hint }: CheckReport['findings'][number],
): void {
  const lines = stdout.split('\n');
  const isSaid = (line: string) => line.startsWith(`${severity}: `) && KINDS[kind].says.test(line);
  expect(lines.filter(isSaid), stdout).toHaveLength(1);
  expect(lines[lines.findIndex(isSaid) + 1]).toBe(`  ${hint}`);
}

/** One of each kind: the first that the table is asked for. */
function examples({ findings }: CheckReport): CheckReport['findings'] {
  const ones = kindsIn({ findings }).map((kind) =>
    findings.find((one) => one.kind === kind && KINDS[kind].says.test(one.text)),
  );
  return ones.filter((one) => one !== undefined);
}

async function expectSeen(state: State): Promise<void> {
  const { policy, kinds, code } = state;
  const { document, table, report } = await checked(state);
  expect({ kinds: kindsIn(report), codes: [document.code, table.code] }).toEqual({
    kinds: [...kinds].sort(),
    codes: [code, code],
  });
  expect(examples(report).map(({ kind }) => kind)).toEqual([...kinds].sort());
  for (const finding of examples(report)) expectInTable(table, finding);

  const told = await announced(state);
  expect(kindsIn(told)).toEqual([...kinds].sort());
  const text = await scrape(port);
  const labels = { policy, cluster: 'source' };
  for (const { kind, severity } of told.findings) {
    const count = told.findings.filter((one) => one.kind === kind).length;
    expect({ kind, value: valueOf(text, 'ferry_findings', { ...labels, kind, severity }) }).toEqual({
      kind,
      value: count,
    });
    for (const metric of metricsOfAlert(KINDS[kind].alert)) expect(namesIn(text)).toContain(metric);
  }
  if (kinds.length === 0) return expect(messagesOf(told)).toEqual([]);
  const [message, ...others] = messagesOf(told);
  expect(others).toEqual([]);
  expect(message).toMatchObject({ reason: 'changed', status: told.status, findings: told.findings });
  expect(kindsIn({ findings: message?.changes.begun as CheckReport['findings'] })).toEqual([...kinds].sort());
}

describe('each state of a check', () => {
  it.each(STATES)('of the policy $policy is seen in every form: $kinds', async (state) => {
    if (state.kinds.includes('scheduleSilent')) await silent(state);
    await expectSeen(state);
  });

  it('is over once a worker serves the queue, which tells how slow the increment was', async () => {
    const queue = ['--queue', 'elsewhere'];
    const folder = `${stack.folder}/elsewhere`;
    await mkdir(folder);
    const extraEnv = { FERRY_STATE_DIR: stack.folder };
    elsewhere = await startWorkerProcess({
      role: 'data',
      config: stack.config,
      folder,
      extraArgs: queue,
      extraEnv,
    });
    const state: State = { policy: 'stuck', kinds: ['incrementTooSlow'], code: 1 };
    // Until its next time has come.
    while (kindsIn((await checked(state)).report).join() !== 'incrementTooSlow');
    await expectSeen(state);
    const diff = await ferry(stack, 'policies', 'diff');
    expect(diff.stdout).toMatch(/^stuck: .* took \d+ s; its interval is 60 s.*`detect: field`/m);
    const labels = { policy: 'stuck', cluster: 'source', kind: 'scheduleSilent', severity: 'warning' };
    expect(valueOf(await scrape(port), 'ferry_findings', labels)).toBe(0);
  });

  it('is one of every kind that there is, and every alert has its metrics', async () => {
    const seen = [...STATES.flatMap(({ kinds }) => kinds), 'incrementTooSlow'];
    expect([...new Set(seen)].sort()).toEqual([...FINDING_KINDS].sort());
    const text = await scrape(port);
    for (const alert of ALERTS)
      expect({ alert, missing: metricsOfAlert(alert).filter((name) => !namesIn(text).has(name)) }).toEqual({
        alert,
        missing: [],
      });
  });

  it('has the figures that its alert goes by', async () => {
    const text = await scrape(port);
    const value = (policy: string, name: string, labels: Record<string, string>) =>
      valueOf(text, name, { policy, cluster: 'source', ...labels });
    const limit = value('old', 'ferry_backup_max_age_seconds', {}) ?? 0;
    const newest = value('old', 'ferry_backup_newest_timestamp_seconds', { collection: 'old' }) ?? 0;
    expect(Date.now() / 1_000 - newest).toBeGreaterThan(limit);
    const proof = value('aged', 'ferry_proof_timestamp_seconds', { collection: 'aged' }) ?? 0;
    expect(Date.now() / 1_000 - proof).toBeGreaterThan(value('aged', 'ferry_proof_max_age_seconds', {}) ?? 0);
    const rehearsal = value('unrehearsed', 'ferry_rehearsal_timestamp_seconds', { collection: 'aged' }) ?? 0;
    const longest = value('unrehearsed', 'ferry_rehearsal_max_age_seconds', {}) ?? 0;
    expect([longest, Date.now() / 1_000 - rehearsal > longest]).toEqual([9 * 86_400, true]);
    expect(value('bare', 'ferry_backup_newest_timestamp_seconds', { collection: 'bare' })).toBe(0);
    expect(value('chained', 'ferry_collection_status', { collection: 'chained' })).toBe(
      STATUS_VALUES.critical,
    );
    expect(value('paused', 'ferry_schedule_paused', { schedule: 'ferry/paused/source/check' })).toBe(1);
    expect(
      value('stuck', 'ferry_schedule_skipped', { schedule: 'ferry/stuck/source/incremental' }),
    ).toBeGreaterThan(0);
    expect(value('full', 'ferry_disk_used_ratio', { place: 'state folder' })).toBeGreaterThan(0.01);
  });
});
