// One shard from one real Qdrant into another, where the file on the source's node is not what it was.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshCapture } from '../../src/shards/node-file.js';
import { moveShard, type MoveState } from '../../src/shards/move-shard.js';
import type { SnapshotNodes } from '../../src/cluster/snapshots-port.js';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { MoveShardInput } from '../../src/model/contracts/move-activities.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { shardNodes } from '../../src/qdrant/snapshot-receiver.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { compareSides } from '../support/compare-sides.js';
import { flipping, overwriting } from '../support/other-files.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { snapshotsOn } from '../support/snapshots-on.js';

/** Names have whole seconds. */
const ANOTHER_SECOND_MS = 1_100;

const never = new AbortController().signal;
const [from, into] = ['from', 'into'].map((cluster) => ({ cluster, collection: 'docs' }));

let folder: string;
let [source, target]: QdrantServer[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ferry-move-'));
  source = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'source') });
  target = await startQdrant({ version: '1.17.0', storageDir: join(folder, 'target') });
  await fillRandom(source, { name: 'docs', points: 500 });
  await fillRandom(target, { name: 'docs', points: 0 });
});
afterAll(async () => {
  await source?.stop();
  await target?.stop();
  await rm(folder, { recursive: true, force: true });
});

const side = (server: QdrantServer | undefined) => {
  if (!server) throw new Error('not started');
  const { url, grpcUrl } = server;
  return { url, grpcUrl, collection: 'docs' };
};
const clusters = () => ({
  from: { alias: 'from', nodes: [side(source)] },
  into: { alias: 'into', nodes: [side(target)] },
});

async function move(nodes: SnapshotNodes, state: MoveState, via: MoveShardInput['via'] = 'push') {
  const { shards } = await qdrantControls(clusters()).of('into').layout('docs');
  const input = {
    ...{ what: 'it', source: from, target: into, sourcePin: {}, targetPin: {} },
    placed: { shard: { id: 0, ordinal: 0 }, into: 0, peers: shards[0]?.replicas.map(({ peer }) => peer) },
    ...{ mode: 'stored', via, stallAfterAttempts: 1 },
  } as unknown as MoveShardInput;
  const room = { nodes, shardNodes: shardNodes(clusters()) };
  const remember = () => Promise.resolve();
  return moveShard(room, input, { state, onProgress: () => undefined, remember, signal: never, stop: never });
}

it('has the node make another file, after an attempt to which its disk gave other bytes', async () => {
  const nodes = snapshotNodes(clusters());
  const sick = flipping(nodes);
  const state = freshCapture();
  await expect(move(sick, state)).rejects.toMatchObject({ code: 'SnapshotDamaged', retryable: true });
  expect([sick.flipped(), state.file, await snapshotsOn(side(source), 'docs')]).toEqual([1, undefined, []]);
  expect(await move(nodes, state)).toMatchObject({ via: 'push', leftOnNode: [] });
  expect(await compareSides(side(source), side(target))).toMatchObject({ points: 500, differences: [] });
  expect(await snapshotsOn(side(source), 'docs')).toEqual([]);
});

it.each<MoveShardInput['via']>(['push', 'pull'])(
  'by %s has the node make another file where somebody’s of the same second took the place of ours',
  async (via) => {
    const nodes = snapshotNodes(clusters());
    const state = freshCapture();
    await expect(move(overwriting(nodes), state, via)).rejects.toMatchObject({
      ...{ code: 'SnapshotDamaged', retryable: true },
    });
    const [theirs, ...others] = await snapshotsOn(side(source), 'docs');
    expect([state.file, others]).toEqual([undefined, []]);
    await sleep(ANOTHER_SECOND_MS);
    await expect(move(nodes, state, via)).resolves.toMatchObject({ via });
    expect(await compareSides(side(source), side(target))).toMatchObject({ points: 500, differences: [] });
    expect(await snapshotsOn(side(source), 'docs')).toEqual([theirs]);
    await removeFile(theirs ?? '');
  },
);

it('tells which way a shard went, also where the attempt died that brought it', async () => {
  const nodes = snapshotNodes(clusters());
  const state = freshCapture();
  const leaving: SnapshotNodes = {
    ...nodes,
    holding: async (...args) => {
      const node = await nodes.holding(...args);
      return Object.assign(node, { remove: () => Promise.reject(new Error('killed')) });
    },
  };
  await move(leaving, state, 'push').catch(() => undefined);
  expect(state).toMatchObject({ filled: 1, via: 'push' });
  expect(await move(nodes, state, 'auto')).toMatchObject({ via: 'push', leftOnNode: [] });
});

it('has the node make another file where ours was removed before it was pulled', async () => {
  const nodes = snapshotNodes(clusters());
  const state = freshCapture();
  const gone = { node: source?.url ?? '', name: 'docs-shard-0-2026-01-01-00-00-00.snapshot', bytes: 1 };
  state.file = { ...gone, sha256: '0'.repeat(64) };
  await expect(move(nodes, state, 'pull')).rejects.toMatchObject({ code: 'SnapshotIncomplete' });
  await expect(move(nodes, state, 'pull')).resolves.toMatchObject({ via: 'pull', leftOnNode: [] });
});

async function removeFile(name: string): Promise<void> {
  const path = `${collectionPath('docs')}/shards/0/snapshots/${encodeURIComponent(name)}?wait=true`;
  await rest(side(source), 'DELETE', path);
}
