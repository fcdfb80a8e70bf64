// Snapshots of collections, shards and the whole node on real servers of both versions, kept on the node's disk and in
// S3; and what of a cluster's nodes is believed.

import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOnNode, findHolders } from '../../src/snapshots/create-snapshot.js';
import { deleteOnNode } from '../../src/snapshots/delete-snapshot.js';
import { nodeNamed, withNodes, type SnapshotDeps } from '../../src/snapshots/named-node.js';
import { listOnNodes } from '../../src/snapshots/list-snapshots.js';
import { fileOnNode } from '../../src/snapshots/snapshot-file.js';
import { SnapshotCheck } from '../../src/shards/snapshot-check.js';
import {
  startQdrant,
  startS3Gateway,
  type QdrantServer,
  type QdrantVersion,
  type S3Gateway,
} from '../../src/local/index.js';
import type { ClusterConnection, NodeAddress } from '../../src/model/cluster.js';
import type { ListedSnapshot, SnapshotScope } from '../../src/model/contracts/snapshot-activities.js';
import { clusterNodes } from '../../src/qdrant/cluster-nodes.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { fillRandom } from '../support/random-collection.js';
import { rest } from '../support/rest-text.js';
import { snapshotsIn } from '../support/snapshots-on.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';

const never = new AbortController().signal;
const versions: QdrantVersion[] = ['1.16.3', '1.17.0'];
const docs = { collection: 'docs' };
const scopes: [string, SnapshotScope][] = [
  ['a collection', docs],
  ['a shard', { ...docs, shard: 1 }],
  ['the whole node', {}],
];

function roomOf(nodes: NodeAddress[]): SnapshotDeps {
  const clusters: Record<string, ClusterConnection> = { one: { alias: 'one', nodes } };
  return { open: clusterNodes(clusters), controls: qdrantControls(clusters) };
}

async function create(room: SnapshotDeps, scope: SnapshotScope): Promise<ListedSnapshot> {
  const { holders } = await findHolders(room, { cluster: 'one', ...scope }, never);
  const input = { what: 'make it', cluster: 'one', ...scope, node: holders[0]?.node ?? '' };
  const { made, notes } = await createOnNode(room.open, input, { log: noFlights, signal: never });
  notesOfLast = notes;
  return made;
}

const noFlights = { last: null, remember: () => Promise.resolve() };
let notesOfLast: string[] = [];

const list = async (room: SnapshotDeps, scope: SnapshotScope) =>
  (await listOnNodes(room, { cluster: 'one', ...scope }, never)).snapshots.map(({ name }) => name);

function remove(
  room: SnapshotDeps,
  { node, name }: ListedSnapshot,
  scope: SnapshotScope,
  isRepeated = false,
) {
  return deleteOnNode(room, { cluster: 'one', ...scope, node, name }, { isRepeated, signal: never });
}

/** From byte `from` on, after everything before it from the beginning. */
async function read(room: SnapshotDeps, { name }: ListedSnapshot, scope: SnapshotScope, from: number) {
  return withNodes(room.open, 'one', never, async (whole) => {
    const file = await fileOnNode(nodeNamed('one', whole), { cluster: 'one', ...scope, name }, never);
    const source = scope.collection === undefined ? ('storage' as const) : { ...docs, ...scope };
    const check = new SnapshotCheck({ what: name, source });
    let left = from;
    for await (const chunk of file.from(0, never)) {
      if (left > 0) check.pass(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left === 0) break;
    }
    for await (const chunk of file.from(from, never)) check.pass(chunk);
    check.finish();
    return check;
  });
}

describe.each(versions)('Qdrant %s', (version) => {
  let folder: string;
  let gateway: S3Gateway;
  let disk: QdrantServer;
  let inS3: QdrantServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ferry-admin-'));
    gateway = await startS3Gateway({
      folder: join(folder, 's3'),
      bucket: 'snapshots',
      accessKeyId: 'qdrant',
      secretAccessKey: 'a-key-of-this-test',
    });
    disk = await startQdrant({ version, storageDir: join(folder, 'disk') });
    inS3 = await startQdrant({ version, storageDir: join(folder, 'in-s3'), extraEnv: snapshotsIn(gateway) });
    for (const server of [disk, inS3]) {
      await fillRandom(server, { name: 'docs', points: 1_000, shards: 2 });
      await fillRandom(server, { name: 'docs-2', points: 10 });
    }
  });
  afterAll(async () => {
    await disk?.stop();
    await inS3?.stop();
    await gateway?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(scopes)(
    'keeps a snapshot of %s on its disk, with a checksum, until it is deleted',
    async (_, scope) => {
      const room = roomOf([disk]);
      const made = await create(room, scope);
      expect(made).toMatchObject({ node: disk.url, createdAt: expect.stringMatching(/^20..-.*Z$/) });
      expect(await list(room, scope)).toEqual([made.name]);
      const byName = { cluster: 'one', ...scope, name: made.name };
      expect((await listOnNodes(room, byName, never)).snapshots).toEqual([made]);
      const whole = await read(room, made, scope, 1_000);
      expect([whole.bytes, whole.sha256]).toEqual([made.bytes, made.sha256]);
      await remove(room, made, scope);
      await expect(remove(room, made, scope)).rejects.toMatchObject({ code: 'SnapshotNotFound' });
      expect(await remove(room, made, scope, true)).toMatchObject({ deleted: true });
      expect(await list(room, scope)).toEqual([]);
      await expect(listOnNodes(room, byName, never)).rejects.toMatchObject({ code: 'SnapshotNotFound' });
    },
  );

  it('keeps them in S3: no checksum, lists that mix everything, and deletes by the full name alone', async () => {
    const room = roomOf([inS3]);
    const made = new Map<string, ListedSnapshot>();
    for (const [what, scope] of scopes) {
      made.set(what, await create(room, scope));
      expect(made.get(what)?.sha256).toBeUndefined();
    }
    const named = (what: string) => made.get(what) as ListedSnapshot;
    const mixed = await listOnNodes(room, { cluster: 'one' }, never);
    // The full one has left a snapshot of each collection.
    expect(mixed.snapshots).toHaveLength(5);
    expect(mixed.notes.join()).toContain('4 are not named as Qdrant names snapshots of the whole node');
    expect(notesOfLast.join()).toMatch(/2 other snapshots appeared meanwhile: .*docs-2-/);
    for (const [what, scope] of scopes) {
      const whole = await read(room, named(what), scope, 1_000);
      expect(whole.bytes).toBe(named(what).bytes);
    }
    await expect(remove(room, named('a shard'), docs)).rejects.toMatchObject({ code: 'SnapshotNotFound' });
    for (const [what, scope] of scopes) await remove(room, named(what), scope);
    expect(await list(room, {})).toHaveLength(2);
  });

  it('calls it a collision when another takes the name, or removes the file', async () => {
    const room = roomOf([disk]);
    const path = '/collections/docs/snapshots';
    const racing = async (then: (name: string) => Promise<unknown>) => {
      const proxy = await afterwards(disk.url, `${path}?wait=true`, then);
      try {
        return await create(roomOf([{ ...disk, url: proxy.url }]), docs);
      } finally {
        await proxy.close();
      }
    };
    const taken = racing((name) => rest(disk, 'DELETE', `${path}/${name}`));
    await expect(taken).rejects.toMatchObject({
      code: 'SnapshotCollision',
      message: expect.stringContaining('was deleted again'),
    });
    const { made, failure } = await collided(room, () => rest(disk, 'POST', `${path}?wait=true`));
    expect(failure).toMatchObject({
      code: 'SnapshotCollision',
      message: expect.stringContaining('existed before this one was requested'),
    });
    expect(await list(room, docs)).toContain(made);
    for (const name of await list(room, docs)) await remove(room, { node: disk.url, name, bytes: 0 }, docs);
  });
});

/** Another's snapshot and ours, until both fall into one second. */
async function collided(room: SnapshotDeps, another: () => Promise<string>) {
  for (;;) {
    const { result } = JSON.parse(await another()) as { result: { name: string } };
    const failure: unknown = await create(room, docs).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) return { made: result.name, failure };
  }
}

describe('the nodes of a cluster', () => {
  let trio: ThreeNodes;
  let folder: string;
  beforeAll(async () => {
    trio = await startThreeNodes('one');
    folder = await mkdtemp(join(tmpdir(), 'ferry-lone-'));
    await fillRandom(trio.nodes[0] as QdrantServer, { name: 'docs', points: 90, shards: 2 });
  });
  afterAll(async () => {
    await trio?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it('are those that hold a part, each with what it holds', async () => {
    const room = roomOf(trio.connection.nodes);
    const { holders, notes } = await findHolders(room, { cluster: 'one', ...docs }, never);
    expect(holders).toHaveLength(2);
    expect(notes.join()).toMatch(/holds nothing of docs, and was left out/);
    const shard = await findHolders(room, { cluster: 'one', ...docs, shard: 0 }, never);
    expect(shard.holders).toHaveLength(1);
    const idle = trio.nodes.find(({ url }) => !holders.some(({ node }) => node === url)) as QdrantServer;
    await expect(findHolders(room, { cluster: 'one', ...docs, node: idle.url }, never)).rejects.toMatchObject(
      { code: 'InvalidInput' },
    );
  });

  it('are not believed where two addresses lead to one, or one runs alone', async () => {
    const [first] = trio.connection.nodes as [NodeAddress];
    await expect(listOnNodes(roomOf([first, first]), { cluster: 'one' }, never)).rejects.toMatchObject({
      code: 'NodesUnknown',
      message: expect.stringContaining('lead to the same node'),
    });
    const lone = await startQdrant({ version: '1.17.0', storageDir: folder });
    const withLone = listOnNodes(roomOf([first, lone]), { cluster: 'one' }, never);
    await expect(withLone).rejects.toMatchObject({
      code: 'NodesUnknown',
      message: expect.stringContaining('runs without clustering'),
    });
    await lone.stop();
  });

  it('are named where ferry.yaml does not lead to one', async () => {
    const { silent } = await listOnNodes(
      roomOf(trio.connection.nodes.slice(0, 2)),
      { cluster: 'one' },
      never,
    );
    expect(silent).toMatchObject([{ node: expect.stringMatching(/^peer \d+$/), code: 'NodesUnknown' }]);
  });
});

/** Passes everything on; after a POST to `path`, and before its answer, does something with the name that was made. */
async function afterwards(to: string, path: string, then: (name: string) => Promise<unknown>) {
  const server: Server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming;
    const onward = request(`${to}${url}`, { method, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isIt = method === 'POST' && url === path;
        const name = isIt ? (JSON.parse(text) as { result: { name: string } }).result.name : '';
        void Promise.resolve(isIt ? then(name) : undefined).finally(() =>
          outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(text),
        );
      });
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}
