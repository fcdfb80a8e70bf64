// The activities as Temporal calls them: heartbeats, cancellation, who holds a lock, a private authority.

import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createControlActivities } from '../../src/activities/control-activities.js';
import { startQdrant, startTemporal, type QdrantServer, type TemporalServer } from '../../src/local/index.js';
import type { ControlActivities, DescribeHolderResult } from '../../src/model/contracts/activities.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { make } from '../support/control-sides.js';

let folder: string;
let temporal: TemporalServer;
let plain: QdrantServer;
let secure: QdrantServer;
let connection: Connection;
let activities: ControlActivities;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-activities-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=ferry', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', ...made, ...subject], { stdio: 'ignore' });
  temporal = await startTemporal({ dbFile: join(folder, 'temporal/temporal.db'), ui: false });
  plain = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'plain') });
  secure = await startQdrant({
    version: '1.17.0',
    storageDir: join(folder, 'secure'),
    extraEnv: {
      QDRANT__SERVICE__ENABLE_TLS: 'true',
      QDRANT__TLS__CERT: cert,
      QDRANT__TLS__KEY: key,
    },
  });
  connection = await Connection.connect({ address: temporal.address });
  activities = createControlActivities({
    controls: qdrantControls({
      plain: { alias: 'plain', nodes: [plain], taskQueue: 'near-plain' },
      trusted: { alias: 'trusted', nodes: [secure], ca: await readFile(cert, 'utf8') },
      untrusted: { alias: 'untrusted', nodes: [secure] },
    }),
    client: new Client({ connection }),
    searchAttributes: false,
  });
  await make(plain, 'docs', 4);
});

afterAll(async () => {
  await connection?.close();
  for (const one of [temporal, plain, secure]) await one?.stop();
  await rm(folder, { recursive: true, force: true });
});

test('reaches a cluster whose certificate a private authority signed, and no other way', async () => {
  const environment = new MockActivityEnvironment();
  const to = (target: string) => environment.run(activities.resolveCollections, { source: 'plain', target });
  expect(await to('trusted')).toEqual({
    collections: [{ asked: 'docs', source: 'docs', target: 'docs' }],
    dataQueue: 'near-plain',
    notes: [],
    searchAttributes: false,
  });
  await expect(to('untrusted')).rejects.toMatchObject({ code: 'ClusterUntrusted', retryable: false });
});

test('counts exactly', async () => {
  const environment = new MockActivityEnvironment();
  const collection = { cluster: 'plain', collection: 'docs' };
  expect(await environment.run(activities.countPoints, { collection })).toEqual({ count: 4 });
});

test('heartbeats what it waits for, and ends with the reason of the cancellation', async () => {
  const environment = new MockActivityEnvironment();
  const seen: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => {
    seen.push(details);
    environment.cancel('CANCELLED');
  });
  const target = { cluster: 'plain', collection: 'docs' };
  const work = environment.run(activities.awaitReady, { target, waitMs: 60_000 });
  await expect(work).rejects.toMatchObject({ name: 'CancelledFailure' });
  expect(seen).toEqual([{ v: 1, what: expect.stringContaining('waiting for docs on plain') }]);
});

test('names the job that holds a collection, also when it has just ended', async () => {
  const client = new Client({ connection });
  const environment = new MockActivityEnvironment();
  const describe = (workflowId: string): Promise<DescribeHolderResult> =>
    environment.run(activities.describeHolder, { workflowId });
  const handle = await client.workflow.start('scrollMigration', {
    workflowId: 'nightly-move',
    taskQueue: 'nobody-listens',
  });
  expect((await describe('nightly-move')).holder).toMatch(
    /^scrollMigration nightly-move, running since \d{4}-/,
  );
  await handle.terminate();
  expect((await describe('nightly-move')).holder).toBe('nightly-move, which has just ended');
  expect((await describe('never-was')).holder).toBe('never-was, which has just ended');
});
