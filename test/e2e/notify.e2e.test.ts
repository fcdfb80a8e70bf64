// A policy tells a webhook: what its check finds, a reminder, and the end; with no secret in Temporal or in a log.

import { createHmac, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CheckReport } from '../../src/model/contracts/check-activities.js';
import type { Notification } from '../../src/model/contracts/health-activities.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { ferry } from '../support/ferry-command.js';
import { keptPayloads } from '../support/kept-payloads.js';
import { fillRandom } from '../support/random-collection.js';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const TOKEN = 'a-private-token-of-a-header';
const PATH = '/a-private-path-of-a-webhook';

let stack: BackupStack;
let receiver: Server;
let connection: Connection;
const taken: { headers: IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      taken.push({ headers: request.headers, body });
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  stack = await startBackupStack();
  const more = [
    'policies:',
    '  watch: { clusters: [source], store: offsite, check: "weekly sun 03:00", notify: [ops, gone] }',
    'notifiers:',
    '  ops:',
    `    webhook: "http://127.0.0.1:${port}${PATH}"`,
    `    secret: "${SECRET}"`,
    `    headers: { authorization: "${TOKEN}" }`,
    '    remindHours: 0.000001',
    `  gone: { command: [/nowhere/tell, "${TOKEN}"] }`,
  ];
  await writeFile(stack.config, `${await readFile(stack.config, 'utf8')}\n${more.join('\n')}\n`);
  await fillRandom(stack.source, { name: 'docs', points: 50 });
  connection = await Connection.connect({ address: stack.temporal.address });
});
afterAll(async () => {
  await connection?.close();
  await stack?.stop();
  receiver.closeAllConnections();
  await new Promise((resolve) => receiver.close(resolve));
});

/** The report of the check that the schedule has started, the `number`th, and the messages that came with it. */
async function checked(number: number): Promise<{ report: CheckReport; told: Notification[] }> {
  const before = taken.length;
  const client = new Client({ connection });
  const schedule = client.schedule.getHandle('ferry/watch/source/check');
  expect(await ferry(stack, 'policies', 'run', 'watch', 'check')).toMatchObject({ code: 0 });
  for (;;) {
    const { numActionsTaken, recentActions, runningActions } = (await schedule.describe()).info;
    const last = recentActions.at(-1)?.action.workflow;
    if (numActionsTaken === number && runningActions.length === 0 && last) {
      const handle = client.workflow.getHandle(last.workflowId, last.firstExecutionRunId);
      const report = (await handle.result()) as CheckReport;
      return { report, told: taken.slice(before).map(({ body }) => JSON.parse(body) as Notification) };
    }
    await sleep(200);
  }
}

const NO_BACKUP = expect.objectContaining({ kind: 'noBackup', collection: 'docs' }) as unknown;

it('tells what began, reminds, and tells what ended', async () => {
  expect(await ferry(stack, 'policies', 'apply', '--yes')).toMatchObject({ code: 0 });
  const first = await checked(1);
  expect(first.told).toMatchObject([{ reason: 'changed', previous: null, policy: 'watch' }]);
  expect(first.told[0]?.changes.begun).toContainEqual(NO_BACKUP);
  expect(first.report.announcement).toMatchObject({ sent: ['ops'], failed: [{ notifier: 'gone' }] });

  const second = await checked(2);
  expect(second.told).toMatchObject([{ reason: 'reminder', changes: { begun: [], ended: [] } }]);

  expect(await ferry(stack, 'backup', 'source', 'docs')).toMatchObject({ code: 0 });
  const third = await checked(3);
  // Whatever the disk of this machine holds.
  const reason = third.report.status === 'ok' ? 'recovered' : 'changed';
  expect(third.told).toMatchObject([{ reason, previous: first.report.status, changes: { begun: [] } }]);
  expect(third.told[0]?.changes.ended).toContainEqual(NO_BACKUP);
});

it('signs each message, under an id of its own', () => {
  const key = Buffer.from(SECRET.replace('whsec_', ''), 'base64');
  for (const { headers, body } of taken) {
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
    const wanted = createHmac('sha256', key).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${wanted}`);
  }
  expect(new Set(taken.map(({ headers }) => headers['webhook-id'])).size).toBe(3);
});

it('keeps secrets out of every history and log', async () => {
  const kept = await keptPayloads(stack.temporal);
  expect(kept.some(({ text }) => text.includes('announcement'))).toBe(true);
  const logs = ['control', 'data'].map((role) => readFile(join(stack.folder, `worker-${role}.log`), 'utf8'));
  const texts = [...kept.map(({ text }) => text), ...(await Promise.all(logs))];
  for (const secret of [SECRET, TOKEN, PATH])
    expect(texts.filter((text) => text.includes(secret))).toEqual([]);
});
