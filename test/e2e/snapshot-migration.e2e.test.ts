// Collections go from cluster to cluster as snapshots of their shards, by real workers, with real Qdrants: 1.16.3 to
// 1.17.0, one node to three and three to one, custom shard keys. Compared bit for bit by what uses nothing of the
// product.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startQdrant, type QdrantServer } from '../../src/local/index.js';
import { startBackupStack, type BackupStack } from '../support/backup-stack.js';
import { aliasesOf, compareSides } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { snapshotsOn } from '../support/snapshots-on.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

let stack: BackupStack;
let trio: ThreeNodes;
let lonely: QdrantServer;
const side = ({ url, grpcUrl }: QdrantServer, collection: string) => ({ url, grpcUrl, collection });
const LARGEST = 9_223_372_036_854_775_807n;

beforeAll(async () => {
  trio = await startThreeNodes('trio');
  lonely = await startQdrant({ version: '1.17.0', storageDir: `${trio.folder}/lonely` });
  stack = await startBackupStack({
    clustered: true,
    moreClusters: () => ({
      trio: { nodes: trio.connection.nodes },
      lonely: { url: lonely.url, grpcUrl: lonely.grpcUrl },
    }),
  });
});
afterAll(async () => {
  await stack?.stop();
  await lonely?.stop();
  await trio?.stop();
});

const migrate = (from: string, to: string, ...more: string[]) =>
  ferry(stack, 'migrate', from, to, ...more, '--method', 'snapshot', '--json');

async function expectEqual(a: QdrantServer, b: QdrantServer, from: string, to = from): Promise<void> {
  const { points, differences, configuration } = await compareSides(side(a, from), side(b, to));
  expect([to, points > 100, differences, configuration]).toEqual([to, true, [], []]);
}

describe('from 1.16.3 to 1.17.0', () => {
  beforeAll(async () => {
    await fillWorst(stack.source, 'worst', { shards: 3, large: false, spread: true });
    await rest(stack.source, 'PATCH', collectionPath('worst'), '{"params":{"read_fan_out_factor":2}}');
    await fillSharded(stack.source, 'keyed', 60, LARGEST);
  });

  it('arrives equal bit for bit, with aliases, metadata and read fan-out, and leaves nothing on the source', async () => {
    const run = await migrate('source', 'target', 'worst', 'keyed');
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    const report = reportOf(run);
    expect(report).toMatchObject({ outcome: 'verified', verified: 2 });
    expect(report.collections.map((line) => line.moved?.via)).toEqual(['pull', 'pull']);
    for (const name of ['worst', 'keyed']) {
      await expectEqual(stack.source, stack.target, name);
      expect(await aliasesOf(side(stack.target, name))).toEqual(await aliasesOf(side(stack.source, name)));
      expect(await snapshotsOn(stack.source, name)).toEqual([]);
    }
  });

  it('arrives under another name, pushed', async () => {
    const run = await migrate('source', 'target', 'keyed', '--as', 'other', '--via', 'push');
    expect(run).toMatchObject({ code: 0 });
    expect(reportOf(run).collections[0]).toMatchObject({ outcome: 'verified', moved: { via: 'push' } });
    await expectEqual(stack.source, stack.target, 'keyed', 'other');
  });

  it('arrives by way of a store, which keeps the backup', async () => {
    const run = await migrate('source', 'target', 'worst', '--as', 'stored', '--through', 'offsite');
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    const [line] = reportOf(run).collections;
    await expectEqual(stack.source, stack.target, 'worst', 'stored');
    const backup = line?.moved?.backup ?? '';
    const checked = await ferry(stack, 'check-backup', backup, '--json');
    expect(JSON.parse(checked.stdout)).toMatchObject({ ok: true });
  });

  it('refuses the way back, names scroll migration, and goes that way automatically with auto', async () => {
    const refused = await migrate('target', 'source', 'keyed', '--as', 'back');
    expect(refused.code).toBe(1);
    expect(reportOf(refused).collections[0]?.error).toMatch(/^SnapshotUnfit.*1\.17\.0.*1\.16\.3/s);
    expect(refused.stdout).toContain('--method scroll');
    const auto = await ferry(
      stack,
      ...['migrate', 'target', 'source', 'keyed', '--as', 'back', '--method', 'auto', '--json'],
    );
    expect(auto).toMatchObject({ code: 0 });
    expect(reportOf(auto).collections[0]).toMatchObject({ outcome: 'verified' });
    expect(reportOf(auto).collections[0]?.because).toMatch(/point by point.*1\.17\.0/);
  });
});

describe('between three nodes and one', () => {
  beforeAll(async () => {
    await fillWorst(trio.nodes[0] as QdrantServer, 'spread', {
      shards: 4,
      replicas: 2,
      large: false,
      spread: true,
    });
    await fillSharded(trio.nodes[0] as QdrantServer, 'keys', 60, LARGEST);
  });

  it('goes from three to one, streamed, each shard once', async () => {
    const run = await migrate('trio', 'target', 'spread', 'keys');
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    for (const line of reportOf(run).collections) {
      expect(line).toMatchObject({ outcome: 'verified', moved: { capture: 'stream', via: 'push' } });
    }
    for (const name of ['spread', 'keys'])
      await expectEqual(trio.nodes[0] as QdrantServer, stack.target, name);
  });

  it('goes from one to three, with custom keys too, every replica the same', async () => {
    const names = ['--as', 'spread=again', '--as', 'keys=keys-again'];
    const run = await migrate('target', 'trio', 'spread', 'keys', ...names);
    expect([run.code, run.stderr]).toEqual([0, run.stderr]);
    for (const node of trio.nodes) {
      await expectEqual(stack.target, node, 'spread', 'again');
      await expectEqual(stack.target, node, 'keys', 'keys-again');
    }
    const { result } = JSON.parse(
      await rest(trio.nodes[0] as QdrantServer, 'GET', `${collectionPath('again')}/cluster`),
    ) as { result: { local_shards: { state: string }[]; remote_shards: { state: string }[] } };
    const states = [...result.local_shards, ...result.remote_shards].map(({ state }) => state);
    expect(states).toHaveLength(8);
    expect(new Set(states)).toEqual(new Set(['Active']));
  });

  it('refuses custom keys where the target runs without clustering', async () => {
    const run = await migrate('trio', 'lonely', 'keys');
    expect([run.code, reportOf(run).collections[0]?.error]).toEqual([
      1,
      expect.stringMatching(/^IncompatibleTarget/),
    ]);
    const { result } = JSON.parse(await rest(lonely, 'GET', '/collections')) as {
      result: { collections: unknown[] };
    };
    expect(result.collections).toEqual([]);
  });
});
