import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { ClusterConnection } from '../../src/model/cluster.js';
import { recoverShard } from '../../src/shards/recover-shard.js';
import type { ShardNodes } from '../../src/cluster/receiver-port.js';
import { FerryError } from '../../src/model/errors.js';
import type { RecoverShardInput } from '../../src/model/contracts/recovery-activities.js';
import { backupSource } from '../../src/backups/backup-source.js';
import { pointCodec } from '../../src/qdrant/points/stored-points.js';
import type { RecoverableShard } from '../../src/shards/recoverable-collection.js';
import type { CollectionManifest } from '../../src/model/format/manifest.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { openStore } from '../../src/storage/open-store.js';
import { compareSides, countPoints } from '../support/compare-sides.js';
import { startControlSides, type ControlSides } from '../support/control-sides.js';
import { makeBackup, type HandMade, type MadeBackup } from '../support/hand-made-backup.js';
import { begin, noFlight, plan, recover, type InProcess } from '../support/recover-in-process.js';
import { withInstead } from '../support/instead.js';
import { bytesOf } from '../support/object-stores.js';
import { rest } from '../support/rest-text.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

let sides: ControlSides;
let trio: QdrantServer[];
let folder: string;
let store: ObjectStore;
let clusters: Record<string, ClusterConnection>;
let made = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-recover-'));
  sides = await startControlSides();
  trio = await startTrio(folder);
  clusters = {
    source: { alias: 'source', nodes: [sides.source] },
    target: { alias: 'target', nodes: [sides.target] },
    trio: { alias: 'trio', nodes: trio },
  };
  await fillWorst(sides.source, 'worst', { shards: 2, large: false, ordinary: 200 });
  await fillSharded(sides.source, 'keyed', 40);
});

afterAll(async () => {
  await sides?.stop();
  for (const node of trio ?? []) await node.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A store of its own for each test. */
beforeEach(() => {
  made += 1;
  store = openStore({ alias: 'disk', url: pathToFileURL(join(folder, `store-${made}`)).href });
});

async function startTrio(under: string): Promise<QdrantServer[]> {
  const ports = await freePorts(3);
  const nodes: QdrantServer[] = [];
  for (const [at, port] of ports.entries()) {
    const uri = ['--uri', `http://127.0.0.1:${port}`];
    const first = at === 0 ? [] : ['--bootstrap', `http://127.0.0.1:${ports[0]}`];
    const extraEnv = { QDRANT__CLUSTER__ENABLED: 'true', QDRANT__CLUSTER__P2P__PORT: String(port) };
    nodes.push(
      await startQdrant({
        version: '1.17.0',
        storageDir: join(under, `node-${at}`),
        extraEnv,
        extraArgs: [...uri, ...first],
      }),
    );
  }
  return nodes;
}

function backUp(wanted: Partial<HandMade> & { collection: string }): Promise<MadeBackup> {
  return makeBackup(store, { nodes: [sides.source.url], ...wanted });
}

function into(to: string, { manifest }: MadeBackup, more: Partial<InProcess> = {}): InProcess {
  const { cluster, backup, collection } = manifest;
  return { clusters, store, from: { store: 'disk', cluster, backup, collection }, to, ...more };
}

async function namesOn(server: QdrantServer): Promise<string[]> {
  const { result } = JSON.parse(await rest(server, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name).sort();
}

const on = (server: QdrantServer, collection: string) => ({
  url: server.url,
  grpcUrl: server.grpcUrl,
  collection,
});

/** Rewrites an object of the store with other bytes. */
async function rewrite(key: string, change: (body: Buffer) => Buffer): Promise<void> {
  const body = change(await bytesOf(store.read(key)));
  await store.delete(key);
  await store.put(key, body);
}

describe('a recovery', () => {
  it('brings a backup of 1.16.3 back into 1.16.3 and into 1.17.0, bit for bit', async () => {
    const backup = await backUp({ collection: 'worst', partBytes: 200_000 });
    for (const [cluster, server] of [
      ['source', sides.source],
      ['target', sides.target],
    ] as const) {
      await recover(into(cluster, backup, { as: 'again' }));
      const found = await compareSides(on(sides.source, 'worst'), on(server, 'again'));
      expect([cluster, found.differences, found.configuration]).toEqual([cluster, [], []]);
    }
  });

  it('puts shards of custom keys where their key and ordinal are, whatever the ids', async () => {
    const backup = await backUp({
      collection: 'keyed',
      // as if other keys had been made and dropped before: ids with gaps
      change: (manifest) => ({
        ...manifest,
        shards: manifest.shards.map((one) => ({ ...one, id: one.id * 3 + 7 })),
      }),
    });
    await recover(into('target', backup, { as: 'keyed-again' }));
    const found = await compareSides(on(sides.source, 'keyed'), on(sides.target, 'keyed-again'));
    expect([found.differences, found.configuration]).toEqual([[], []]);
  });

  it('goes from one node to three replicas that are all exact, and from three nodes to one', async () => {
    const replicated = (manifest: CollectionManifest) => ({
      ...manifest,
      info: manifest.info.replace('"replication_factor":1', '"replication_factor":3'),
    });
    const backup = await backUp({ collection: 'worst', change: replicated });
    await recover(into('trio', backup));
    for (const node of trio) {
      expect((await compareSides(on(sides.source, 'worst'), on(node, 'worst'))).differences).toEqual([]);
    }
    const nodes = trio.map((node) => node.url);
    const back = await makeBackup(store, { nodes, collection: 'worst', cluster: 'trio' });
    expect(back.manifest.shards).toHaveLength(2);
    await recover(into('target', back, { as: 'from-trio' }));
    const found = await compareSides(on(sides.source, 'worst'), on(sides.target, 'from-trio'));
    expect(found.differences).toEqual([]);
  });

  it('moves an alias to what it recovered and leaves the old collection behind', async () => {
    const backup = await backUp({ collection: 'worst' });
    await recover(into('target', backup, { as: 'old' }));
    const alias = '{"actions":[{"create_alias":{"alias_name":"live","collection_name":"old"}}]}';
    await rest(sides.target, 'POST', '/collections/aliases', alias);
    const swapped = await recover(into('target', backup, { as: 'live', more: { onExisting: 'swap' } }));
    expect(swapped).toMatchObject({ left: 'old', writes: expect.stringMatching(/^live_\d{8}_\d{6}$/) });
    expect(await countPoints({ ...on(sides.target, 'live') })).toBe(backup.manifest.points);
    expect(await namesOn(sides.target)).toContain('old');
  });
});

describe('a recovery that was ended in the middle', () => {
  const givenAlias = (alias: string, collection: string) => {
    const action = `{"create_alias":{"alias_name":"${alias}","collection_name":"${collection}"}}`;
    return rest(sides.target, 'POST', '/collections/aliases', `{"actions":[${action}]}`);
  };

  it('continues with its own dated collection, but not with one that an alias names already', async () => {
    const backup = await backUp({ collection: 'worst' });
    await rest(sides.target, 'PUT', '/collections/front', '{"vectors":{"size":2,"distance":"Dot"}}');
    await givenAlias('shop', 'front');
    const swap = into('target', backup, { as: 'shop', more: { onExisting: 'swap' } });
    const begun = await begin(swap);
    const again = await begin(swap);
    expect(again).toBe(begun);
    await givenAlias('nick-of-begun', begun);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await plan(swap)).writes).not.toBe(begun);
  });

  it('continues under the same name, but not when an alias names what is there', async () => {
    const backup = await backUp({ collection: 'worst' });
    const ordinary = into('target', backup, { as: 'begun' });
    await begin(ordinary);
    expect(await plan(ordinary)).toMatchObject({ writes: 'begun', exists: false });
    await givenAlias('nick-of-ordinary', 'begun');
    await expect(plan(ordinary)).rejects.toMatchObject({ code: 'TargetExists' });
  });
});

describe('a recovery refuses, before the target is touched,', () => {
  it.each<[string, string, Partial<HandMade>]>([
    ['a manifest of a future format', 'ManifestTooNew', { change: (one) => ({ ...one, version: 3 }) }],
    ['a backup without a manifest', 'ManifestInvalid', { noManifest: true }],
    [
      'a manifest without one of its shards',
      'ManifestInvalid',
      { change: (one) => ({ ...one, shards: one.shards.slice(1) }) },
    ],
    [
      'a Qdrant two minor versions away',
      'VersionUnfit',
      { change: (one) => ({ ...one, qdrantVersion: '1.15.5' }) },
    ],
    ['a newer Qdrant', 'VersionUnfit', { change: (one) => ({ ...one, qdrantVersion: '1.18.0' }) }],
    [
      'a configuration that cannot be read',
      'ManifestInvalid',
      { change: (one) => ({ ...one, info: '{"config"' }) },
    ],
  ])('%s', async (_, code, wanted) => {
    const backup = await backUp({ collection: 'worst', ...wanted });
    await expect(plan(into('target', backup, { as: 'never' }))).rejects.toMatchObject({ code });
    expect(await namesOn(sides.target)).not.toContain('never');
  });

  it.each([
    ['a manifest that is not the one complete.json names', { checkedSha256: '0'.repeat(64) }],
    ['a backup whose objects were never checked', { unchecked: true }],
  ])('%s', async (_, wanted) => {
    const backup = await backUp({ collection: 'worst', ...wanted });
    await expect(plan(into('target', backup, { as: 'never' }))).rejects.toMatchObject({
      code: 'ManifestInvalid',
    });
  });

  it('an object that is missing, and one that was cut', async () => {
    const backup = await backUp({ collection: 'worst' });
    const key = backup.manifest.shards[1]?.parts[0]?.key ?? '';
    await rewrite(key, (body) => body.subarray(0, body.length - 1));
    const cut = plan(into('target', backup, { as: 'never' }));
    await expect(cut).rejects.toMatchObject({ code: 'ObjectDamaged', context: { key } });
    await store.delete(key);
    const gone = plan(into('target', backup, { as: 'never' }));
    await expect(gone).rejects.toMatchObject({ code: 'ObjectMissing', context: { key } });
  });

  it('a flipped bit, when every byte must be read first', async () => {
    const backup = await backUp({ collection: 'worst' });
    const key = backup.manifest.shards[0]?.parts[0]?.key ?? '';
    await rewrite(key, flipped);
    const full = plan(into('target', backup, { as: 'never', more: { precheck: 'full' } }));
    await expect(full).rejects.toMatchObject({ code: 'ObjectDamaged', context: { key } });
  });

  it('a name that is taken, by a collection or an alias, and a swap without an alias', async () => {
    const backup = await backUp({ collection: 'worst' });
    await expect(plan(into('source', backup))).rejects.toMatchObject({ code: 'TargetExists' });
    const swap = plan(into('source', backup, { more: { onExisting: 'swap' } }));
    await expect(swap).rejects.toMatchObject({ code: 'AliasNeeded' });
    const alias = '{"actions":[{"create_alias":{"alias_name":"nick","collection_name":"worst"}}]}';
    await rest(sides.source, 'POST', '/collections/aliases', alias);
    await expect(plan(into('source', backup, { as: 'nick' }))).rejects.toMatchObject({
      code: 'NameTakenByAlias',
    });
  });
});

describe('a recovery that finds damage on the way', () => {
  it('names a flipped bit, removes what it made and leaves the others as they were', async () => {
    const backup = await backUp({ collection: 'worst', partBytes: 200_000 });
    const before = await namesOn(sides.target);
    const key = backup.manifest.shards[1]?.parts[0]?.key ?? '';
    await rewrite(key, flipped);
    const failed = recover(into('target', backup, { as: 'half' }));
    await expect(failed).rejects.toMatchObject({ code: 'ObjectDamaged', context: { key } });
    expect(await namesOn(sides.target)).toEqual(before);
  });

  it('names shard files that were swapped', async () => {
    const backup = await backUp({ collection: 'worst' });
    const [one, two] = backup.manifest.shards.map((shard) => shard.parts[0]?.key ?? '');
    const bodies = [await bytesOf(store.read(one ?? '')), await bytesOf(store.read(two ?? ''))];
    await rewrite(one ?? '', () => bodies[1] ?? Buffer.alloc(0));
    await rewrite(two ?? '', () => bodies[0] ?? Buffer.alloc(0));
    const failed = recover(into('target', backup, { as: 'half' }));
    await expect(failed).rejects.toMatchObject({ code: 'ObjectDamaged' });
    expect(await namesOn(sides.target)).not.toContain('half');
  });
});

it('tries again what a node got other than the store holds it', async () => {
  const wanted = into('target', await backUp({ collection: 'worst' }), { as: 'pulled' });
  const { from } = wanted;
  const { manifestSha256 } = await plan(wanted);
  const refusing: ShardNodes = {
    holding: () =>
      Promise.resolve({
        pull: () =>
          Promise.reject(new FerryError('SnapshotDamaged', 'Qdrant answered 400: checksum mismatch')),
        push: () => Promise.reject(new Error('not asked for')),
        points: () => Promise.resolve(undefined),
        signs: () => Promise.resolve(undefined),
        close: () => Promise.resolve(),
      }),
  };
  const fetched = withInstead(store, { presignedUrl: () => Promise.resolve('http://files.test/it') });
  const source = backupSource(() => fetched, pointCodec);
  const target = { cluster: 'target', collection: 'pulled' };
  const step = { from, target, targetPin: {}, manifestSha256, via: 'pull', mayPush: false } as const;
  const input = {
    what: 'it',
    ...step,
    shard: { position: 0, into: 0 },
    isChecked: false,
    stallAfterAttempts: 3,
  };
  const { signal } = new AbortController();
  const shard = (await source.open(from, signal)).shards[0] as RecoverableShard;
  const asked = recoverShard(refusing, shard, input as RecoverShardInput, { signal }, noFlight());
  await expect(asked).rejects.toMatchObject({ code: 'SnapshotIncomplete', retryable: true });
});

function flipped(body: Buffer): Buffer {
  const at = Math.floor(body.length / 2);
  body[at] = (body[at] ?? 0) ^ 1;
  return body;
}
