// A disk with a queue of its own: a worker refuses to touch it for work that came another way, so what succeeds here came
// by way of that queue, from the first probe to the last proof.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FerryConfig } from '../../src/model/ferry-config.js';
import { storesOf, storesOn } from '../../src/worker/backup-dependencies.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { fillRandom } from '../support/random-collection.js';
import { startTestStack, type TestStack } from '../support/test-stack.js';

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({
    stores: async (folder) => ({
      disk: { url: `file://${join(folder, 'disk')}`, taskQueue: 'ferry-data-disk' },
    }),
  });
});
afterAll(async () => stack?.stop());

it('is used for a backup, its check, a rehearsal, a recovery, and the backup before a replacement', async () => {
  await fillRandom(stack.source, { name: 'docs', points: 200 });
  await fillRandom(stack.target, { name: 'taken', points: 20 });
  const done: [string[], string][] = [
    [['backup', 'source'], 'verified'],
    [['rehearse', 'target', 'docs'], 'verified'],
    [['restore', 'target', 'docs'], 'verified'],
    [['restore', 'target', 'docs', '--as', 'taken', '--on-existing', 'replace'], 'verified'],
  ];
  for (const [args, outcome] of done) {
    const run = await ferry(stack, ...args, '--json');
    expect(reportOf(run)).toMatchObject({ outcome });
  }
});

it('is refused to work that came by way of another queue', () => {
  const disk = { alias: 'disk', url: 'file:///somewhere', taskQueue: 'ferry-data-disk' };
  const config = { stores: { disk }, defaults: {}, clusters: {} } as unknown as FerryConfig;
  const on = (queue: string) => storesOn(queue, config, storesOf(config))('disk');
  expect(on('ferry-data-disk').alias).toBe('disk');
  expect(() => on('ferry-data')).toThrow(
    /a disk of the queue ferry-data-disk, and this task came through ferry-data/,
  );
});
