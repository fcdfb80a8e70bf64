// Notifiers against a real receiver, and real programs. The receiver verifies signatures with lines of its own.

import { createHmac, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHealthActivities } from '../../src/activities/health-activities.js';
import type { CheckReport } from '../../src/model/contracts/check-activities.js';
import type { Announcement, Notification } from '../../src/model/contracts/health-activities.js';
import type { Notifier } from '../../src/model/health/notifier-schema.js';
import { ferry } from '../support/ferry-command.js';

const SECRET = `whsec_${randomBytes(32).toString('base64')}`;
const TOKEN = 'Bearer very-secret-0815';
const NODE = process.execPath;

interface Request {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

let folder: string;
let server: Server;
let root: string;
/** Where nobody listens. */
let closed: string;
let requests: Request[] = [];
/** What the receiver answers at "/flaky", one after the other. */
let answers: number[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-notify-'));
  server = createServer((request, response) => {
    const { url: path = '', headers } = request;
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ path, headers, body });
      if (path === '/silent') return;
      if (path === '/redirect') response.writeHead(302, { location: '/ok' });
      else response.writeHead(path === '/flaky' ? (answers.shift() ?? 204) : path === '/ok' ? 200 : 404);
      response.end(path === '/ok' ? 'thank you' : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  root = addressOf(server);
  const gone = createServer();
  await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
  closed = addressOf(gone);
  await new Promise((resolve) => gone.close(resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

beforeEach(() => {
  requests = [];
  answers = [];
});

const addressOf = (one: Server) => `http://127.0.0.1:${(one.address() as AddressInfo).port}`;

const hook = (path: string, more: Partial<Notifier> = {}): Notifier => ({
  ...{ name: 'ops', webhook: `${root}${path}`, secret: SECRET, timeoutSeconds: 10 },
  headers: { authorization: TOKEN },
  ...more,
});
const program = (script: string, timeoutSeconds = 20): Notifier => ({
  ...{ name: 'ops', timeoutSeconds, command: [NODE, '-e', script] },
});

const trouble: CheckReport = {
  ...{ status: 'warning', checkedAt: '2026-11-28T12:00:00.000Z', policy: 'nightly' },
  findings: [
    {
      ...{ severity: 'warning', kind: 'noBackup', cluster: 'prod', collection: 'docs' },
      ...{ text: '"docs" of prod has no backup in offsite.', hint: 'Run `ferry backup prod docs`.' },
    },
  ],
  ...{ collections: [], stores: [], disks: [], schedules: [], queues: [] },
};

/** Of one attempt; the last one, unless told otherwise. */
async function announced(
  notifiers: Record<string, Notifier>,
  {
    attempt = 4,
    notify = Object.keys(notifiers),
    details = undefined as unknown,
    report = trouble,
    previous = {},
  } = {},
): Promise<{ result: Announcement; beats: unknown[] }> {
  const environment = new MockActivityEnvironment({ attempt, heartbeatDetails: details });
  const beats: unknown[] = [];
  environment.on('heartbeat', (beat: unknown) => beats.push(structuredClone(beat)));
  const activities = createHealthActivities({ notifiers, linkOf: (id) => `http://ui/${id}` });
  const before = Object.keys(previous).length === 0 ? undefined : (previous as CheckReport);
  const input = { report, previous: before, notify, remindHours: 24 };
  const result = (await environment.run(activities.announceHealth, input)) as Announcement;
  return { result, beats };
}

/** Without our code: standard-webhooks, "Verifying signatures". */
function isSigned({ headers, body }: Request): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  const key = Buffer.from(SECRET.replace('whsec_', ''), 'base64');
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

describe('a webhook', () => {
  it('is signed, carries the findings, and is sent once for the same state', async () => {
    const { result } = await announced({ ops: hook('/ok') });
    expect(result).toMatchObject({ sent: ['ops'], failed: [], announced: { ops: { status: 'warning' } } });
    const [request] = requests;
    expect(request && isSigned(request)).toBe(true);
    expect(request?.headers).toMatchObject({ authorization: TOKEN, 'content-type': 'application/json' });
    expect(Math.abs(Number(request?.headers['webhook-timestamp']) * 1_000 - Date.now())).toBeLessThan(
      300_000,
    );
    const body = JSON.parse(request?.body ?? '') as Notification;
    expect(body).toMatchObject({
      ...{ reason: 'changed', status: 'warning', previous: null, policy: 'nightly' },
      ...{ findings: trouble.findings, checkedAt: trouble.checkedAt },
      link: expect.stringContaining('http://ui/') as string,
    });
    const previous = { ...trouble, announcement: result };
    const again = await announced({ ops: hook('/ok') }, { previous });
    expect(again.result).toEqual({ announced: result.announced, sent: [], failed: [] });
    expect(requests).toHaveLength(1);
  });

  it('is repeated under the same id, and only to whom it did not reach', async () => {
    answers = [500];
    const both = { ops: hook('/flaky', { name: 'ops' }), log: hook('/ok', { name: 'log' }) };
    const beats: unknown[] = [];
    const environment = new MockActivityEnvironment({ attempt: 1 });
    environment.on('heartbeat', (beat: unknown) => beats.push(structuredClone(beat)));
    const activities = createHealthActivities({ notifiers: both, linkOf: () => undefined });
    const input = { report: trouble, notify: ['ops', 'log'], remindHours: 24 };
    await expect(environment.run(activities.announceHealth, input)).rejects.toMatchObject({
      ...{ code: 'NotificationFailed', retryable: true },
    });
    const { result } = await announced(both, { attempt: 2, details: beats.at(-1) });
    expect([...result.sent].sort()).toEqual(['log', 'ops']);
    expect(requests.map(({ path }) => path).sort()).toEqual(['/flaky', '/flaky', '/ok']);
    const ids = requests.filter(({ path }) => path === '/flaky').map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(1);
  });

  it.each([
    ['404', () => hook('/gone'), 'HTTP 404'],
    ['a redirect', () => hook('/redirect'), 'a redirect, which is not followed'],
    ['silence', () => hook('/silent', { timeoutSeconds: 1 }), 'did not answer within 1 s'],
    ['a closed port', () => hook('', { webhook: `${closed}/private-path` }), 'cannot be reached (E'],
  ])('that ends in %s stands in the result, and is told by the next check', async (_, notifier, why) => {
    const { result } = await announced({ ops: notifier() });
    expect(result).toMatchObject({ announced: {}, sent: [], failed: [{ notifier: 'ops' }] });
    expect(result.failed[0]?.why).toContain(why);
    expect(JSON.stringify(result)).not.toMatch(/whsec_|very-secret|private-path/);
    expect(requests.filter(({ path }) => path === '/ok')).toEqual([]);
    const previous = { ...trouble, announcement: result };
    expect((await announced({ ops: hook('/ok') }, { previous })).result.sent).toEqual(['ops']);
  });

  it('reminds, and tells once that all is well', async () => {
    const first = (await announced({ ops: hook('/ok') })).result;
    const later = { ...trouble, checkedAt: '2026-11-29T12:00:00.000Z' };
    const second = (
      await announced({ ops: hook('/ok') }, { report: later, previous: { ...trouble, announcement: first } })
    ).result;
    const well: CheckReport = { ...later, status: 'ok', findings: [], checkedAt: '2026-11-29T13:00:00.000Z' };
    const third = (
      await announced({ ops: hook('/ok') }, { report: well, previous: { ...later, announcement: second } })
    ).result;
    await announced({ ops: hook('/ok') }, { report: well, previous: { ...well, announcement: third } });
    const told = requests.map(({ body }) => (JSON.parse(body) as Notification).reason);
    expect(told).toEqual(['changed', 'reminder', 'recovered']);
  });

  it('to a name that ferry.yaml does not have is a failure of that name only', async () => {
    const { result } = await announced({ ops: hook('/ok') }, { notify: ['ops', 'nobody'] });
    expect(result).toMatchObject({ sent: ['ops'], failed: [{ notifier: 'nobody' }] });
    expect(result.failed[0]?.why).toBe('There is no notifier "nobody" in ferry.yaml; it has: ops');
  });
});

describe('a command', () => {
  it('gets the message on its stdin, and no shell reads its arguments', async () => {
    const file = join(folder, 'told.json');
    const script = 'require("fs").writeFileSync(process.argv[1], require("fs").readFileSync(0))';
    const notifier = { ...program(script), command: [NODE, '-e', script, file, '; exit 1'] };
    const { result } = await announced({ ops: notifier });
    expect(result.failed).toEqual([]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ reason: 'changed', status: 'warning' });
  });

  it.each([
    ['fails', program('console.error("very-secret"); process.exit(3)'), 'ended with exit status 3'],
    ['hangs', program('setInterval(() => {}, 1000)', 1), 'did not end within 1 s'],
    ['writes too much', program('setInterval(() => console.log("x".repeat(9000)), 1)'), 'wrote more than'],
    [
      'is not there',
      { ...program(''), command: ['/nowhere/tell'] },
      'cannot be started (ENOENT: there is no such program on this machine)',
    ],
  ])('that %s stands in the result, without what it wrote', async (_, notifier, why) => {
    const { result } = await announced({ ops: notifier });
    expect(result.failed[0]?.why).toContain(why);
    expect(JSON.stringify(result)).not.toContain('very-secret');
  });

  it('takes what it started with it', async () => {
    const file = join(folder, 'late');
    const late = `setTimeout(() => require("fs").writeFileSync(${JSON.stringify(file)}, ""), 2000)`;
    const script = `require("child_process").spawn(process.execPath, ["-e", ${JSON.stringify(late)}], {stdio: "ignore"}).on("spawn", () => console.log(1)); setInterval(() => {}, 1000)`;
    await announced({ ops: program(script, 1) });
    // Longer than the one that was started would have waited.
    await announced({ ops: program('setInterval(() => {}, 1000)', 3) });
    expect(existsSync(file)).toBe(false);
  });
});

describe('ferry notify test', () => {
  it('shows the answer of the receiver, and names what is wrong', async () => {
    const config = join(folder, 'ferry.yaml');
    await writeFile(
      config,
      `clusters: {}\nnotifiers:\n  ops: { webhook: "${root}/ok", secret: "${SECRET}" }\n  old: { webhook: "${root}/gone", secret: "${SECRET}" }\n`,
    );
    const run = await ferry({ config, folder }, 'notify', 'test', 'ops', '--json');
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ notifier: 'ops', answer: 'HTTP 200', said: 'thank you' });
    expect(requests.map((request) => isSigned(request))).toEqual([true]);
    const failed = await ferry({ config, folder }, 'notify', 'test', 'old');
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('NotificationFailed');
    expect(failed.stderr).toContain('HTTP 404');
    const unknown = await ferry({ config, folder }, 'notify', 'test', 'nobody');
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('it has: old, ops')]);
  });
});
