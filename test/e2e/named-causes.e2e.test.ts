// Whatever a job waits for is said on the screen of the command and in `ferry status`, with its cause, while it waits: a full
// disk, a node that is away, a worker that was killed.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobDetails } from '../../src/cli/watch/job-details.js';
import { writeLockId } from '../../src/model/names.js';
import { errorOf, ferry, reportOf, startFerry, type RunningFerry } from '../support/ferry-command.js';
import { pause } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { recreateCollection, upsertTexts } from '../support/rest-text.js';
import { mayMountDisks, mountSmallDisk, type SmallDisk } from '../support/small-disk.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';

let stack: TestStack;
const mayMount = await mayMountDisks();
let disk: SmallDisk | undefined;
beforeAll(async () => {
  disk = mayMount ? await mountSmallDisk(400) : undefined;
  stack = await startTestStack({
    ...(disk === undefined ? {} : { targetEnv: disk.qdrantEnv }),
    stores: async (folder) => ({ store: { url: `file://${join(folder, 'store')}` } }),
  });
});
afterAll(async () => {
  await stack?.stop();
  await disk?.remove();
});

/** The line that matches, once the command has said it. */
async function lineOf(run: RunningFerry, pattern: RegExp): Promise<string> {
  const said = () =>
    run
      .said()
      .split('\n')
      .find((one) => pattern.test(one));
  const end = run.ended.then(() => 'ended' as const);
  while (said() === undefined) {
    if ((await Promise.race([end, pause(100)])) === 'ended') break;
  }
  return said() ?? `never said:\n${run.said()}`;
}

const statusOf = async (id: string): Promise<JobDetails> =>
  JSON.parse((await ferry(stack, 'status', id, '--json')).stdout) as JobDetails;

it.runIf(mayMount)(
  'parks where the target’s disk is full, says so with Qdrant’s sentence, and goes on when there is room',
  async () => {
    await recreateCollection(stack.source, 'bulky', '{"vectors":{"size":4,"distance":"Dot"}}');
    const text = 'x'.repeat(20_000);
    for (let at = 0; at < 2_000; at += 500) {
      const points = Array.from(
        { length: 500 },
        (_, i) => `{"id":${at + i},"vector":[1,2,3,4],"payload":{"text":"${text}"}}`,
      );
      await upsertTexts(stack.source, 'bulky', points);
    }
    await disk?.fillBut(80);
    const run = startFerry(stack, 'migrate', 'source', 'target', 'bulky', '--id', 'full');
    const sentence = /No space left on device/;
    expect(await lineOf(run, /bulky is parked/)).toMatch(
      /bulky is parked: QdrantDiskFull: .*No space left on device: WAL buffer size exceeds available disk space.*Free space.*ferry retry ferry\/target\/bulky/,
    );
    const said = await ferry(stack, 'status', 'full');
    expect(said.stdout).toMatch(/parked/);
    expect(said.stdout).toMatch(sentence);
    expect((await ferry(stack, 'status')).stdout).toMatch(sentence);
    expect((await statusOf('full')).job?.collections[0]?.status?.attention).toMatch(/^QdrantDiskFull: /);
    await disk?.free();
    await ferry(stack, 'retry', writeLockId('target', 'bulky'));
    const end = await run.ended;
    expect(end.stdout).toMatch(/verified/);
    expect(end.code).toBe(0);
  },
);

it('says why an attempt failed and when the next one comes, and that nobody polls a queue', async () => {
  await fillRandom(stack.source, { name: 'docs', points: 3_000 });
  await fillRandom(stack.source, { name: 'more', points: 100 });
  const args = ['--id', 'slow', '--slices', '2', '--max-points-per-second', '200'];
  const run = startFerry(stack, 'migrate', 'source', 'target', 'docs', ...args);
  await lineOf(run, /copying docs: [1-9]/);

  await stack.target.kill();
  const failed = /copy slice .* of docs.*: attempt \d+ failed, .*\. (QdrantUnavailable|ClusterUnreachable): /;
  expect(await lineOf(run, failed)).toMatch(/the next one in \d+(\.\d)? s|attempt \d+ runs/);
  let status = await statusOf('slow');
  while ((status.problems ?? []).length === 0) status = await statusOf('slow');
  expect(status.problems?.join('\n')).toMatch(failed);
  expect(status.job?.collections[0]?.troubles[0]).toMatchObject({
    activity: 'copySlice',
    queue: 'ferry-data',
    error: { code: expect.stringMatching(/^(QdrantUnavailable|ClusterUnreachable)$/) as string },
  });
  await stack.target.start();

  expect((await ferry(stack, 'backup', 'source', 'more', '--json')).code).toBe(0);
  await stack.workers.data.kill();
  const idle = [
    startFerry(stack, 'migrate', 'source', 'target', 'more', '--id', 'idle'),
    startFerry(stack, 'backup', 'source', 'more', '--no-digest'),
    startFerry(stack, 'restore', 'target', 'more', '--cluster', 'source', '--as', 'restored'),
  ];
  const nobody =
    /^No worker (polls|takes work from) ferry-data: .*(has sent no heartbeat|has waited there) for \d+/;
  const waiting = /^No worker (?:polls|takes work from) ferry-data: (\w+).* has waited there for ([\d.]+) s/;
  for (const [at, waited] of idle.entries()) {
    const line = await lineOf(waited, /^No worker (polls|takes)/);
    const [, what, seconds] = waiting.exec(line) ?? [];
    expect([at, line, Number(seconds) <= 15]).toEqual([at, expect.stringMatching(waiting), true]);
    if (at === 0) expect(what).toBe('copySlice');
  }
  expect(await lineOf(run, nobody)).toMatch(nobody);
  expect((await ferry(stack, 'status', 'slow')).stdout).toMatch(
    /! No worker (polls|takes work from) ferry-data: /,
  );
  await stack.workers.data.start();

  await stack.workers.control.kill();
  expect(await lineOf(run, /^No worker of ferry-control has answered/)).toMatch(
    /ferry worker --role control/,
  );
  await stack.workers.control.start();

  await ferry(stack, 'throttle', 'slow', '--points-per-second', '100000');
  expect((await run.ended).code).toBe(0);
  for (const waited of idle) expect((await waited.ended).code).toBe(0);
});

it('refuses a snapshot of a collection whose name is too long for one, at once, and copies it by scroll', async () => {
  const [long, longest] = ['n'.repeat(215), 'm'.repeat(206)];
  for (const name of [long, longest]) await fillRandom(stack.source, { name, points: 20 });
  const backup = await ferry(stack, 'backup', 'source', long, '--json');
  expect(reportOf(backup).collections[0]?.error).toMatch(/^NameTooLong: .* has 215 bytes.*--method scroll/);
  const created = errorOf(
    await ferry(stack, 'snapshots', 'create', 'source', '--collection', long, '--json'),
  );
  expect(created).toMatchObject({ code: 'NameTooLong' });
  const unfit = await ferry(stack, 'migrate', 'source', 'target', long, '--method', 'snapshot', '--json');
  expect(unfit.stdout).toMatch(/SnapshotUnfit: .* has 215 bytes/);
  const moved = reportOf(
    await ferry(stack, 'migrate', 'source', 'target', long, '--method', 'auto', '--json'),
  );
  expect(moved).toMatchObject({ outcome: 'verified' });
  expect(moved.collections[0]?.because).toMatch(/has 215 bytes/);

  expect(reportOf(await ferry(stack, 'backup', 'source', longest, '--json'))).toMatchObject({
    outcome: 'verified',
  });
  const rehearsed = reportOf(await ferry(stack, 'rehearse', 'target', longest, '--json'));
  expect(rehearsed).toMatchObject({ outcome: 'verified' });
});
