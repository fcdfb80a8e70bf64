// A source that is deleted and created again, with the same shape and the same points, in the middle of its snapshot
// migration: no digest tells the two apart.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QdrantServer } from '../../src/local/index.js';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { ferry, startFerry } from '../support/ferry-command.js';
import { pointsOnTarget } from '../support/kill-watch.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { withClient } from '../support/workflows-of.js';

const SIZE = 128;

let stack: BackupStack;
beforeAll(async () => {
  stack = await startBackupStack();
});
afterAll(async () => stack?.stop());

it('16: a collection replaced between two shards fails its snapshot migration as CollectionChanged', async () => {
  const [name, id] = ['replaced', 'replaced-move'];
  const shape = { vectors: { size: SIZE, distance: 'Dot' }, shard_number: 4 };
  await create(stack.source, name, shape);
  await fill(stack.source, name, 4_000);
  // A node that fetches knows no pace.
  const slowly = ['--via', 'push', '--shards', '1', '--max-megabytes-per-second', '0.5'];
  const how = ['--method', 'snapshot', ...slowly];
  const running = startFerry(
    stack,
    ...['migrate', 'source', 'target', name, '--id', id, '--on-failure', 'fail', ...how, '--json'],
  );
  // While a shard is being replaced, its collection cannot be counted.
  await until(async () => (await pointsOnTarget(stack, name).catch(() => 0)) > 0);
  expect(await ferry(stack, 'pause', id)).toMatchObject({ code: 0 });
  await until(async () => (await phaseOf(`ferry/target/${name}`)) === 'paused');
  expect(await pointsOnTarget(stack, name)).toBeLessThan(4_000);
  await rest(stack.source, 'DELETE', collectionPath(name));
  await create(stack.source, name, shape);
  await fill(stack.source, name, 4_000);
  expect(await ferry(stack, 'resume', id)).toMatchObject({ code: 0 });
  const { code, stdout, stderr } = await running.ended;
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('CollectionChanged');
  expect(stdout).not.toContain('"outcome":"verified"');
  expect(await namesOn(stack.target)).not.toContain(name);
});

async function create(on: QdrantServer, name: string, settings: object): Promise<void> {
  await rest(on, 'PUT', collectionPath(name), JSON.stringify(settings));
}

async function fill(on: QdrantServer, name: string, points: number): Promise<void> {
  for (let from = 1; from <= points; from += 2_000) {
    const ids = Array.from({ length: Math.min(2_000, points - from + 1) }, (_, at) => from + at);
    await upsertTexts(on, name, ids.map(pointText));
  }
}

/** The same for the same id. */
function pointText(id: number): string {
  const vector = Array.from({ length: SIZE }, (_, axis) => Math.sin(id * (axis + 1)).toFixed(4));
  return `{"id":${id},"vector":[${vector.join()}],"payload":{"n":${id}}}`;
}

async function namesOn(on: QdrantServer): Promise<string[]> {
  const { result } = JSON.parse(await rest(on, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map(({ name }) => name);
}

async function phaseOf(workflowId: string): Promise<string> {
  return withClient(stack.temporal, async ({ workflow }) => {
    return (await workflow.getHandle(workflowId).query<CollectionStatus>('status')).phase;
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(50);
}
