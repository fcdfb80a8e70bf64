// Source and target behind TLS with an authority of our own, REST and gRPC.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareSides } from '../support/compare-sides.js';
import { ferry } from '../support/ferry-command.js';
import type { RestSide } from '../support/rest-text.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';
import { fillWorst, WORST } from '../support/worst-collection.js';

const run = promisify(execFile);
const KEY = 'key-behind-tls-3355';

let folder: string;
let stack: TestStack;
let ca: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-tls-'));
  await makeCertificates();
  ca = await readFile(join(folder, 'ca.crt'), 'utf8');
  const served = {
    QDRANT__SERVICE__ENABLE_TLS: 'true',
    QDRANT__TLS__CERT: join(folder, 'node.crt'),
    QDRANT__TLS__KEY: join(folder, 'node.key'),
    QDRANT__SERVICE__API_KEY: KEY,
  };
  const trusted = { ca: join(folder, 'ca.crt'), apiKey: KEY };
  stack = await startTestStack({
    sourceEnv: served,
    targetEnv: served,
    sourceFields: trusted,
    targetFields: trusted,
    moreClusters: ({ source, target }) => ({
      untrusted: { url: source.url, grpcUrl: source.grpcUrl, apiKey: KEY },
      stranger: { url: target.url, grpcUrl: target.grpcUrl, apiKey: KEY, ca: join(folder, 'other-ca.crt') },
    }),
  });
});
afterAll(async () => {
  await stack?.stop();
  await rm(folder, { recursive: true, force: true });
});

const side = (which: 'source' | 'target'): RestSide => ({ url: stack[which].url, apiKey: KEY, ca });

it('moves the worst collection through TLS on both sides, equal bit for bit', async () => {
  const points = await fillWorst(side('source'));
  expect(await ferry(stack, 'migrate', 'source', 'target', WORST, '--json')).toMatchObject({ code: 0 });
  const collection = WORST;
  const compared = await compareSides({ ...side('source'), collection }, { ...side('target'), collection });
  expect(compared).toEqual({ points, differences: [], configuration: [] });
});

it.each([
  ['whose authority ferry.yaml does not name', ['untrusted', 'target', WORST, '--as', 'never']],
  ['of which ferry.yaml names another authority', ['source', 'stranger', WORST, '--as', 'never']],
])('does not talk to a cluster %s', async (_, args) => {
  const refused = await ferry(stack, 'migrate', ...args, '--json');
  expect(refused.code).toBe(1);
  expect(refused.stdout).toContain('ClusterUntrusted');
  expect(refused.stdout + refused.stderr).not.toContain(KEY);
});

/** An authority, a certificate of it for this machine, and an authority that signed nothing. */
async function makeCertificates(): Promise<void> {
  await makeAuthority('ca');
  await makeAuthority('other-ca');
  const at = (name: string) => join(folder, name);
  await writeFile(at('san'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n');
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', at('node.key')];
  await run('openssl', ['req', ...key, '-out', at('node.csr'), '-subj', '/CN=node']);
  const signer = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('san')];
  await run('openssl', [
    'x509',
    '-req',
    '-in',
    at('node.csr'),
    ...signer,
    '-days',
    '2',
    '-out',
    at('node.crt'),
  ]);
}

async function makeAuthority(name: string): Promise<void> {
  const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.crt`)];
  const subject = ['-days', '2', '-subj', `/CN=${name}`];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...files, ...subject]);
}
