// Keys, certificates and ferry.yaml change while workers and jobs run; no worker is started again. `source` has an API key
// in a file; `target` wants client certificates (mTLS).

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import { captureLockId } from '../../src/model/format/backup-names.js';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { makeAuthority, makeCertificate } from '../support/certificates.js';
import { errorOf, ferry, reportOf, startFerry, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { withClient } from '../support/workflows-of.js';

const [OLD, NEW] = ['key-of-yesterday-4711', 'key-of-today-0815'];
const POINTS = 1_500;

let folder: string;
let stack: TestStack;
/** In the place of `stack.source`, after its key was changed. */
let restarted: QdrantServer | undefined;

const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-keys-'));
  await makeAuthority(folder, 'ca');
  await makeAuthority(folder, 'other-ca');
  for (const [authority, name] of [
    ['ca', 'node'],
    ['ca', 'client'],
    ['other-ca', 'stranger'],
  ] as const)
    await makeCertificate(folder, authority, name);
  await writeFile(at('source.key'), `${OLD}\n`);
  stack = await startTestStack({
    sourceEnv: { QDRANT__SERVICE__API_KEY: OLD },
    sourceFields: { apiKeyFile: at('source.key') },
    targetEnv: {
      QDRANT__SERVICE__ENABLE_TLS: 'true',
      QDRANT__SERVICE__VERIFY_HTTPS_CLIENT_CERTIFICATE: 'true',
      QDRANT__TLS__CERT: at('node.crt'),
      QDRANT__TLS__KEY: at('node.key'),
      QDRANT__TLS__CA_CERT: at('ca.crt'),
    },
    targetFields: { caFile: at('ca.crt'), certFile: at('client.crt'), keyFile: at('client.key') },
    stores: (made) => Promise.resolve({ disk: { url: `file://${join(made, 'disk')}` } }),
  });
  await fillRandom({ url: stack.source.url, apiKey: OLD }, { name: 'docs', points: POINTS });
});
afterAll(async () => {
  await restarted?.stop();
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function restartSource(key: string): Promise<void> {
  const [httpPort, grpcPort] = [stack.source.url, stack.source.grpcUrl].map((url) =>
    Number(new URL(url).port),
  );
  await (restarted ?? stack.source).stop();
  restarted = await startQdrant({
    version: '1.16.3',
    storageDir: join(stack.folder, 'source'),
    extraEnv: { QDRANT__SERVICE__API_KEY: key },
    ...{ httpPort: httpPort as number, grpcPort: grpcPort as number },
  });
}

async function changeConfig(
  change: (document: Record<string, Record<string, unknown>>) => void,
): Promise<void> {
  const document = parse(await readFile(stack.config, 'utf8')) as Record<string, Record<string, unknown>>;
  change(document);
  await writeFile(stack.config, stringify(document));
}

const workerSaid = (role: string) => readFile(join(stack.folder, `worker-${role}.log`), 'utf8');

async function untilSaid(role: string, line: RegExp): Promise<void> {
  while (!line.test(await workerSaid(role))) await pause(100);
}

/** Throws when the job ends instead. */
async function untilStatus(
  running: RunningFerry,
  workflowId: string,
  isSo: (status: CollectionStatus) => boolean,
): Promise<CollectionStatus> {
  let over = false;
  void running.ended.then(() => (over = true));
  return withClient(stack.temporal, async ({ workflow }) => {
    for (;;) {
      if (over) throw new Error(`it ended instead: ${running.said()}`);
      const status = await workflow
        .getHandle(workflowId)
        .query<CollectionStatus>('status')
        .catch(() => undefined);
      if (status !== undefined && isSo(status)) return status;
      await pause(100);
    }
  });
}

it('waits for an operator when a key is refused in the middle, and continues with the key in the rewritten file', async () => {
  const pace = ['--max-points-per-second', '300'];
  const running = startFerry(stack, 'migrate', 'source', 'target', 'docs', ...pace, '--json');
  const id = 'ferry/target/docs';
  await untilStatus(running, id, ({ phase }) => phase === 'copying');
  await restartSource(NEW);
  const parked = await untilStatus(running, id, ({ phase }) => phase === 'awaiting-operator');
  expect(parked.attention).toMatch(/^ClusterKeyRefused: .*refused the API key.*apiKeyFile.*Send `retry`/s);
  while (!running.said().includes('ClusterKeyRefused')) await pause(100);
  await writeFile(at('source.key'), `${NEW}\n`);
  expect(await ferry(stack, 'retry', id)).toMatchObject({ code: 0 });
  const ended = await running.ended;
  expect([ended.code, reportOf(ended).outcome]).toEqual([0, 'verified']);
  expect(await workerSaid('data')).toContain('ferry.yaml was reloaded: cluster source has changed');
  expect(ended.stdout + ended.stderr + (await workerSaid('data'))).not.toMatch(/key-of-(yesterday|today)/);
});

it('verifies through client certificates, and names the cluster that does not accept one', async () => {
  expect(await ferry(stack, 'verify', 'source', 'target', 'docs', '--json')).toMatchObject({ code: 0 });
  await changeConfig(({ clusters = {} }) => {
    const { url, grpcUrl } = stack.target;
    const nobody = { url, grpcUrl, caFile: at('ca.crt') };
    clusters['nobody'] = nobody;
    clusters['stranger'] = {
      ...nobody,
      certFile: at('stranger.crt'),
      keyFile: at('stranger.key'),
    };
  });
  for (const alias of ['nobody', 'stranger']) {
    const refused = await ferry(stack, 'verify', 'source', alias, 'docs', '--json');
    expect(refused.code).toBe(1);
    expect(errorOf(refused)).toMatchObject({
      code: 'ClusterUntrusted',
      message: expect.stringMatching(/certFile.*keyFile/s) as string,
    });
  }
});

it('takes a backup through client certificates', async () => {
  const run = await ferry(stack, 'backup', 'target', 'docs', '--store', 'disk', '--json');
  expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
});

it('keeps what it has when ferry.yaml has a fault, says so, and takes the corrected one', async () => {
  const good = await readFile(stack.config, 'utf8');
  await writeFile(stack.config, `${good}nonsense: true\n`);
  for (const role of ['control', 'data'])
    await untilSaid(role, /NOT loaded.*stays in use.*has an unknown field/);
  await writeFile(stack.config, good);
  for (const role of ['control', 'data']) await untilSaid(role, /was reloaded: nothing changed/);
});

it('does not take half of a pair of certificate and key', async () => {
  const key = await readFile(at('client.key'), 'utf8');
  await writeFile(at('client.key'), await readFile(at('stranger.key'), 'utf8'));
  await untilSaid('data', /NOT loaded.*clusters\.target\.certFile and keyFile are not a pair/);
  await writeFile(at('client.key'), key);
  const again = await ferry(stack, 'verify', 'source', 'target', 'docs', '--json');
  expect(again).toMatchObject({ code: 0 });
});

it('knows a new cluster as soon as SIGHUP is sent', async () => {
  const { url, grpcUrl } = stack.source;
  const fresh = { url, grpcUrl, apiKey: NEW };
  await changeConfig(({ clusters = {} }) => {
    clusters['fresh'] = fresh;
    clusters['far'] = { ...fresh, taskQueue: 'near-far' };
  });
  for (const role of ['control', 'data'] as const) {
    process.kill(stack.workers[role].pid, 'SIGHUP');
    await untilSaid(role, /was reloaded: cluster fresh is new, cluster far is new/);
  }
  expect(await workerSaid('data')).toContain('this worker polls near-far only after a restart');
  const verified = await ferry(stack, 'verify', 'fresh', 'target', 'docs', '--json');
  expect(verified).toMatchObject({ code: 0 });
});

it('ends at once when the key is refused at the start', async () => {
  await writeFile(at('source.key'), OLD);
  const refused = await ferry(stack, 'backup', 'source', 'docs', '--store', 'disk', '--json');
  expect(refused.code).toBe(1);
  expect(errorOf(refused).code).toBe('ClusterKeyRefused');
});

it('has a backup wait, too, and end as complete once the key is there', async () => {
  await writeFile(at('source.key'), NEW);
  const slow = ['--max-megabytes-per-second', '0.2', '--store', 'disk', '--json'];
  const running = startFerry(stack, 'backup', 'source', 'docs', ...slow);
  const id = captureLockId('source', 'docs');
  await untilStatus(running, id, ({ phase }) => phase === 'capturing');
  await restartSource(OLD);
  const parked = await untilStatus(running, id, ({ phase }) => phase === 'awaiting-operator');
  expect(parked.attention).toContain('ClusterKeyRefused');
  await writeFile(at('source.key'), OLD);
  expect(await ferry(stack, 'retry', id)).toMatchObject({ code: 0 });
  expect(await running.ended).toMatchObject({ code: 0 });
});
