// Clusters without gRPC: what needs it says so before anything is written, what does not need it works, and with
// `grpc: false` everything works over REST, to the same bits.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { compareSides } from '../support/compare-sides.js';
import { errorOf, ferry, reportOf, type FerryRun } from '../support/ferry-command.js';
import { fillNotNumbers, NOT_NUMBERS } from '../support/not-numbers.js';
import { rest } from '../support/rest-text.js';
import { fillWorst, WORST } from '../support/worst-collection.js';

const NOWHERE = 'http://127.0.0.1:1';

let stack: BackupStack;
let points = 0;

beforeAll(async () => {
  stack = await startBackupStack({
    moreClusters: ({ source, target }) => ({
      restSource: { url: source.url, grpc: false },
      restTarget: { url: target.url, grpc: false },
      lostSource: { url: source.url, grpcUrl: NOWHERE },
      lostTarget: { url: target.url, grpcUrl: NOWHERE },
    }),
  });
  points = await fillWorst(stack.source, WORST, { ordinary: 300 });
});
afterAll(() => stack?.stop());

const run = (...args: string[]) => ferry(stack, ...args, '--json');
const there = async () => {
  const { result } = JSON.parse(await rest(stack.target, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map(({ name }) => name).sort();
};

function requireVerified(done: FerryRun): void {
  expect(done, done.stdout + done.stderr).toMatchObject({ code: 0 });
  expect(reportOf(done)).toMatchObject({ outcome: 'verified' });
}

it('says at once which cluster has no gRPC, what for, and what to set, and writes nothing', async () => {
  for (const args of [
    ['migrate', 'lostSource', 'target', WORST],
    ['migrate', 'source', 'lostTarget', WORST],
    ['backup', 'lostSource', WORST],
  ]) {
    const refused = await run(...args);
    const { code, message } = errorOf(refused);
    expect(code).toBe('GrpcMissing');
    expect(message).toContain('answers over REST, but not over gRPC, which this job needs for');
    expect(message).toContain('set `grpc: false`');
    expect(refused.seconds).toBeLessThan(15);
  }
  expect(await there()).toEqual([]);
});

it('backs up without gRPC where nothing is digested', async () => {
  const done = await run('backup', 'lostSource', WORST, '--no-digest');
  expect(done, done.stdout + done.stderr).toMatchObject({ code: 0 });
  expect(reportOf(done).collections[0]).toMatchObject({ points });
});

it('backs up, restores and compares over REST alone, proved by what gRPC digested', async () => {
  requireVerified(await run('backup', 'source', WORST));
  const refused = await run('restore', 'lostTarget', WORST, '--cluster', 'source');
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toContain('GrpcMissing');
  expect(refused.stdout).toContain('set `grpc: false`');
  expect(refused.seconds).toBeLessThan(15);
  expect(await there()).toEqual([]);
  const restored = await run('restore', 'restTarget', WORST, '--cluster', 'source');
  requireVerified(restored);
  expect(JSON.stringify(reportOf(restored))).toContain('over REST as text');
  await rest(stack.target, 'DELETE', `/collections/${WORST}`);
});

it('migrates and verifies over REST alone, every bit as it was', async () => {
  const migrated = await run('migrate', 'restSource', 'restTarget', WORST, '--as', 'text');
  requireVerified(migrated);
  expect(JSON.stringify(reportOf(migrated))).toContain('over REST as text');
  expect(await compareSides(stack.side('source', WORST), stack.side('target', 'text'))).toEqual({
    points,
    differences: [],
    configuration: [],
  });
  requireVerified(await run('verify', 'restSource', 'target', WORST, '--as', 'text'));
});

it('carries NaN and infinity over gRPC, and names the point and the vector where there is REST only', async () => {
  await fillNotNumbers(stack.source);
  requireVerified(await run('migrate', 'source', 'target', NOT_NUMBERS));
  const refused = await run(
    ...['migrate', 'restSource', 'target', NOT_NUMBERS],
    ...['--as', 'as-text', '--on-failure', 'fail'],
  );
  expect(refused.code).not.toBe(0);
  expect(refused.stdout).toMatch(/Point 2 has NaN or infinity in its vector \\?"(angle|half|rows|flat)/);
  expect(refused.seconds).toBeLessThan(15);
});
