// `ferry check` with everything real: each kind of finding provoked once, as the table, the JSON document and the exit status
// show it; and what it answers when no worker is left to ask.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckReport, FindingKind } from '../../src/model/contracts/check-activities.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { makeCheck } from '../../src/cli/check/make-check.js';
import { plannedChecks, type CheckInput } from '../../src/cli/check/planned-checks.js';
import { openTemporal } from '../../src/cli/temporal.js';
import { loadConfig } from '../../src/config.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, type FerryRun } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { withClient } from '../support/workflows-of.js';

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack();
  await fillRandom(stack.source, { name: 'docs', points: 200 });
});
afterAll(async () => stack?.stop());

/** Whatever the disk of this machine holds. */
const ROOM = ['--disk-warning-percent', '100', '--disk-critical-percent', '100'];
const reportOf = ({ stdout }: FerryRun) => JSON.parse(stdout) as CheckReport;
const kindsIn = ({ findings }: CheckReport) => [...new Set(findings.map(({ kind }) => kind))].sort();

interface Shown {
  code: number;
  kinds: FindingKind[];
}

/** The same in both forms. */
async function expectShown({ code, kinds }: Shown, ...args: string[]): Promise<CheckReport> {
  const asked = ['check', '--cluster', 'source', ...ROOM, ...args];
  const document = await ferry(stack, ...asked, '--json');
  const report = reportOf(document);
  expect(kindsIn(report)).toEqual([...kinds].sort());
  expect(document.code).toBe(code);
  const table = await ferry(stack, ...asked);
  expect(table.code).toBe(code);
  for (const { severity, hint } of report.findings) {
    expect(table.stdout).toContain(`${severity}: `);
    expect(table.stdout).toContain(`  ${hint}`);
  }
  return report;
}

it('warns of a collection without a backup, and is content once it is backed up and proved', async () => {
  const bare = await expectShown({ code: 1, kinds: ['noBackup'] });
  expect(bare.findings[0]).toMatchObject({ cluster: 'source', collection: 'docs', store: 'offsite' });
  expect(await ferry(stack, 'backup', 'source', 'docs')).toMatchObject({ code: 0 });
  const report = await expectShown({ code: 0, kinds: [] });
  expect(report).toMatchObject({
    status: 'ok',
    collections: [
      {
        ...{ cluster: 'source', collection: 'docs', status: 'ok', backups: 1 },
        newest: { kind: 'full', points: 200 },
        proof: { kind: 'quiesced' },
      },
    ],
    stores: [{ store: 'offsite' }],
    queues: [
      { queue: 'ferry-control', workers: 1 },
      { queue: 'ferry-data', workers: 1 },
    ],
  });
  const [store] = report.stores;
  expect(store?.byKind.full).toBeGreaterThan(0);
  expect(store?.byKind).toMatchObject({ increment: 0, other: 0 });
  expect(store?.bytes).toBe(store?.byKind.full);
  const place = `storage of the node ${stack.source.url}`;
  expect(report.disks.find((disk) => disk.place === place)?.unknown).toContain('Qdrant does not report');
  expect(report.disks.find((disk) => disk.place === 'state folder')?.usedPercent).toBeGreaterThan(0);
});

it('warns of what is older than its limit', async () => {
  const limits = ['--max-age-hours', '0.000001', '--max-proof-age-days', '0.0000001'];
  await expectShown({ code: 1, kinds: ['backupTooOld', 'proofTooOld'] }, ...limits);
  await expectShown({ code: 1, kinds: ['rehearsalTooOld'] }, '--max-rehearsal-age-days', '30');
  const rehearsed = await ferry(stack, 'rehearse', 'target', 'docs', '--cluster', 'source');
  expect(rehearsed).toMatchObject({ code: 0 });
  const report = await expectShown({ code: 0, kinds: [] }, '--max-rehearsal-age-days', '30');
  expect(report.collections[0]).toMatchObject({ proof: { kind: 'rehearsed' } });
  expect(report.collections[0]?.rehearsal?.recoverySeconds).toBeGreaterThan(0);
});

it('warns of a backup without a proof', async () => {
  await fillRandom(stack.source, { name: 'unproved', points: 20 });
  const backup = await ferry(stack, 'backup', 'source', 'unproved', '--no-digest');
  expect(backup).toMatchObject({ code: 0 });
  const report = await expectShown({ code: 1, kinds: ['noProof'] });
  expect(report.findings).toMatchObject([{ collection: 'unproved' }]);
  await stack.side('source', 'unproved');
  await fetch(`${stack.source.url}/collections/unproved`, { method: 'DELETE' });
});

it('warns of a disk that fills, and calls one critical that is nearly full', async () => {
  const [warning, critical] = ['--disk-warning-percent', '--disk-critical-percent'];
  await expectShown({ code: 1, kinds: ['diskFilling'] }, warning, '1', critical, '100');
  const report = await expectShown({ code: 2, kinds: ['diskNearlyFull'] }, warning, '1', critical, '1');
  expect(report.findings[0]?.place).toContain('state folder');
});

it('measures the disk of a store that is a folder', async () => {
  await ferry(stack, 'backup', 'source', 'docs', '--store', 'disk');
  const report = await expectShown({ code: 0, kinds: [] }, '--store', 'disk');
  expect(report.stores[0]?.disk?.totalBytes).toBeGreaterThan(0);
  expect(report.stores[0]?.daysUntilFull).toBeGreaterThan(0);
  expect(report.disks.map(({ place }) => place)).toContain('store disk');
});

it('calls a broken chain and a damaged backup critical, and names them', async () => {
  const store = storeOf(stack, 'disk');
  const points = ['backup', 'source', 'docs', '--store', 'disk', '--format', 'points'];
  expect(await ferry(stack, ...points)).toMatchObject({ code: 0 });
  const base = await newestIn(store, 'manifest.json');
  const increment = await ferry(stack, 'backup', 'source', 'docs', '--store', 'disk', '--incremental');
  expect(increment).toMatchObject({ code: 0 });
  const link = await newestIn(store, 'manifest.json');
  expect(link).not.toBe(base);
  await store.delete(base);
  const report = await expectShown({ code: 2, kinds: ['chainBroken', 'backupDamaged'] }, '--store', 'disk');
  expect(report.findings.find(({ kind }) => kind === 'chainBroken')?.text).toContain(link.split('/')[1]);
  expect(report.findings.find(({ kind }) => kind === 'backupDamaged')?.text).toContain(base.split('/')[1]);
  expect(report.collections[0]).toMatchObject({ status: 'critical', newest: { kind: 'full' } });
});

it('calls backups of another cluster under the same alias critical', async () => {
  const moved = join(stack.folder, 'moved.yaml');
  const text = await readFile(stack.config, 'utf8');
  const elsewhere = text
    .replaceAll(stack.source.url, 'THERE')
    .replaceAll(stack.target.url, stack.source.url)
    .replaceAll('THERE', stack.target.url);
  await writeFile(moved, elsewhere);
  await fillRandom(stack.target, { name: 'docs', points: 10 });
  const there = { ...stack, config: moved };
  const data = await readFile(stack.config, 'utf8');
  await writeFile(stack.config, elsewhere);
  const backup = await ferry(there, 'backup', 'source', 'docs', '--new-cluster', '--no-digest');
  await writeFile(stack.config, data);
  expect(backup).toMatchObject({ code: 0 });
  const report = await expectShown({ code: 2, kinds: ['identityMixed'] });
  expect(report.findings[0]?.text).toContain('of another cluster');
});

it('judges policies, their schedules and collections, each by its own limits', async () => {
  const text = await readFile(stack.config, 'utf8');
  const policies = `
policies:
  nightly:
    clusters: [source]
    store: disk
    full: daily 02:00
    check: hourly
    maxAgeHours: 30
`;
  await writeFile(stack.config, `${text}${policies}`);
  const planned = reportOf(await ferry(stack, 'check', '--policy', 'nightly', ...ROOM, '--json'));
  expect(planned.findings.filter(({ kind }) => kind === 'scheduleSilent')).toHaveLength(2);
  expect(planned.findings.at(-1)?.hint).toContain('ferry policies apply');
  expect(await ferry(stack, 'policies', 'apply', '--yes')).toMatchObject({ code: 0 });
  const applied = reportOf(await ferry(stack, 'check', '--policy', 'nightly', ...ROOM, '--json'));
  expect(kindsIn(applied)).toEqual(['backupDamaged', 'chainBroken']);
  expect(applied.schedules).toMatchObject([
    { schedule: 'ferry/nightly/source/check', intervalSeconds: 3_600, paused: false },
    { schedule: 'ferry/nightly/source/full', intervalSeconds: 86_400 },
  ]);
  expect(await ferry(stack, 'policies', 'pause', 'nightly')).toMatchObject({ code: 0 });
  const paused = reportOf(await ferry(stack, 'check', '--policy', 'nightly', ...ROOM, '--json'));
  expect(paused.findings.filter(({ kind }) => kind === 'schedulePaused')).toHaveLength(2);
  const unknown = await ferry(stack, 'check', '--policy', 'weekly', '--json');
  expect(unknown).toMatchObject({ code: 2 });
  expect(JSON.parse(unknown.stdout)).toMatchObject({ error: { code: 'UnknownAlias' } });
  await writeFile(stack.config, text);
});

it('says that schedules are silent and queues without workers when those have been gone for three hours', async () => {
  const text = await readFile(stack.config, 'utf8');
  const gone = `\npolicies:\n  gone:\n    clusters: [source]\n    collections: [docs]\n    store: disk\n    full: hourly\n`;
  await writeFile(stack.config, `${text}${gone}`);
  expect(await ferry(stack, 'policies', 'apply', '--yes')).toMatchObject({ code: 0 });
  const schedule = 'ferry/gone/source/full';
  const started = async (count: number) => {
    expect(await ferry(stack, 'policies', 'run', 'gone')).toMatchObject({ code: 0 });
    return runOf(schedule, count);
  };
  const first = await started(1);
  await withClient(stack.temporal, (client) => client.workflow.getHandle(first).result());
  const asked = ['check', '--policy', 'gone', ...ROOM, '--json'];
  const now = reportOf(await ferry(stack, ...asked));
  expect(now.findings.filter(({ kind }) => OF_WORKERS.includes(kind))).toEqual([]);

  await Promise.all([stack.workers.control.stop(), stack.workers.data.stop()]);
  const waiting = await started(2);
  const soon = await judgedIn(1, 'gone');
  expect(soon.findings.filter(({ kind }) => kind === 'scheduleSilent')).toEqual([]);
  const report = await judgedIn(3, 'gone');
  expect(report.status).toBe('critical');
  expect(report.findings.find(({ kind }) => kind === 'scheduleSilent')).toMatchObject({
    ...{ severity: 'warning', policy: 'gone', schedule },
    text: expect.stringMatching(
      new RegExp(
        `still waits for the run ${waiting}, and has started nothing for 3(\\.\\d)? h; its interval`,
      ),
    ) as string,
    hint: expect.stringContaining(waiting) as string,
  });
  const queues = report.findings.filter(({ kind }) => kind === 'queueWithoutWorker');
  expect(queues.map(({ queue, severity }) => `${queue} ${severity}`)).toContain('ferry-control critical');

  await Promise.all([stack.workers.control.start(), stack.workers.data.start()]);
  await withClient(stack.temporal, (client) => client.workflow.getHandle(waiting).result());
  const after = reportOf(await ferry(stack, ...asked));
  expect(after.findings.filter(({ kind }) => OF_WORKERS.includes(kind))).toEqual([]);
  await writeFile(stack.config, text);
});

it('answers without any worker, from what it sees itself', async () => {
  await Promise.all([stack.workers.control.stop(), stack.workers.data.stop()]);
  const report = reportOf(await ferry(stack, 'check', '--cluster', 'source', ...ROOM, '--json'));
  const queues = report.findings.filter(({ kind }) => kind === 'queueWithoutWorker');
  expect(report.status).toBe('critical');
  expect(queues.map(({ queue, severity }) => `${queue} ${severity}`)).toContain('ferry-control critical');
  expect(report.collections).toMatchObject([{ collection: 'docs', newest: { kind: 'full' } }]);
  const table = await ferry(stack, 'check', '--cluster', 'source', ...ROOM);
  expect(table.code).toBe(2);
  expect(table.stdout).toContain('No worker polls the queue ferry-control: no job runs.');
});

it('answers without Temporal too', async () => {
  await stack.temporal.stop();
  const { code, stdout } = await ferry(stack, 'check', '--cluster', 'source', ...ROOM, '--json');
  expect(code).toBe(2);
  const report = JSON.parse(stdout) as CheckReport;
  expect(report.findings.find(({ kind }) => kind === 'notChecked')).toMatchObject({ severity: 'critical' });
  expect(report.collections).toMatchObject([{ collection: 'docs' }]);
});

const OF_WORKERS: FindingKind[] = ['scheduleSilent', 'queueWithoutWorker'];

/** The facts of now, by the code of the command, and the verdict of so many hours later. */
async function judgedIn(hours: number, policy: string): Promise<CheckReport> {
  const config = loadConfig(stack.config);
  const temporal = openTemporal(config);
  const later = () => new Date(Date.now() + hours * 3_600_000);
  const { signal } = new AbortController();
  const checking = { temporal, config, configPath: stack.config, signal, now: later };
  try {
    const [check] = plannedChecks(config, { options: {}, policy });
    return await makeCheck(checking, check as CheckInput, 0);
  } finally {
    await temporal.close();
  }
}

/** The one that it started last, once it has started so many. */
async function runOf(scheduleId: string, count: number): Promise<string> {
  return withClient(stack.temporal, async (client) => {
    for (;;) {
      const { info } = await client.schedule.getHandle(scheduleId).describe();
      const last = info.recentActions.at(-1);
      if (last !== undefined && info.numActionsTaken >= count) return last.action.workflow.workflowId;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  });
}

async function newestIn(store: ObjectStore, name: string): Promise<string> {
  let newest = '';
  for await (const { key } of store.list('source/')) if (key.endsWith(`/docs/${name}`)) newest = key;
  return newest;
}
