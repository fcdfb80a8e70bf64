// What a backup may call proved: a source that was written, replaced, half filled, optimized, or of which one replica is
// stale. The right answer stands in each title.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIdSet } from '../../src/backups/ids/read-id-set.js';
import type { QdrantServer } from '../../src/local/index.js';
import { collectionManifestSchema, type CollectionManifest } from '../../src/model/format/manifest.js';
import { readText } from '../../src/shards/read-text.js';
import { STAMP_KEY } from '../../src/model/names.js';
import type { CollectionStatus } from '../../src/model/contracts/results.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { allOf } from '../support/object-stores.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { withClient } from '../support/workflows-of.js';

let stack: BackupStack;
let trio: ThreeNodes;

beforeAll(async () => {
  trio = await startThreeNodes('trio');
  stack = await startBackupStack({ moreClusters: () => ({ trio: { nodes: trio.connection.nodes } }) });
});
afterAll(async () => {
  await stack?.stop();
  await trio?.stop();
});

it('holds the ids of all points, and calls a quiet collection proved', async () => {
  await make(stack.target, 'quiet', { shards: 3, points: 2_500 });
  const { code, line, manifest } = await backUp('target', 'quiet');
  expect([code, line?.outcome, line?.proven]).toEqual([0, 'verified', 'quiesced']);
  expect(await idsIn(manifest)).toEqual(Array.from({ length: 2_500 }, (_, at) => String(at + 1)));
  expect(manifest.creation).toMatch(/^[0-9a-f-]{36}$/);
});

it('22: holds only the ids of living points of a collection that is optimized meanwhile, and says so', async () => {
  await make(stack.target, 'busy', { shards: 1, points: 20_000, size: 256, indexing: 1_000_000 });
  await rest(
    stack.target,
    'PATCH',
    collectionPath('busy'),
    '{"optimizers_config":{"indexing_threshold":100}}',
  );
  await until(async () => (await statusOf('busy')) === 'yellow');
  const gone = Array.from({ length: 1_000 }, (_, at) => at + 1);
  await rest(stack.target, 'POST', pointsOf('busy', 'delete'), JSON.stringify({ points: gone }));
  const { code, line, manifest } = await backUp('target', 'busy', '--settle-ms', '0');
  expect(code).toBe(0);
  expect(line?.proven).toBe('none');
  const ids = await idsIn(manifest);
  expect([ids.length, ids[0]]).toEqual([19_000, '1001']);
  expect(manifest.notes.join()).toContain('"busy" was being optimized while it was captured');
});

it('8: points deleted and written again between two shards are no proof, though digests and counts agree', async () => {
  const [name, id] = ['rewritten', 'rewritten-backup'];
  await make(stack.target, name, { shards: 6, points: 3_000, size: 64 });
  const slowly = ['--shards', '1', '--max-megabytes-per-second', '0.5'];
  const running = backUp('target', name, '--id', id, ...slowly);
  // The source has been digested, and one shard lies in the store: the others wait for `resume`.
  await until(async () => (await snapshotsOf(name)) > 0);
  expect(await ferry(stack, 'pause', id)).toMatchObject({ code: 0 });
  await until(async () => (await phaseOf(`ferry/target/${name}/backup`)) === 'paused');
  expect(await snapshotsOf(name)).toBeLessThan(6);
  const ids = Array.from({ length: 300 }, (_, at) => at + 1);
  await rest(stack.target, 'POST', pointsOf(name, 'delete'), JSON.stringify({ points: ids }));
  await fill(stack.target, name, { from: 1, points: 300, size: 64 });
  await until(async () => (await statusOf(name)) !== 'yellow');
  expect(await ferry(stack, 'resume', id)).toMatchObject({ code: 0 });
  const { line, manifest } = await running;
  expect(line?.proven).toBe('none');
  expect(manifest.notes).toContain('The content is not proved: it was written meanwhile');
  expect((await idsIn(manifest)).length).toBe(3_000);
});

it.each([[[]], [['--no-digest']]])(
  '16: a collection replaced between two shards is captured again, whole, and only the second one (%j)',
  async (flags) => {
    const name = `replaced${flags.length}`;
    await make(stack.target, name, { shards: 4, points: 12_000, size: 64 });
    const running = backUp('target', name, '--shards', '1', '--max-megabytes-per-second', '1', ...flags);
    await until(async () => (await snapshotsOf(name)) > 0);
    await rest(stack.target, 'DELETE', collectionPath(name));
    await make(stack.target, name, { shards: 4, points: 700, size: 64 });
    const { code, line, manifest, backup } = await running;
    expect([code, line?.points]).toEqual([0, 700]);
    expect(manifest.notes.join()).toContain('was deleted and created again while it was captured');
    expect((await idsIn(manifest)).length).toBe(700);
    const restored = await ferry(
      stack,
      'restore',
      'target',
      name,
      '--backup',
      backup,
      '--as',
      `${name}-back`,
      '--json',
    );
    expect(restored.code).toBe(0);
    expect(await countOn(stack.target, `${name}-back`)).toBe(700);
  },
);

it('16: a collection replaced during a scroll migration fails it as CollectionChanged', async () => {
  await make(stack.source, 'moving', { shards: 2, points: 6_000, size: 64 });
  const running = ferry(stack, ...migrate('moving', '--max-points-per-second', '1000'));
  await until(async () => (await countOn(stack.target, 'moving').catch(() => 0)) > 0);
  await rest(stack.source, 'DELETE', collectionPath('moving'));
  await make(stack.source, 'moving', { shards: 2, points: 6_000, size: 64 });
  const { code, stdout, stderr } = await running;
  expect(code).toBe(1);
  expect(stdout + stderr).toContain('CollectionChanged');
});

it('9: a collection that a job is still filling is refused, or its backup is partial', async () => {
  await make(stack.target, 'half', { shards: 1, points: 100 });
  const stamp = {
    version: 2,
    creation: 'c0ffee00-0000-4000-8000-000000000001',
    work: { kind: 'migration', name: 'n', job: 'nightly-move', state: 'open', renewed_at: '', source: [] },
  };
  const info = JSON.stringify({ metadata: { [STAMP_KEY]: stamp } });
  await rest(stack.target, 'PATCH', collectionPath('half'), info);
  const refused = await ferry(stack, 'backup', 'target', 'half', '--json');
  expect(refused.code).toBe(1);
  expect(refused.stdout + refused.stderr).toMatch(
    /SourceUnfinished.*the migration nightly-move has not finished filling it/,
  );
  const { line, manifest } = await backUp('target', 'half', '--allow-unfinished');
  expect(line?.outcome).toBe('unproven');
  expect(manifest.partial?.reason).toContain('nightly-move');
});

it('17: a stale replica is named; what is allowed all the same is proved by the replica that is stored', async () => {
  const [first, second] = trio.nodes as [QdrantServer, QdrantServer];
  await make(first, 'stale', { shards: 1, points: 10_000, replicas: 3 });
  const taken = JSON.parse(
    await rest(second, 'POST', `${collectionPath('stale')}/shards/0/snapshots?wait=true`),
  ) as { result: { name: string } };
  await fill(first, 'stale', { from: 10_001, points: 300 });
  const location = `${second.url}${collectionPath('stale')}/shards/0/snapshots/${taken.result.name}`;
  await rest(
    second,
    'PUT',
    `${collectionPath('stale')}/shards/0/snapshots/recover?wait=true`,
    JSON.stringify({ location, priority: 'no_sync' }),
  );
  await until(async () => (await countOn(second, 'stale')) === 10_000);
  await make(stack.target, 'stale', { shards: 1, points: 10_300 });
  const host = ({ url }: QdrantServer): string => new URL(url).host;
  for (const args of [
    ['backup', 'trio', 'stale'],
    ['verify', 'trio', 'target', 'stale'],
    ['migrate', 'trio', 'source', 'stale', '--on-failure', 'fail'],
  ]) {
    const { code, stdout, stderr } = await ferry(stack, ...args, '--json');
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('ReplicasDiffer');
    expect(stdout + stderr).toContain(`${host(first)} 10,300, ${host(second)} 10,000`);
  }
  const { line, manifest } = await backUp('trio', 'stale', '--allow-replica-difference');
  expect(line?.proven).toBe('quiesced');
  const peer = manifest.shards[0]?.peer ?? '';
  const stored = trio.nodes[await nodeOf(peer)] as QdrantServer;
  expect((await idsIn(manifest)).length).toBe(await countOn(stored, 'stale'));
});

function migrate(name: string, ...flags: string[]): string[] {
  return [
    'migrate',
    'source',
    'target',
    name,
    '--method',
    'scroll',
    '--on-failure',
    'fail',
    ...flags,
    '--json',
  ];
}

interface Making {
  shards: number;
  points: number;
  size?: number;
  replicas?: number;
  indexing?: number;
}

async function make(
  on: QdrantServer,
  name: string,
  { shards, size = 4, replicas, indexing, ...more }: Making,
) {
  const settings = {
    vectors: { size, distance: 'Dot' },
    shard_number: shards,
    ...(replicas === undefined ? {} : { replication_factor: replicas }),
    ...(indexing === undefined ? {} : { optimizers_config: { indexing_threshold: indexing } }),
    hnsw_config: { m: 32, ef_construct: 300 },
  };
  await rest(on, 'PUT', collectionPath(name), JSON.stringify(settings));
  await fill(on, name, { from: 1, size, ...more });
}

async function fill(
  on: QdrantServer,
  name: string,
  { from, points, size = 4 }: { from: number; points: number; size?: number },
) {
  for (let at = from; at < from + points; at += 1_000) {
    const count = Math.min(1_000, from + points - at);
    const batch = Array.from({ length: count }, (_, i) => ({
      id: at + i,
      vector: Array.from({ length: size }, (_, axis) => Math.sin((at + i) * (axis + 1))),
      payload: { n: at + i, text: 'x'.repeat(200) },
    }));
    await rest(on, 'PUT', `${collectionPath(name)}/points?wait=true`, JSON.stringify({ points: batch }));
  }
}

async function backUp(cluster: string, name: string, ...flags: string[]) {
  const run = await ferry(stack, 'backup', cluster, name, ...flags, '--json');
  const report = reportOf(run);
  const backup = report.backup ?? '';
  return {
    code: run.code,
    line: report.collections[0],
    backup,
    manifest: await manifestOf(cluster, backup, name),
  };
}

async function manifestOf(cluster: string, backup: string, name: string): Promise<CollectionManifest> {
  const text = await readText(storeOf(stack), `${cluster}/${backup}/${name}/manifest.json`);
  return collectionManifestSchema.parse(JSON.parse(text));
}

async function idsIn({ ids }: CollectionManifest): Promise<string[]> {
  if (!ids) throw new Error('the manifest names no id set');
  return (await allOf(readIdSet(storeOf(stack), ids))).flatMap((page) => page.ids);
}

async function snapshotsOf(name: string): Promise<number> {
  const keys = (await allOf(storeOf(stack).list('target/'))).map((one) => one.key);
  return keys.filter((key) => key.includes(`/${name}/`) && key.endsWith('.parts.json')).length;
}

async function phaseOf(workflowId: string): Promise<string> {
  return withClient(stack.temporal, async ({ workflow }) => {
    return (await workflow.getHandle(workflowId).query<CollectionStatus>('status')).phase;
  });
}

async function statusOf(name: string): Promise<string> {
  const text = await rest(stack.target, 'GET', collectionPath(name));
  return (JSON.parse(text) as { result: { status: string } }).result.status;
}

async function countOn(on: QdrantServer, name: string): Promise<number> {
  const text = await rest(on, 'POST', pointsOf(name, 'count'), '{"exact":true}');
  return (JSON.parse(text) as { result: { count: number } }).result.count;
}

async function nodeOf(peer: string): Promise<number> {
  for (const [at, node] of trio.nodes.entries())
    if (
      (await rest(node, 'GET', `${collectionPath('stale')}/cluster`)).includes(`"result":{"peer_id":${peer},`)
    )
      return at;
  throw new Error(`no node is peer ${peer}`);
}

function pointsOf(name: string, what: string): string {
  return `${collectionPath(name)}/points/${what}?wait=true`;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isSo()) return;
    await sleep(50);
  }
  throw new Error('it did not come about within 30 s');
}
