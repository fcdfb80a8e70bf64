// What lies in a store after a backup of a real cluster of three nodes, and every damage to it, named.

import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { captureShard } from '../../src/shards/capture-shard.js';
import { freshCapture, type CaptureState } from '../../src/shards/node-file.js';
import { showBackup } from '../../src/backups/catalogue/catalogue.js';
import { readManifest } from '../../src/backups/catalogue/check-objects.js';
import { planCapture } from '../../src/backups/capture/plan-capture.js';
import type { SnapshotNodes } from '../../src/cluster/snapshots-port.js';
import { readText } from '../../src/shards/read-text.js';
import { resolveBackup } from '../../src/backups/capture/resolve-backup.js';
import {
  backupIdOf,
  collectionFolder,
  completeKey,
  manifestKey,
  snapshotName,
} from '../../src/model/format/backup-names.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { flipping, overwriting } from '../support/other-files.js';
import { damageIn, makeBackup, type Made } from '../support/make-backup.js';
import { allOf, bytesOf, filePlaceForTests, type StorePlace } from '../support/object-stores.js';
import { collectionPath, rest, upsertTexts } from '../support/rest-text.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { fillSharded } from '../support/worst-sharded.js';

const SPREAD = '{"vectors":{"size":4,"distance":"Dot"},"shard_number":4,"replication_factor":2}';

/** Names have whole seconds. */
const ANOTHER_SECOND_MS = 1_100;

let cluster: ThreeNodes;
let place: StorePlace;
let store: ObjectStore;
const first = () => cluster.nodes[0] as ThreeNodes['nodes'][number];

beforeAll(async () => {
  cluster = await startThreeNodes('prod');
  place = await filePlaceForTests();
  store = openStore(place.connection);
  await rest(first(), 'PUT', collectionPath('spread'), SPREAD);
  await upsertTexts(first(), 'spread', pointTexts(0, 400));
});
afterAll(async () => {
  await cluster?.stop();
  await place?.end();
});

describe('a backup of three nodes', () => {
  it('holds each shard once, from peers that share the work, and is complete', async () => {
    const made = await makeBackup(store, cluster.connection, 'spread');
    const manifest = await readManifest(store, made);
    expect(manifest.shards.map((shard) => shard.id)).toEqual([0, 1, 2, 3]);
    expect(manifest).toMatchObject({
      capture: { method: 'snapshot', mode: 'stream' },
      points: 400,
      sharding: 'auto',
      qdrantVersion: '1.17.0',
    });
    expect(manifest.shards.map((shard) => shard.peer)).toEqual(made.peers);
    expect(new Set(made.peers).size).toBeGreaterThanOrEqual(2);
    const keys = await keysOf(made);
    expect(keys.filter((key) => key.endsWith('.snapshot'))).toHaveLength(4);
    expect(await damageIn(store, made, 'full')).toEqual([]);
    expect(await showBackup(store, made)).toMatchObject({ complete: true });
  });

  it('holds every custom key, with its shards in order, also one without points', async () => {
    await fillSharded(first(), 'keyed', 20);
    const made = await makeBackup(store, cluster.connection, 'keyed', 'stored');
    const manifest = await readManifest(store, made);
    expect(manifest.sharding).toBe('custom');
    expect(manifest.shardKeys).toEqual([
      { shardKey: { keyword: 'eu' }, shards: 1, replicas: 1 },
      { shardKey: { keyword: 'us' }, shards: 2, replicas: 1 },
      { shardKey: { keyword: 'empty' }, shards: 1, replicas: 1 },
      { shardKey: { number: '7' }, shards: 1, replicas: 1 },
      { shardKey: { number: '18446744073709551615' }, shards: 1, replicas: 1 },
    ]);
    expect(manifest.shards.map((shard) => shard.ordinal)).toEqual([0, 0, 1, 0, 0, 0]);
    expect(await damageIn(store, made, 'full')).toEqual([]);
    for (const { id } of manifest.shards) expect(await filesOnNodes('keyed', id)).toEqual([]);
  });

  it('is complete also while points are written', async () => {
    let writing = true;
    const writer = (async () => {
      for (let at = 1_000; writing; at += 50) await upsertTexts(first(), 'spread', pointTexts(at, 50));
    })();
    const made = await makeBackup(store, cluster.connection, 'spread');
    writing = false;
    await writer;
    expect(await damageIn(store, made, 'full')).toEqual([]);
    expect(await showBackup(store, made)).toMatchObject({
      complete: true,
      collections: [{ proof: { kind: 'none' } }],
    });
  });

  it('takes a shard from another replica when the node that was planned is not the one', async () => {
    const nodes = snapshotNodes({ prod: cluster.connection });
    const node = await nodes.holding('prod', { collection: 'spread', shard: 0, peer: '1' }, never);
    expect(cluster.nodes.map((one) => one.url)).toContain(node.url);
    await node.close();
  });

  it('asks for the nodes where it knows one address only, and that one does not hold the shard', async () => {
    const one = { alias: 'one', nodes: cluster.connection.nodes.slice(0, 1) };
    const nodes = snapshotNodes({ one });
    const codes = await Promise.all(
      [0, 1, 2, 3].map(async (shard) => {
        try {
          await (await nodes.holding('one', { collection: 'spread', shard, peer: '1' }, never)).close();
          return 'held';
        } catch (error) {
          return (error as { code: string }).code;
        }
      }),
    );
    expect(codes).toContain('NodesUnknown');
    expect(new Set(codes)).toEqual(new Set(['held', 'NodesUnknown']));
  });
});

it('refuses a snapshot of the whole node while it resolves, before anything is written', async () => {
  const controls = qdrantControls({ prod: cluster.connection });
  const places = { controls, storeOf: () => place.connection };
  const asked = { cluster: 'prod', nodeSnapshot: true };
  await expect(resolveBackup(places, asked)).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining(
      '`nodeSnapshot` is for a cluster of one node, and "prod" has 3',
    ) as string,
  });
  expect(await resolveBackup(places, { cluster: 'prod' })).toMatchObject({ store: 'disk' });
});

describe('a capture that continues after a worker died', () => {
  const captured = async (state: CaptureState, mode: 'stream' | 'stored') => {
    const plan = await planCapture(qdrantControls({ prod: cluster.connection }), {
      source: { cluster: 'prod', collection: 'spread' },
      capture: mode,
    });
    const [shard] = plan.shards;
    if (!shard) throw new Error('no shard');
    const startedAt = new Date().toISOString();
    const backup = backupIdOf(new Date(startedAt), Math.random().toString(16).slice(2, 10).padEnd(8, '0'));
    const ref = { store: store.alias, cluster: 'prod', backup, collection: 'spread' };
    const input = { ...ref, what: 'it', pin: plan.pin, mode, shard, startedAt, stallAfterAttempts: 1 };
    const attempt = { state, onProgress: () => undefined, signal: never, stop: never };
    const nodes = snapshotNodes({ prod: cluster.connection });
    const capture = (from: SnapshotNodes = nodes) => captureShard({ store, nodes: from }, input, attempt);
    return { input, shard, nodes, capture };
  };
  const source = { collection: 'spread', shard: 0 };

  it('names the file that the dead one had the node make, and leaves it: it may be somebody else’s', async () => {
    const state = freshCapture();
    const { nodes, capture, input } = await captured(state, 'stored');
    const node = await nodes.holding('prod', { ...source, peer: input.shard.peer ?? '' }, never);
    state.known = { node: node.url, names: (await node.list(source, never)).map((file) => file.name) };
    const lost = await node.create(source, never);
    await pastThatSecond();
    const { leftOnNode } = await capture();
    expect(leftOnNode).toEqual([`${lost.name} on ${node.url}`]);
    expect((await node.list(source, never)).map((file) => file.name)).toContain(lost.name);
    await node.remove(source, lost.name, never);
    await node.close();
  });

  describe.each(['stream', 'stored'] as const)('by %s', (mode) => {
    const keyOf = (input: { backup: string; startedAt: string }, nonce: string) =>
      `${collectionFolder('prod', input.backup, 'spread')}${snapshotName('spread', new Date(input.startedAt), 0, nonce)}`;
    const halfDone = async (key: string) => {
      await store.put(key, Buffer.from('an object without a document'));
      await (await store.upload(key)).putPart(1, Buffer.from('a part'));
    };

    it('writes under a key of its own, and removes what the heartbeat of the dead one names', async () => {
      const { capture, input } = await captured({ ...freshCapture(), nonce: 'dead0001' }, mode);
      const key = keyOf(input, 'dead0001');
      await halfDone(key);
      const { name, bytes } = await capture();
      const folder = collectionFolder('prod', input.backup, 'spread');
      expect(name).not.toContain('dead0001');
      expect(await store.head(`${folder}${name}`)).toMatchObject({ bytes });
      expect(await store.head(key)).toBeUndefined();
      expect(await allOf(store.uploads(folder))).toEqual([]);
    });

    it('leaves alone what no heartbeat names, and an object that has a document', async () => {
      const { capture, input } = await captured({ ...freshCapture(), nonce: 'dead0002' }, mode);
      const [others, documented] = [keyOf(input, 'dead0003'), keyOf(input, 'dead0002')];
      await halfDone(others);
      await store.put(documented, Buffer.from('shorter than its document says'));
      const other = await captured(freshCapture(), mode);
      const { name } = await other.capture();
      const theirs = `${collectionFolder('prod', other.input.backup, 'spread')}${name}.parts.json`;
      await store.put(`${documented}.parts.json`, Buffer.from(await readText(store, theirs)));
      await capture();
      expect(await store.head(others)).toBeDefined();
      expect(await store.head(documented)).toBeDefined();
    });
  });

  it('has the node make another file where its disk gives other bytes than were written', async () => {
    const state = freshCapture();
    const { nodes, capture, input } = await captured(state, 'stored');
    const sick = flipping(nodes);
    await expect(capture(sick)).rejects.toMatchObject({ code: 'SnapshotDamaged', retryable: true });
    expect([sick.flipped(), state.file, state.uploadId]).toEqual([1, undefined, undefined]);
    expect(await allOf(store.uploads(collectionFolder('prod', input.backup, 'spread')))).toEqual([]);
    expect(await capture()).toMatchObject({ leftOnNode: [] });
    expect(await filesOnNodes('spread', 0)).toEqual([]);
  });

  it('leaves somebody’s file of the same second where it took the place of ours, and has another one made', async () => {
    const state = freshCapture();
    const { nodes, capture } = await captured(state, 'stored');
    await expect(capture(overwriting(nodes))).rejects.toMatchObject({ code: 'SnapshotDamaged' });
    const theirs = await filesOnNodes('spread', 0);
    expect([state.file, theirs.length]).toEqual([undefined, 1]);
    await sleep(ANOTHER_SECOND_MS);
    await expect(capture()).resolves.toMatchObject({
      leftOnNode: [expect.stringContaining(theirs[0] ?? '')],
    });
    expect(await filesOnNodes('spread', 0)).toEqual(theirs);
  });

  it('returns what was finished when only the answer was lost', async () => {
    const { capture } = await captured(freshCapture(), 'stream');
    const first = await capture();
    expect(await capture()).toEqual(first);
  });
});

describe('damage', () => {
  let made: Made;
  let manifest: CollectionManifest;
  beforeEach(async () => {
    made = await makeBackup(store, cluster.connection, 'spread');
    manifest = await readManifest(store, made);
  });
  const nameOf = (at: number) => manifest.shards[at]?.name ?? '';
  const keyAt = (at: number) => manifest.shards[at]?.parts[0]?.key ?? '';
  const bytesAt = (at: number) => bytesOf(store.read(keyAt(at)));
  const replace = async (key: string, body: Uint8Array) => {
    await store.delete(key);
    await store.put(key, body);
  };
  const stateNow = async () => (await showBackup(store, made)).collections[0];

  it('truncated: named by a quick check, and not complete', async () => {
    await replace(keyAt(1), (await bytesAt(1)).subarray(0, 1_000));
    expect((await damageIn(store, made, 'quick')).join()).toContain(`${nameOf(1)}: 1000 of`);
    expect(await stateNow()).toMatchObject({
      state: 'damaged',
      reason: expect.stringContaining(nameOf(1)) as string,
    });
  });

  it('one bit flipped: named by a full check', async () => {
    const bytes = await bytesAt(2);
    bytes[bytes.length >> 1]! ^= 1;
    await replace(keyAt(2), bytes);
    expect(await damageIn(store, made, 'quick')).toEqual([]);
    const damage = await damageIn(store, made, 'full');
    expect(damage).toHaveLength(1);
    expect(damage[0]).toContain(nameOf(2));
  });

  it('a missing object: named, and not complete', async () => {
    await store.delete(keyAt(3));
    expect(await damageIn(store, made, 'quick')).toEqual([`${nameOf(3)}: missing`]);
    expect(await stateNow()).toMatchObject({ state: 'damaged', reason: `${nameOf(3)} is missing` });
  });

  it('two snapshots swapped: both named', async () => {
    const [a, b] = [await bytesAt(0), await bytesAt(1)];
    await replace(keyAt(0), b);
    await replace(keyAt(1), a);
    const damage = (await damageIn(store, made, 'full')).join();
    expect(damage).toContain(nameOf(0));
    expect(damage).toContain(nameOf(1));
  });

  it('without complete.json: its objects were never checked, so it is not complete', async () => {
    await store.delete(completeKey(made.cluster, made.backup, made.collection));
    expect(await stateNow()).toMatchObject({
      state: 'incomplete',
      reason: expect.stringContaining('no complete.json') as string,
    });
  });

  it('an object that no document names: listed as left over, and not removed', async () => {
    const key = keyAt(0).replace(/\.[0-9a-f]{8}\.snapshot$/, '.dead0001.snapshot');
    await store.put(key, Buffer.from('of an attempt that was cut off'));
    const shown = await showBackup(store, made);
    expect(shown).toMatchObject({ complete: true, leftover: [{ key, bytes: 30 }] });
  });

  it('a missing manifest: not complete', async () => {
    await store.delete(manifestKey(made.cluster, made.backup, made.collection));
    expect(await stateNow()).toMatchObject({ state: 'incomplete' });
    await expect(damageIn(store, made, 'quick')).rejects.toMatchObject({ code: 'ObjectMissing' });
  });

  it.each([
    ['of a later format', (text: string) => text.replace('"version": 2', '"version": 3'), 'ManifestTooNew'],
    ['cut in the middle', (text: string) => text.slice(0, text.length / 2), 'ManifestInvalid'],
    ['of another backup', (text: string) => text.replaceAll('/spread/', '/other/'), 'ManifestInvalid'],
  ])('a manifest %s: named, and not complete', async (_, change, code) => {
    const key = manifestKey(made.cluster, made.backup, made.collection);
    await replace(key, Buffer.from(change(await readText(store, key))));
    const state = code === 'ManifestTooNew' ? 'tooNew' : 'damaged';
    expect(await stateNow()).toMatchObject({ state });
    expect(await showBackup(store, made)).toMatchObject({ complete: false });
    await expect(damageIn(store, made, 'quick')).rejects.toMatchObject({ code });
  });

  it('a manifest with one number changed: not the one that complete.json names', async () => {
    const key = manifestKey(made.cluster, made.backup, made.collection);
    const text = await readText(store, key);
    await replace(key, Buffer.from(text.replace(/"points": \d+/, '"points": 5')));
    expect(await stateNow()).toMatchObject({
      state: 'damaged',
      reason: expect.stringContaining('complete.json') as string,
    });
  });
});

const never = new AbortController().signal;

/** Qdrant names snapshots by the second. */
async function pastThatSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1_100));
}

function pointTexts(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `{"id":${from + at},"vector":[1,2,3,${at}]}`);
}

async function keysOf({ cluster: owner, backup, collection }: Made): Promise<string[]> {
  return (await allOf(store.list(collectionFolder(owner, backup, collection)))).map((one) => one.key);
}

async function filesOnNodes(collection: string, shard: number): Promise<string[]> {
  const found: string[] = [];
  for (const node of cluster.nodes) {
    const path = `${collectionPath(collection)}/shards/${shard}/snapshots`;
    const answer = await rest(node, 'GET', path).catch(() => '{"result":[]}');
    found.push(...(JSON.parse(answer) as { result: { name: string }[] }).result.map((file) => file.name));
  }
  return found;
}
