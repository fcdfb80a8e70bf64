// Qdrant's own snapshots on a cluster of three nodes: each has its own, and none is left out in silence.

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QdrantServer } from '../../src/local/index.js';
import type {
  CreateSnapshotResult,
  ListedSnapshot,
  ListSnapshotsResult,
} from '../../src/model/contracts/snapshot-activities.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { compareTaken, takeSide } from '../support/compare-sides.js';
import { fillRandom } from '../support/random-collection.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { snapshotCommands } from '../support/snapshot-commands.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { fillSharded } from '../support/worst-sharded.js';

let stack: BackupStack;
let trio: ThreeNodes;
beforeAll(async () => {
  trio = await startThreeNodes('trio');
  stack = await startBackupStack({ moreClusters: () => ({ trio: { nodes: trio.connection.nodes } }) });
  await fillRandom(first(), { name: 'spread', points: 900, shards: 3 });
});
afterAll(async () => {
  await stack?.stop();
  await trio?.stop();
});

const { run: snapshots, answer, refusal, listed } = snapshotCommands(() => stack);
const nodeAt = (at: number) => trio.nodes[at] as QdrantServer;
const [first, second, third] = [() => nodeAt(0), () => nodeAt(1), () => nodeAt(2)];
const byNode = (a: string, b: string) => (a.split(' ')[1] ?? '').localeCompare(b.split(' ')[1] ?? '');

it('makes one on each, lists them by node and peer, and takes a node by either name', async () => {
  const { made, notes } = await answer<CreateSnapshotResult>('create', 'trio', '--collection', 'spread');
  expect(made.map(({ node }) => node)).toEqual(trio.nodes.map(({ url }) => url));
  expect(new Set(made.map(({ peer }) => peer)).size).toBe(3);
  expect(notes.join()).toContain('together they hold the collection');
  expect(await listed('trio', '--collection', 'spread')).toEqual(
    made.map(({ name, node }) => `${name} ${node}`).sort(byNode),
  );
  const [one] = made as [ListedSnapshot];
  for (const node of [one.node, one.peer ?? '']) {
    expect(await listed('trio', '--collection', 'spread', '--node', node)).toEqual([
      `${one.name} ${one.node}`,
    ]);
  }
  const elsewhere = ['delete', 'trio', one.name, '--collection', 'spread', '--node', second().url];
  expect(await refusal(...elsewhere)).toMatchObject({ exit: 1, code: 'SnapshotNotFound' });
  const nowhere = await refusal(...elsewhere.slice(0, -1), 'http://127.0.0.1:9');
  expect([nowhere.exit, nowhere.message]).toEqual([2, expect.stringContaining(second().url)]);
});

it('puts the collection back, node by node', async () => {
  const before = await takeSide({ ...first(), collection: 'spread' });
  const { made } = await answer<CreateSnapshotResult>('create', 'trio', '--collection', 'spread');
  await rest(first(), 'POST', `${collectionPath('spread')}/points/delete?wait=true`, '{"filter":{}}');
  const unsaid = await refusal(
    'recover',
    'trio',
    '--collection',
    'spread',
    '--object',
    'none.snapshot',
    '--priority',
    'snapshot',
    '--replace',
  );
  expect([unsaid.exit, unsaid.message]).toEqual([2, expect.stringContaining('Name one node')]);
  for (const { name, node } of made) {
    const how = ['--snapshot', name, '--node', node, '--priority', 'snapshot', '--replace'];
    await answer('recover', 'trio', '--collection', 'spread', ...how);
  }
  const after = await takeSide({ ...first(), collection: 'spread' });
  expect(compareTaken(before, after)).toMatchObject({ points: 900, differences: [] });
});

it('calls it a failure when Qdrant says 200 OK and there are no points, and removes what is empty', async () => {
  await fillSharded(first(), 'keyed', 60, 9_223_372_036_854_775_807n);
  // of the nodes on which Qdrant put its shards
  const { made } = await answer<CreateSnapshotResult>('create', 'trio', '--collection', 'keyed');
  const [{ name, node }] = made as [ListedSnapshot];
  const path = join(stack.folder, 'keyed.snapshot');
  await answer('download', 'trio', name, '--collection', 'keyed', '--node', node, '--to', path);
  const how = ['--node', node, '--file', path, '--priority', 'snapshot'];
  const empty = await refusal('recover', 'trio', '--collection', 'keyed-again', ...how);
  expect(empty).toMatchObject({ exit: 1, code: 'RecoveredEmpty' });
  expect(empty.message).toContain('ferry restore --from');
  expect(empty.message).toContain('was removed again');
  expect(await rest(first(), 'GET', '/collections')).not.toContain('keyed-again');
});

it('names a node that is down, and makes nothing where a part could not be had', async () => {
  await third().kill();
  const run = await snapshots('list', 'trio', '--collection', 'spread');
  const list = JSON.parse(run.stdout) as ListSnapshotsResult;
  expect([run.code, list.silent.map(({ node }) => node)]).toEqual([1, [third().url]]);
  const before = await listed('trio', '--collection', 'spread', '--node', first().url);
  const half = await refusal('create', 'trio', '--collection', 'spread');
  expect(half).toMatchObject({ exit: 1, code: 'ClusterUnreachable' });
  expect(half.message).toContain(third().url);
  expect(await listed('trio', '--collection', 'spread', '--node', first().url)).toEqual(before);
});
