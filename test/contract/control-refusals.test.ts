// What speaks against a job is said before the first write, by code and in a sentence.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts, startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { ResolveCollectionsInput } from '../../src/model/contracts/activities.js';
import { FerryError, type ErrorCode } from '../../src/model/errors.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import type { Controls } from '../../src/cluster/control-port.js';
import { createCheckPin } from '../../src/cluster/pin.js';
import { planCollection } from '../../src/target/plan-collection.js';
import { planVerification } from '../../src/transfer/plan-verification.js';
import { prepareTarget } from '../../src/target/prepare-target.js';
import { resolveCollections } from '../../src/cluster/resolve-collections.js';
import { make, planFor, planned, startControlSides, type ControlSides } from '../support/control-sides.js';
import { collectionPath, rest } from '../support/rest-text.js';

let sides: ControlSides;
let locked: QdrantServer;
let controls: Controls;
const KEY = 'a-key-nobody-may-see';
const READ_KEY = 'a-key-that-only-reads';

beforeAll(async () => {
  sides = await startControlSides();
  locked = await startQdrant({
    version: '1.17.0',
    storageDir: join(sides.folder, 'locked'),
    extraEnv: { QDRANT__SERVICE__API_KEY: KEY, QDRANT__SERVICE__READ_ONLY_API_KEY: READ_KEY },
  });
  const [nowhere] = await freePorts(1);
  controls = qdrantControls({
    source: { alias: 'source', nodes: [sides.source] },
    again: {
      alias: 'again',
      nodes: [{ ...sides.source, url: sides.source.url.replace('127.0.0.1', 'localhost') }],
    },
    target: { alias: 'target', nodes: [sides.target] },
    locked: { alias: 'locked', nodes: [locked], apiKey: 'wrong-key' },
    opened: { alias: 'opened', nodes: [locked], apiKey: KEY },
    reader: { alias: 'reader', nodes: [locked], apiKey: READ_KEY },
    gone: { alias: 'gone', nodes: [{ url: `http://127.0.0.1:${nowhere}`, grpcUrl: 'http://127.0.0.1:1' }] },
    restOnly: { alias: 'restOnly', nodes: [{ url: sides.source.url, grpcUrl: sides.source.url }] },
    noGrpc: { alias: 'noGrpc', nodes: [{ url: sides.source.url, grpcUrl: `http://127.0.0.1:${nowhere}` }] },
    plainTls: { alias: 'plainTls', nodes: [{ ...locked, url: locked.url.replace('http:', 'https:') }] },
  });
  await make(sides.source, 'docs', 3);
  await make(sides.source, 'notes');
  await make(sides.target, 'full', 2);
  await make(sides.target, 'wide', 0, '{"vectors":{"size":8,"distance":"Cosine","datatype":"float16"}}');
  await make(sides.target, 'named', 0, '{"vectors":{"a":{"size":4,"distance":"Dot"}}}');
  await make(sides.target, 'keyed', 0, '{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom"}');
  await alias(sides.source, 'docs', 'latest');
  await alias(sides.target, 'full', 'notes');
});

afterAll(async () => {
  await locked?.stop();
  await sides?.stop();
});

async function alias(side: QdrantServer, collection: string, name: string): Promise<void> {
  const action = { create_alias: { collection_name: collection, alias_name: name } };
  await rest(side, 'POST', '/collections/aliases', JSON.stringify({ actions: [action] }));
}

/** The message, after the code was checked. */
async function refusal(code: ErrorCode, work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(FerryError);
  expect(error).toMatchObject({ code });
  const { message } = error as FerryError;
  expect(message).not.toContain(KEY);
  expect(message).not.toContain('wrong-key');
  if (process.env.FERRY_READ_ALOUD) process.stderr.write(`${code}: ${message}\n`);
  return message;
}

const resolve = (input: Partial<ResolveCollectionsInput>) =>
  resolveCollections(controls, { source: 'source', target: 'target', ...input });
const plan = (...args: Parameters<typeof planFor>) => planCollection(controls, planFor(...args));

test('names the aliases that exist when one does not', async () => {
  expect(await refusal('UnknownAlias', resolve({ source: 'sorce' }))).toContain(
    'There is no cluster "sorce" in ferry.yaml; it has: again, gone, locked, noGrpc, opened, plainTls, reader, restOnly, source, target',
  );
});

test('names the collections that exist when one does not', async () => {
  expect(await refusal('CollectionNotFound', resolve({ collections: ['dcos'] }))).toContain(
    'The cluster "source" has no collection or alias "dcos". It has: docs, latest, notes',
  );
});

test('says within five seconds, and without retries, which cluster does not answer and why', async () => {
  const started = performance.now();
  for (const [target, code] of [
    ['gone', 'ClusterUnreachable'],
    ['locked', 'ClusterKeyRefused'],
    ['plainTls', 'ClusterUntrusted'],
    ['noGrpc', 'GrpcMissing'],
    ['restOnly', 'GrpcMissing'],
  ] as const) {
    const work = resolve({ target, collections: ['docs'] });
    expect(await refusal(code, work)).toMatch(new RegExp(`Cluster "${target}"(:| answers over REST)`));
    await expect(work).rejects.toMatchObject({ retryable: false });
  }
  expect(performance.now() - started).toBeLessThan(15_000);
});

test('refuses to copy a collection onto itself, also by another alias or address of the cluster', async () => {
  for (const target of ['source', 'again']) {
    expect(await refusal('InvalidInput', resolve({ target, collections: ['docs'] }))).toContain(
      'onto itself',
    );
  }
  const input = {
    ...planFor('docs'),
    target: { cluster: 'again', collection: 'docs' },
    onExisting: 'recreate' as const,
  };
  await refusal('InvalidInput', planCollection(controls, input));
  const renamed = await resolve({ target: 'again', collections: ['latest'], as: { latest: 'docs-copy' } });
  expect(renamed.collections).toEqual([{ asked: 'latest', source: 'docs', target: 'docs-copy' }]);
});

test('refuses two collections that go to one name, and names in `as` that nobody asked for', async () => {
  await refusal('InvalidInput', resolve({ collections: ['docs', 'notes'], as: { docs: 'x', notes: 'x' } }));
  await refusal('InvalidInput', resolve({ collections: ['docs', 'latest'] }));
  await refusal('InvalidInput', resolve({ collections: ['docs'], as: { dcos: 'x' } }));
});

test('refuses a name that is an alias on the target, and says of what', async () => {
  expect(await refusal('NameTakenByAlias', resolve({}))).toContain(
    '"notes" is an alias on the cluster "target" (of "full")',
  );
});

test("refuses a target with somebody else's points unless told what to do with them", async () => {
  expect(await refusal('TargetNotEmpty', plan('docs', 'full'))).toContain('already holds 2 points');
  expect((await plan('docs', 'full', { onExisting: 'merge' })).targetState).toBe('merge');
  expect((await plan('docs', 'full', { onExisting: 'recreate' })).targetState).toBe('recreate');
});

test('refuses a target that cannot hold the points bit for bit, and names each reason', async () => {
  const wide = await refusal('IncompatibleTarget', plan('docs', 'wide'));
  expect(wide).toContain('size of the unnamed vector is 8 there, not 4');
  expect(wide).toContain('distance of the unnamed vector is "Cosine" there, not "Dot"');
  expect(wide).toContain('datatype of the unnamed vector is "float16" there, not "float32"');
  expect(await refusal('IncompatibleTarget', plan('docs', 'named', { onExisting: 'merge' }))).toContain(
    'the unnamed vector does not exist there',
  );
  expect(await refusal('IncompatibleTarget', plan('docs', 'keyed'))).toContain(
    'sharding_method is custom there',
  );
  const keyed = { source: planFor('docs').source, target: planFor('docs', 'keyed').target };
  await refusal('IncompatibleTarget', planVerification(controls, keyed));
});

test('refuses custom shard keys where the target runs without clustering', async () => {
  const body = '{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom"}';
  await make(sides.source, 'tenants', 0, body);
  const input = { ...planFor('tenants'), target: { cluster: 'opened', collection: 'tenants' } };
  expect(await refusal('IncompatibleTarget', planCollection(controls, input))).toContain(
    'without clustering',
  );
});

test('plans from a source with a key that may only read, and refuses to write with it', async () => {
  await rest(
    { ...locked, apiKey: KEY },
    'PUT',
    '/collections/docs',
    '{"vectors":{"size":4,"distance":"Dot"}}',
  );
  const from = { ...planFor('docs', 'read'), source: { cluster: 'reader', collection: 'docs' } };
  expect(await resolve({ source: 'reader' })).toMatchObject({ collections: [{ source: 'docs' }] });
  const { sourcePin } = await planCollection(controls, from);
  expect(sourcePin.peers).toEqual([]);
  const onto = await planned(controls, {
    ...planFor('docs'),
    target: { cluster: 'reader', collection: 'new' },
  });
  await refusal('ClusterUnauthorized', prepareTarget(controls, onto));
});

test('refuses overrides that would change the stored bits, or that name what is not there', async () => {
  for (const overrides of [
    { vectors: { size: 5 } },
    { vectors: { datatype: 'float16' } },
    { vectors: { nope: { on_disk: true } } },
    { sparse_vectors: { nope: {} } },
    { sharding_method: 'custom' },
    { hnsw: { m: 1 } },
    { metadata: { big: 2 ** 60 } },
  ]) {
    await refusal('InvalidInput', plan('docs', 'docs', { overrides }));
  }
});

test('refuses a collection that somebody made between planning and preparing', async () => {
  const input = await planned(controls, planFor('docs', 'raced'));
  await make(sides.target, 'raced', 1);
  await refusal('TargetNotEmpty', prepareTarget(controls, input));
});

test('deletes only the collection that it was to replace, not one that took its place', async () => {
  await make(sides.target, 'owned', 1);
  const input = await planned(controls, planFor('docs', 'owned', { onExisting: 'recreate' }));
  await rest(sides.target, 'DELETE', collectionPath('owned'));
  await make(sides.target, 'owned', 2);
  await refusal('CollectionChanged', prepareTarget(controls, input));
  expect(await controls.of('target').count('owned')).toBe(2);
});

test('continues with no target that was given an alias before it was finished, unless the source leads', async () => {
  const begun = planFor('docs', 'begun');
  await prepareTarget(controls, await planned(controls, begun));
  expect(await planCollection(controls, begun)).toMatchObject({ targetState: 'ours' });
  const action = '{"create_alias":{"collection_name":"begun","alias_name":"prod"}}';
  await rest(sides.target, 'POST', '/collections/aliases', `{"actions":[${action}]}`);
  await refusal('TargetChanged', planCollection(controls, begun));
  const led = { ...begun, deleteExtras: true };
  expect(await planCollection(controls, led)).toMatchObject({ targetState: 'ours' });
});

test('notices that an alias leads to another cluster, or a name to another collection', async () => {
  const { sourcePin } = await plan('docs');
  const checkPin = createCheckPin(controls);
  await checkPin('source', 'docs', sourcePin);
  await checkPin('again', 'docs', sourcePin);
  await refusal('ClusterChanged', checkPin('target', 'full', sourcePin));
  await rest(sides.source, 'DELETE', '/collections/notes');
  await refusal('CollectionChanged', checkPin('source', 'notes', sourcePin));
  await make(sides.source, 'notes', 0, '{"vectors":{"size":9,"distance":"Dot"}}');
  await refusal('CollectionChanged', checkPin('source', 'notes', sourcePin));
});
