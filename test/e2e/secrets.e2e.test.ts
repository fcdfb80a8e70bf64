// Nothing secret and nothing large ever reaches Temporal: read from the histories it really keeps.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fillMade, fillSample } from '../../demo/sample-collections.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { type KeptPayload, keptPayloads } from '../support/kept-payloads.js';
import { allOf, bytesOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest, type RestSide } from '../support/rest-text.js';

const KEY = 'target-key-90ab34cd11';
const WRONG_KEY = 'wrong-key-c0de77aa31';
const SECRET_VALUE = 'a-private-value-of-a-payload';
const STORE_KEY = 'a-key-of-this-test';
const LIMIT_BYTES = 16 * 1024;

let stack: BackupStack;
let kept: KeptPayload[];

beforeAll(async () => {
  // As users keep keys: in the environment, named by ferry.yaml.
  process.env['TARGET_QDRANT_KEY'] = KEY;
  stack = await startBackupStack({
    targetEnv: { QDRANT__SERVICE__API_KEY: KEY },
    targetFields: { apiKey: '${TARGET_QDRANT_KEY}' },
    moreClusters: ({ target }) => ({
      locked: { url: target.url, grpcUrl: target.grpcUrl, apiKey: WRONG_KEY },
    }),
  });
  await demoJobs();
  await manyCollections();
  await damagedPoint();
  await pulledSnapshot();
  await backupAndRecovery();
  const refused = await ferry(stack, 'migrate', 'source', 'locked', 'debian-packages', '--json');
  expect(refused.stdout).toContain('ClusterKeyRefused');
  kept = await keptPayloads(stack.temporal);
});
afterAll(async () => stack?.stop());

it('keeps every payload of every history under 16 KiB', () => {
  const largest = kept.reduce((most, one) => (one.bytes > most.bytes ? one : most));
  const said = `${kept.length} payloads and events, the largest ${largest.bytes} bytes`;
  process.stdout.write(`${said} (${largest.workflowId}, ${largest.event})\n`);
  expect(largest.bytes).toBeGreaterThan(0);
  expect(kept.filter((one) => one.bytes >= LIMIT_BYTES)).toEqual([]);
});

it.each([
  ['the key of a cluster', KEY],
  ['a key that was refused', WRONG_KEY],
  ['a value of a payload that differed', SECRET_VALUE],
  ['the key of a store', STORE_KEY],
  ['the signature of an address that a node was given', 'X-Amz-Signature'],
])('keeps %s out of every history', (_, secret) => {
  const forms = [secret, Buffer.from(secret).toString('base64').replace(/=+$/, '')];
  const holders = kept.filter(({ text }) => forms.some((form) => text.includes(form)));
  expect(holders.map(({ workflowId, event }) => `${workflowId}: ${event}`)).toEqual([]);
});

it('writes no key into the logs of the workers', async () => {
  for (const role of ['control', 'data']) {
    const log = await readFile(join(stack.folder, `worker-${role}.log`), 'utf8');
    expect(log).not.toContain(KEY);
    expect(log).not.toContain(WRONG_KEY);
    expect(log).not.toContain(SECRET_VALUE);
    expect(log).not.toContain(STORE_KEY);
    expect(log).not.toContain('X-Amz-Signature');
  }
});

/** There with pauses in between, as the demo does, and back, so that the key is used for reading too. */
async function demoJobs(): Promise<void> {
  await fillSample(stack.source.url);
  await fillMade(stack.source.url, { points: 5_000 });
  const pace = ['--max-points-per-second', '4000', '--copy-aliases', '--slices', '16'];
  expect(await ferry(stack, 'migrate', 'source', 'target', ...pace, '--json')).toMatchObject({ code: 0 });
  const back = ['migrate', 'target', 'source', 'made-50k', '--as', 'made-back', '--json'];
  expect(await ferry(stack, ...back)).toMatchObject({ code: 0 });
}

/** Long names, in one job: the lists in inputs and results are what grows. */
async function manyCollections(): Promise<void> {
  const names = Array.from({ length: 16 }, (_, i) => `${String(i).padStart(3, '0')}-${'n'.repeat(240)}`);
  for (const name of names) await fillRandom(stack.source, { name, points: 20, dimension: 2 });
  const run = await ferry(stack, 'migrate', 'source', 'target', ...names, '--concurrency', '8', '--json');
  expect(run).toMatchObject({ code: 0 });
}

async function damagedPoint(): Promise<void> {
  const target: RestSide = { url: stack.target.url, apiKey: KEY };
  const body = `{"payload":{"private":"${SECRET_VALUE}"},"points":[17]}`;
  await rest(target, 'POST', `${collectionPath('debian-packages')}/points/payload?wait=true`, body);
  const run = await ferry(stack, 'verify', 'source', 'target', 'debian-packages', '--json');
  expect(run).toMatchObject({ code: 3 });
  expect(run.stdout).toContain('17');
  expect(run.stdout).not.toContain(SECRET_VALUE);
}

/** As a snapshot that a node fetches from another one that wants a key: ferry tells it the key. */
async function pulledSnapshot(): Promise<void> {
  const moved = ['migrate', 'target', 'target', 'made-50k', '--as', 'made-pulled', '--method', 'snapshot'];
  const run = await ferry(stack, ...moved, '--via', 'pull', '--json');
  expect(run).toMatchObject({ code: 0 });
  expect(reportOf(run).collections[0]).toMatchObject({ outcome: 'verified', moved: { via: 'pull' } });
}

/** Also a recovery that fails: a node repeats the whole address that it was given in what it says. */
async function backupAndRecovery(): Promise<void> {
  const made = await ferry(stack, 'backup', 'target', 'made-50k', 'debian-packages', '--json');
  expect(made).toMatchObject({ code: 0 });
  const which = ['--backup', reportOf(made).backup ?? '', '--via', 'pull', '--json'];
  const back = ['restore', 'target', 'made-50k', '--as', 'made-recovered', ...which];
  expect(await ferry(stack, ...back)).toMatchObject({ code: 0 });
  const rehearsed = await ferry(stack, 'rehearse', 'target', 'debian-packages', ...which);
  expect(rehearsed).toMatchObject({ code: 0 });
  await flipOneBit('debian-packages');
  const failed = await ferry(stack, 'restore', 'target', 'debian-packages', '--as', 'damaged', ...which);
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('ObjectDamaged');
  expect(failed.stdout).not.toContain('X-Amz-Signature');
}

async function flipOneBit(collection: string): Promise<void> {
  const store = storeOf(stack);
  const objects = await allOf(store.list(''));
  const snapshot = objects.find(({ key }) => key.endsWith('.snapshot') && key.includes(`/${collection}/`));
  const bytes = await bytesOf(store.read(snapshot?.key ?? ''));
  bytes[bytes.length >> 1]! ^= 1;
  await store.delete(snapshot?.key ?? '');
  await store.put(snapshot?.key ?? '', bytes);
}
