// The doctor on stores, with real workers: it asks those who use a store, and believes no disk that two of them do not see.

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  startS3Gateway,
  startTemporal,
  startWorkerProcess,
  type LocalProcess,
  type S3Gateway,
  type TemporalServer,
} from '../../src/local/index.js';
import type { Finding } from '../../src/cli/doctor/finding.js';
import { ferry } from '../support/ferry-command.js';
import { storesOf } from '../support/backup-stack.js';

const DISK_QUEUE = 'ferry-data-disk';

let folder: string;
let temporal: TemporalServer;
let gateway: S3Gateway;
const workers: LocalProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-doctor-'));
  temporal = await startTemporal({ dbFile: join(folder, 'temporal.db'), ui: false });
  const keys = { accessKeyId: 'ferry', secretAccessKey: 'a-key-of-this-test' };
  gateway = await startS3Gateway({ folder: join(folder, 's3'), bucket: 'backups', ...keys });
  const config = await configured('ferry.yaml', 'disk');
  await work('control', config);
  await work('first', config, 'ferry-data', DISK_QUEUE);
  await work('second', config, 'ferry-data', DISK_QUEUE);
});
afterAll(async () => {
  for (const worker of workers) await worker.stop();
  await gateway?.stop();
  await temporal?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A ferry.yaml as a machine has it whose disk is `disk`. */
async function configured(name: string, disk: string): Promise<string> {
  const path = join(folder, name);
  const { offsite } = storesOf(gateway, folder);
  const url = `file://${join(folder, disk)}`;
  const stores = {
    offsite,
    refused: { ...offsite, secretAccessKey: 'not-the-one' },
    disk: { url, taskQueue: DISK_QUEUE },
    loose: { url: `${url}-loose` },
    lonely: { url, taskQueue: 'ferry-data-nowhere' },
  };
  const clusters = { a: { url: 'http://127.0.0.1:1' } };
  await writeFile(path, stringify({ temporal: { address: temporal.address }, clusters, stores }));
  return path;
}

async function work(name: string, config: string, ...queues: string[]): Promise<LocalProcess> {
  const own = join(folder, name);
  await mkdir(own);
  const worker = await startWorkerProcess({
    role: queues.length === 0 ? 'control' : 'data',
    config,
    folder: own,
    extraArgs: queues.flatMap((queue) => ['--queue', queue]),
  });
  workers.push(worker);
  return worker;
}

const identity = (worker: LocalProcess | undefined) => `ferry-data@${hostname()}#${worker?.pid}`;

/** Of the stores, by what they are about. */
async function doctor(): Promise<Map<string, Finding[]>> {
  const run = await ferry({ config: join(folder, 'ferry.yaml'), folder }, 'doctor', '--json');
  expect(run.stdout + run.stderr).not.toMatch(/a-key-of-this-test|not-the-one/);
  const { findings } = JSON.parse(run.stdout) as { findings: Finding[] };
  const found = new Map<string, Finding[]>();
  for (const finding of findings.filter(({ what }) => what.startsWith('store '))) {
    found.set(finding.what, [...(found.get(finding.what) ?? []), finding]);
  }
  return found;
}

it('finds stores well, refused, without a worker, and in want of a queue of their own', async () => {
  const found = await doctor();
  expect([...found.keys()].sort()).toEqual([
    'store disk',
    'store lonely',
    'store loose',
    'store offsite',
    'store refused, a worker of ferry-data',
  ]);
  const [offsite] = found.get('store offsite') ?? [];
  expect(offsite).toEqual({
    ok: true,
    what: 'store offsite',
    says: 's3://backups/ferry is read and written by a worker of ferry-data',
  });
  const [refused] = found.get('store refused, a worker of ferry-data') ?? [];
  expect(refused).toMatchObject({ ok: false });
  expect(refused?.says).toMatch(/^StoreKeysUnknown: .*bucket=backups, key=ferry\/.ferry-probe\//);
  const [lonely] = found.get('store lonely') ?? [];
  expect(lonely?.ok).toBe(false);
  expect(lonely?.says).toContain(
    'no worker polls ferry-data-nowhere; start one on a machine that sees this disk',
  );
  const [isWell, wantsQueue] = found.get('store loose') ?? [];
  expect(isWell).toMatchObject({ ok: true });
  expect(wantsQueue).toMatchObject({ ok: true, warns: true });
  expect(wantsQueue?.says).toContain('Set `taskQueue: ferry-data-loose`');
});

it('proves that all workers of a disk see one marker, and leaves nothing there', async () => {
  const [disk] = (await doctor()).get('store disk') ?? [];
  expect(disk).toMatchObject({ ok: true });
  expect(disk?.says).toMatch(/; all 2 see one marker$/);
  for (const worker of workers.slice(1)) expect(disk?.says).toContain(identity(worker));
  expect((await readdir(join(folder, 'disk'))).filter((name) => name !== '.uploads')).toEqual([]);
});

it('names the worker that has another disk under the same path', async () => {
  const stranger = await work('stranger', await configured('elsewhere.yaml', 'elsewhere'), DISK_QUEUE);
  const found = await doctor();
  const trouble = [...found].filter(([what]) => what.startsWith('store disk, '));
  const names = trouble.map(([what]) => what);
  // Who leaves the marker is open: one sees it of two, or two of three.
  const odd = `store disk, ${identity(stranger)}`;
  const others = workers.slice(1, 3).map((worker) => `store disk, ${identity(worker)}`);
  expect([[odd], others.sort()]).toContainEqual(names.sort());
  for (const [, [finding]] of trouble) {
    expect(finding).toMatchObject({ ok: false });
    expect(finding?.says).toContain('does not see the marker that ferry-data@');
  }
  await stranger.stop();
});

it('tells a worker that was killed apart from one that sees another disk', async () => {
  const [, , second] = workers;
  const name = identity(second);
  await second?.kill();
  const [finding] = (await doctor()).get(`store disk, ${name}`) ?? [];
  expect(finding?.says).toMatch(
    /^did not answer(: it was killed a moment ago|, and has not polled for a minute)/,
  );
});

it('says so when the workers read a ferry.yaml that has no such store', async () => {
  const path = join(folder, 'more.yaml');
  const { offsite } = storesOf(gateway, folder);
  const clusters = { a: { url: 'http://127.0.0.1:1' } };
  await writeFile(
    path,
    stringify({ temporal: { address: temporal.address }, clusters, stores: { new: offsite } }),
  );
  const run = await ferry({ config: path, folder }, 'doctor');
  expect(run.stdout).toMatch(/✗ store new: There is no store "new" in ferry.yaml; it has: disk, lonely/);
});

it('ends also when the control worker that is listed is dead', async () => {
  await workers[0]?.kill();
  const [disk] = (await doctor()).get('store disk') ?? [];
  expect(disk).toMatchObject({ ok: false });
  expect(disk?.says).toContain('the one listed does not answer');
});
