// One shard from one real Qdrant into another, where the file on the source's node is not what it was.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freshCapture } from '../../src/backup/capture/capture-snapshot.js';
import { moveShard, type MoveState } from '../../src/backup/move/move-shard.js';
import type { SnapshotNodes } from '../../src/backup/ports.js';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import type { MoveShardInput } from '../../src/model/move-activities.js';
import { qdrantControls } from '../../src/qdrant/control.js';
import { shardNodes } from '../../src/qdrant/recover-snapshot.js';
import { snapshotNodes } from '../../src/qdrant/snapshot-nodes.js';
import { compareSides } from '../support/compare-sides.js';
import { flipping } from '../support/flipping-nodes.js';
import { fillRandom } from '../support/random-collection.js';
import { snapshotsOn } from '../support/snapshots-on.js';

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

async function move(nodes: SnapshotNodes, state: MoveState) {
  const { shards } = await qdrantControls(clusters()).of('into').layout('docs');
  const input = {
    ...{ what: 'it', source: from, target: into, sourcePin: {}, targetPin: {} },
    placed: { shard: { id: 0, ordinal: 0 }, into: 0, peers: shards[0]?.replicas.map(({ peer }) => peer) },
    ...{ mode: 'stored', via: 'push', stallAfterAttempts: 1 },
  } as unknown as MoveShardInput;
  const room = { nodes, shardNodes: shardNodes(clusters()) };
  return moveShard(room, input, { state, onProgress: () => undefined, signal: never, stop: never });
}

it('has the node make another file, after an attempt to which its disk gave other bytes', async () => {
  const nodes = snapshotNodes(clusters());
  const sick = flipping(nodes);
  const state = freshCapture();
  await expect(move(sick, state)).rejects.toMatchObject({ code: 'SnapshotIncomplete', retryable: true });
  expect([sick.flipped(), state.file, await snapshotsOn(side(source), 'docs')]).toEqual([1, undefined, []]);
  expect(await move(nodes, state)).toMatchObject({ via: 'push', leftOnNode: [] });
  expect(await compareSides(side(source), side(target))).toMatchObject({ points: 500, differences: [] });
  expect(await snapshotsOn(side(source), 'docs')).toEqual([]);
});
