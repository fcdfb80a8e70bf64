// Qdrant's own snapshots on one node, as a person handles them: the command, worker processes, a store.

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type {
  DownloadSnapshotResult,
  ListedSnapshot,
  RecoverSnapshotResult,
} from '../../src/model/contracts/snapshot-activities.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { fillBulky } from '../support/bulky-collection.js';
import { compareSides } from '../support/compare-sides.js';
import { ferry } from '../support/ferry-command.js';
import { gateway504, giveUpOn, type Gateway504 } from '../support/gateway-504.js';
import { allOf } from '../support/object-stores.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { sha256Of, snapshotCommands } from '../support/snapshot-commands.js';

const WAIT = { timeout: 60_000, interval: 50 };

let stack: BackupStack;
/** Behind a gateway that gives up on calls. */
let hidden: QdrantServer;
let hiddenFolder: string;
let gateway: Gateway504;
beforeAll(async () => {
  hiddenFolder = await mkdtemp(join(tmpdir(), 'ferry-hidden-'));
  hidden = await startQdrant({ version: '1.17.0', storageDir: hiddenFolder });
  gateway = await gateway504(hidden.url);
  const behind = { url: gateway.url, grpcUrl: hidden.grpcUrl };
  stack = await startBackupStack({ moreClusters: () => ({ behind }) });
  await fillRandom(stack.source, { name: 'docs', points: 2_000, shards: 2 });
});
afterAll(async () => {
  await stack?.stop();
  await gateway?.end();
  await hidden?.stop();
  await rm(hiddenFolder, { recursive: true, force: true });
});

const { answer, refusal, listed, created } = snapshotCommands(() => stack);

describe('on one node', () => {
  it.each([
    ['a collection', ['--collection', 'docs'], /^docs-\d+-.*\.snapshot$/],
    ['a shard', ['--collection', 'docs', '--shard', '1'], /^docs-shard-1-.*\.snapshot$/],
    ['the whole node', [], /^full-snapshot-.*\.snapshot$/],
  ])('makes, lists, downloads and deletes a snapshot of %s', async (_, scope, name) => {
    const made = await created('source', ...scope);
    expect(made).toMatchObject({ node: stack.source.url, name: expect.stringMatching(name) });
    expect(await listed('source', ...scope)).toEqual([`${made.name} ${made.node}`]);
    const people = await ferry(stack, 'snapshots', 'list', 'source', ...scope);
    expect(people.stdout).toContain(made.sha256);

    const path = join(stack.folder, made.name);
    await answer('download', 'source', made.name, ...scope, '--to', path);
    expect([sha256Of(path), statSync(path).size]).toEqual([made.sha256, made.bytes]);
    const object = `downloads/${made.name}`;
    const stored = await answer<DownloadSnapshotResult>(
      'download',
      'source',
      made.name,
      ...scope,
      '--object',
      object,
    );
    expect(stored).toMatchObject({ store: 'offsite', object, sha256: made.sha256, checksum: 'equal' });
    expect((await storeOf(stack).head(object))?.bytes).toBe(made.bytes);

    await answer('delete', 'source', made.name, ...scope, '--node', made.node);
    expect(await listed('source', ...scope)).toEqual([]);
    expect(await refusal('delete', 'source', made.name, ...scope, '--node', made.node)).toMatchObject({
      exit: 1,
      code: 'SnapshotNotFound',
    });
  });
});

it('lists, shows and deletes without a Temporal server', async () => {
  const made = await created('source', '--collection', 'docs');
  const config = join(stack.folder, 'no-temporal.yaml');
  const text = readFileSync(stack.config, 'utf8');
  const without = text.replaceAll(stack.temporal.address, '127.0.0.1:9');
  expect(without).not.toBe(text);
  writeFileSync(config, without);
  const alone = snapshotCommands(() => ({ config, folder: stack.folder }));
  const docs = ['source', '--collection', 'docs'];
  expect(await alone.listed(...docs)).toContain(`${made.name} ${made.node}`);
  expect(await alone.answer('show', 'source', made.name, '--collection', 'docs')).toMatchObject({
    snapshots: [made],
    silent: [],
  });
  const place = ['source', made.name, '--collection', 'docs', '--node', made.node];
  expect(await alone.answer('delete', ...place)).toMatchObject({ name: made.name, deleted: true });
  expect(await alone.refusal('delete', ...place)).toMatchObject({ exit: 1, code: 'SnapshotNotFound' });
  expect(await alone.refusal('show', 'source', made.name, '--collection', 'docs')).toMatchObject({
    exit: 1,
    code: 'SnapshotNotFound',
  });
});

it.each([
  ['a collection', ['--collection', 'bulky']],
  ['a shard', ['--collection', 'bulky', '--shard', '0']],
  ['the whole node', []],
])('makes one snapshot of %s behind a gateway that answers 504, and not another', async (_, scope) => {
  await fillBulky(hidden, { name: 'bulky', points: 6_000 });
  gateway.givenUp.length = 0;
  gateway.plan = giveUpOn(({ method }) => method === 'POST', { afterMs: 50, times: 9 });
  const made = await created('behind', ...scope);
  expect(gateway.givenUp).toHaveLength(1);
  expect(await listed('behind', ...scope)).toEqual([`${made.name} ${made.node}`]);
});

describe('a recovery', () => {
  let made: ListedSnapshot;
  let file: string;
  beforeAll(async () => {
    made = await created('source', '--collection', 'docs');
    file = join(stack.folder, 'docs.snapshot');
    await answer('download', 'source', made.name, '--collection', 'docs', '--to', file);
    const object = 'kept/docs.snapshot';
    await answer('download', 'source', made.name, '--collection', 'docs', '--object', object);
  });
  const into = (name: string, ...args: string[]) =>
    answer<RecoverSnapshotResult>(
      'recover',
      'source',
      '--collection',
      name,
      '--priority',
      'snapshot',
      ...args,
    );
  const expectDocs = async (name: string) => {
    const { points, differences } = await compareSides(
      stack.side('source', 'docs'),
      stack.side('source', name),
    );
    expect([points, differences]).toEqual([2_000, []]);
  };
  const urlOf = (name: string) => `${stack.source.url}${collectionPath('docs')}/snapshots/${name}`;

  it('from a file, an object, and a URL makes a collection that is equal', async () => {
    const object = ['--object', 'kept/docs.snapshot', '--store', 'offsite'];
    const runs = [
      await into('from-file', '--file', file),
      await into('from-object', ...object, '--checksum', made.sha256 ?? ''),
      await into('from-url', '--url', urlOf(made.name), '--checksum', made.sha256 ?? ''),
    ];
    expect(runs.map(({ points }) => points)).toEqual([{ after: 2_000 }, { after: 2_000 }, { after: 2_000 }]);
    expect(runs.map(({ sha256 }) => sha256)).toEqual([made.sha256, made.sha256, undefined]);
    for (const name of ['from-file', 'from-object', 'from-url']) await expectDocs(name);
    expect(await allOf(storeOf(stack).list('snapshots-to-recover/'))).toEqual([]);
  });

  it('by its name puts a collection, and single shards, back to what they were', async () => {
    await into('living', '--file', file);
    const whole = await created('source', '--collection', 'living');
    const shards = [
      await created('source', '--collection', 'living', '--shard', '0'),
      await created('source', '--collection', 'living', '--shard', '1'),
    ];
    await deletePoints('living', 500);
    const restored = await into('living', '--snapshot', whole.name, '--replace');
    expect(restored).toMatchObject({ points: { before: 1_500, after: 2_000 }, sha256: whole.sha256 });
    await expectDocs('living');
    await deletePoints('living', 400);
    for (const [shard, { name }] of shards.entries())
      await into('living', '--shard', String(shard), '--snapshot', name, '--replace');
    await expectDocs('living');
  });

  it('refuses another checksum, a file that is cut, and one of another kind, and changes nothing', async () => {
    const wrong = ['--checksum', 'a'.repeat(64)];
    const cut = join(stack.folder, 'cut.snapshot');
    const bytes = readFileSync(file);
    writeFileSync(cut, bytes.subarray(0, bytes.length - 2_048));
    const ways = [
      ['--collection', 'none', '--file', file, ...wrong],
      ['--collection', 'none', '--object', 'kept/docs.snapshot', ...wrong],
      ['--collection', 'none', '--url', urlOf(made.name), ...wrong],
      ['--collection', 'docs', '--snapshot', made.name, '--replace', ...wrong],
      ['--collection', 'docs', '--file', cut, '--replace'],
      ['--collection', 'docs', '--shard', '0', '--file', file, '--replace'],
    ];
    for (const way of ways) {
      expect(await refusal('recover', 'source', '--priority', 'snapshot', ...way)).toMatchObject({
        exit: 1,
        code: 'SnapshotDamaged',
      });
    }
    expect(await rest(stack.source, 'GET', '/collections')).not.toContain('"none"');
    await expectDocs('from-file');
  });

  it('wants to be told what may be lost, and says what is wrong', async () => {
    const docs = ['recover', 'source', '--collection', 'docs', '--object', 'kept/docs.snapshot'];
    expect(await refusal(...docs, '--priority', 'snapshot')).toMatchObject({
      exit: 1,
      code: 'CollectionExists',
    });
    const unsaid = await refusal(...docs);
    expect([unsaid.exit, unsaid.message]).toEqual([
      2,
      expect.stringContaining('`priority` (`--priority`): is required'),
    ]);
    const signed = 'https://bucket.example/docs.snapshot?X-Amz-Signature=5ecret';
    const url = await refusal(
      'recover',
      'source',
      '--collection',
      'x',
      '--priority',
      'snapshot',
      '--url',
      signed,
    );
    expect([url.exit, url.message]).toEqual([2, expect.stringContaining('a signed URL is a secret')]);
    expect(url.message).not.toContain('5ecret');
    const whole = await refusal('recover', 'source', '--file', file, '--priority', 'snapshot');
    expect([whole.exit, whole.message]).toEqual([2, expect.stringContaining('--storage-snapshot')]);
    const gone = ['--object', 'kept/nothing.snapshot', '--priority', 'snapshot'];
    expect(await refusal('recover', 'source', '--collection', 'x', ...gone)).toMatchObject({
      code: 'ObjectMissing',
    });
    const unknown = [
      '--snapshot',
      'docs-1-2020-01-01-00-00-00.snapshot',
      '--priority',
      'snapshot',
      '--replace',
    ];
    expect(await refusal('recover', 'source', '--collection', 'docs', ...unknown)).toMatchObject({
      code: 'SnapshotNotFound',
    });
  });

  it('is refused into a collection that a job is writing, and names the job', async () => {
    const id = 'a-slow-migration';
    const pace = ['--max-points-per-second', '100', '--id', id, '--detach'];
    expect((await ferry(stack, 'migrate', 'source', 'target', 'docs', ...pace)).code).toBe(0);
    await vi.waitFor(
      async () => expect(await rest(stack.target, 'GET', '/collections')).toContain('docs'),
      WAIT,
    );
    const args = [
      '--collection',
      'docs',
      '--object',
      'kept/docs.snapshot',
      '--priority',
      'snapshot',
      '--replace',
    ];
    const busy = await refusal('recover', 'target', ...args);
    expect(busy).toMatchObject({ exit: 1, code: 'CollectionBusy', message: expect.stringContaining(id) });
    expect((await ferry(stack, 'abort', id)).code).toBe(0);
  });
});

async function deletePoints(collection: string, most: number): Promise<void> {
  const text = await rest(
    stack.source,
    'POST',
    `${collectionPath(collection)}/points/scroll`,
    `{"limit":${most},"with_payload":false}`,
  );
  const { result } = JSON.parse(text) as { result: { points: { id: number | string }[] } };
  const ids = JSON.stringify(result.points.map(({ id }) => id));
  await rest(
    stack.source,
    'POST',
    `${collectionPath(collection)}/points/delete?wait=true`,
    `{"points":${ids}}`,
  );
}
