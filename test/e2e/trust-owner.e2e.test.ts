// What a job has finished, or was told to replace, has an owner: nothing of it is deleted or changed that the job was not
// planned for, however long it waited in between.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { aliasesOf, countPoints } from '../support/compare-sides.js';
import { faultyProxy, type FaultyProxy } from '../support/faulty-proxy.js';
import { ferry, startFerry, type RunningFerry } from '../support/ferry-command.js';
import { pause, positionOf } from '../support/kill-watch.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, recreateCollection, rest, upsertTexts } from '../support/rest-text.js';
import { withClient } from '../support/workflows-of.js';

let stack: BackupStack;
/** Before `target`. */
let ingress: FaultyProxy;

beforeAll(async () => {
  ingress = await faultyProxy('unused:');
  stack = await startBackupStack({
    moreClusters: ({ target }) => ({ ingress: { url: ingress.endpoint, grpcUrl: target.grpcUrl } }),
  });
  ingress.target = stack.target.url;
});
afterAll(async () => {
  await stack?.stop();
  await ingress?.end();
});

const VECTOR = `[${'0.5,'.repeat(7)}1.0]`;
const written = (count: number) =>
  Array.from(
    { length: count },
    (_, at) => `{"id":${900_000 + at},"vector":${VECTOR},"payload":{"app":true}}`,
  );
const held = (name: string) => countPoints(stack.side('target', name));
const write = (name: string, count: number) => upsertTexts(stack.target, name, written(count));

interface Info {
  config: { metadata?: { 'qdrant-ferry'?: { work?: { state: string } } } };
  payload_schema: Record<string, unknown>;
}

async function infoOf(name: string): Promise<Info> {
  return (JSON.parse(await rest(stack.target, 'GET', collectionPath(name))) as { result: Info }).result;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo().catch(() => false))) await pause(100);
}

const phaseOf = (workflowId: string) =>
  withClient(stack.temporal, async ({ workflow }) => {
    return (await workflow.getHandle(workflowId).query<{ phase: string }>('status')).phase;
  });

describe('a recovery that could not give its aliases yet', () => {
  /** Nobody gets an alias on the target until `ingress` has no plan any more. */
  async function waiting(name: string): Promise<RunningFerry> {
    await recreateCollection(stack.source, name, '{"vectors":{"size":8,"distance":"Dot"}}');
    await upsertTexts(stack.source, name, written(2_000));
    const index = '{"field_name":"app","field_schema":"bool"}';
    await rest(stack.source, 'PUT', `${collectionPath(name)}/index?wait=true`, index);
    const alias = `{"create_alias":{"collection_name":"${name}","alias_name":"${name}-live"}}`;
    await rest(stack.source, 'POST', '/collections/aliases', `{"actions":[${alias}]}`);
    const backup = await ferry(stack, 'backup', 'source', name, '--settle-ms', '0');
    expect(backup, backup.stdout + backup.stderr).toMatchObject({ code: 0 });
    ingress.plan = ({ method, url }) =>
      method === 'POST' && url.startsWith('/collections/aliases') ? { answer: 503 } : undefined;
    const running = startFerry(stack, 'restore', 'ingress', name);
    await until(async () => (await infoOf(name)).config.metadata?.['qdrant-ferry']?.work?.state === 'closed');
    return running;
  }

  it('leaves an index that the owner made meanwhile', async () => {
    const running = await waiting('indexed');
    const index = '{"field_name":"tenant","field_schema":"keyword"}';
    await rest(stack.target, 'PUT', `${collectionPath('indexed')}/index?wait=true`, index);
    ingress.plan = () => undefined;
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(Object.keys((await infoOf('indexed')).payload_schema).sort()).toEqual(['app', 'tenant']);
    expect(await aliasesOf(stack.side('target', 'indexed'))).toEqual(['indexed-live']);
  });

  it('gives no alias to a collection that took the place of its own', async () => {
    const running = await waiting('made-again');
    await recreateCollection(stack.target, 'made-again', '{"vectors":{"size":8,"distance":"Dot"}}');
    await write('made-again', 3);
    ingress.plan = () => undefined;
    const run = await running.ended;
    expect(run).toMatchObject({ code: 1 });
    // It may look just between the deletion and the creation.
    expect(run.stdout + run.stderr).toMatch(/CollectionChanged|CollectionNotFound/);
    expect(await held('made-again')).toBe(3);
    expect((await infoOf('made-again')).payload_schema).toEqual({});
    expect(await aliasesOf(stack.side('target', 'made-again'))).toEqual([]);
  });
});

describe('a snapshot migration that replaces a collection', () => {
  /** Its safety backup is there, and the deletion is refused. */
  async function parked(name: string): Promise<RunningFerry> {
    await fillRandom(stack.source, { name, points: 500, dimension: 8 });
    await fillRandom(stack.target, { name, points: 300, dimension: 8, seed: 9 });
    const path = collectionPath(name);
    ingress.plan = ({ method, url }) =>
      method === 'DELETE' && (url === path || url.startsWith(`${path}?`)) ? { answer: 403 } : undefined;
    const how = ['--method', 'snapshot', '--on-existing', 'replace', '--id', name, '--json'];
    const running = startFerry(stack, 'migrate', 'source', 'ingress', name, ...how);
    await until(async () => (await phaseOf(`ferry/ingress/${name}`)) === 'awaiting-operator');
    return running;
  }

  it('deletes no other collection than the one that was planned for', async () => {
    const running = await parked('another');
    await recreateCollection(stack.target, 'another', '{"vectors":{"size":8,"distance":"Cosine"}}');
    await write('another', 70);
    ingress.plan = () => undefined;
    expect(await ferry(stack, 'retry', 'another')).toMatchObject({ code: 0 });
    const run = await running.ended;
    expect(run).toMatchObject({ code: 1 });
    expect(run.stdout + run.stderr).toContain('CollectionChanged');
    expect(await held('another')).toBe(70);
  });
});

it('does not continue with a target in service that it left half way for a pause', async () => {
  const name = 'paused';
  await fillRandom(stack.source, { name, points: 4_000, dimension: 8 });
  expect(await ferry(stack, 'migrate', 'source', 'target', name)).toMatchObject({ code: 0 });
  const late = '{"payload":{"late":true},"filter":{"must":[{"key":"even","match":{"value":true}}]}}';
  await rest(stack.source, 'POST', `${collectionPath(name)}/points/payload?wait=true`, late);
  const pace = ['--slices', '1', '--max-points-per-second', '800', '--budget-ms', '2000'];
  const running = startFerry(stack, 'migrate', 'source', 'target', name, '--id', 'again', ...pace);
  const filter = '{"exact":true,"filter":{"must":[{"key":"late","match":{"value":true}}]}}';
  await until(async () => {
    const answer = await rest(stack.target, 'POST', `${collectionPath(name)}/points/count`, filter);
    return Number(/"count":(\d+)/.exec(answer)?.[1]) > 0;
  });
  expect(await ferry(stack, 'pause', 'again')).toMatchObject({ code: 0 });
  await until(async () => (await positionOf(stack, name)).phase === 'paused');
  await write(name, 500);
  expect(await ferry(stack, 'resume', 'again')).toMatchObject({ code: 0 });
  const run = await running.ended;
  expect(run).toMatchObject({ code: 3 });
  expect(run.stdout + run.stderr).toContain('had to wait while it copied');
  expect(await held(name)).toBe(4_500);
});
