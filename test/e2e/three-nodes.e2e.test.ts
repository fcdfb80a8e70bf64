// A cluster of three nodes is lost, all of it, and comes back: as three nodes, and as one. What it was is remembered by
// the test itself, before the fire.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { QdrantServer } from '../../src/local/index.js';
import { startBackupStack, storeOf, type BackupStack } from '../support/backup-stack.js';
import { aliasesOf, compareTaken, takeSide, type TakenSide } from '../support/compare-sides.js';
import { ferry, reportOf } from '../support/ferry-command.js';
import { allOf } from '../support/object-stores.js';
import { collectionPath, rest } from '../support/rest-text.js';
import { startThreeNodes, type ThreeNodes } from '../support/three-nodes.js';
import { fillWorst } from '../support/worst-collection.js';
import { fillSharded } from '../support/worst-sharded.js';

const NAMES = ['keyed', 'spread'] as const;
const ALIASES = { keyed: [], spread: ['spread-alias', 'spread-псевдоним'] };
const LARGEST = 9_223_372_036_854_775_807n;

let stack: BackupStack;
let trio: ThreeNodes;
const before = new Map<string, TakenSide>();
const on = ({ url, grpcUrl }: QdrantServer, collection: string) => ({ url, grpcUrl, collection });

beforeAll(async () => {
  trio = await startThreeNodes('trio');
  const moreClusters = () => ({ trio: { nodes: trio.connection.nodes } });
  stack = await startBackupStack({ clustered: true, moreClusters });
  const first = trio.nodes[0] as QdrantServer;
  await fillWorst(first, 'spread', { shards: 4, replicas: 2, large: false, spread: true });
  await rest(first, 'PATCH', collectionPath('spread'), '{"params":{"read_fan_out_factor":2}}');
  await fillSharded(first, 'keyed', 60, LARGEST);
  for (const name of NAMES) before.set(name, await takeSide(on(first, name)));
});
afterAll(async () => {
  await stack?.stop();
  await trio?.stop();
});

it('puts one copy of each shard into the store, of four with two replicas and of custom keys', async () => {
  const run = await ferry(stack, 'backup', 'trio', '--json');
  expect(run).toMatchObject({ code: 0 });
  const report = reportOf(run);
  expect(report.collections.map((line) => [line.collection, line.proven])).toEqual([
    ['keyed', 'quiesced'],
    ['spread', 'quiesced'],
  ]);
  expect(await snapshotsOf(report.backup ?? '', 'spread')).toEqual([0, 1, 2, 3]);
  expect(await snapshotsOf(report.backup ?? '', 'keyed')).toHaveLength(6);
});

it('comes back on three empty nodes and on one, the same on each, after all three were killed and wiped', async () => {
  await trio.killAndWipe();
  await trio.startAnew();
  for (const node of trio.nodes) expect(await namesOn(node)).toEqual([]);
  const runs = await Promise.all([
    ferry(stack, 'restore', 'trio', '--json'),
    ferry(stack, 'restore', 'target', '--cluster', 'trio', '--via', 'push', '--json'),
  ]);
  for (const run of runs) expect([run.code, reportOf(run).outcome]).toEqual([0, 'verified']);
  for (const node of [...trio.nodes, stack.target]) await expectAsBefore(node);
  for (const name of NAMES) {
    const states = await replicaStates(trio.nodes, name);
    expect(states).toHaveLength(name === 'spread' ? 8 : 6);
    expect(new Set(states)).toEqual(new Set(['Active']));
  }
});

/** Points, settings, metadata, read fan-out, payload indexes, aliases. */
async function expectAsBefore(node: QdrantServer): Promise<void> {
  for (const name of NAMES) {
    const known = before.get(name) as TakenSide;
    const { points, differences, configuration } = compareTaken(known, await takeSide(on(node, name)));
    expect([name, points > 100, differences, configuration]).toEqual([name, true, [], []]);
    expect(await aliasesOf(on(node, name))).toEqual(ALIASES[name]);
  }
  const spread = before.get('spread') as TakenSide;
  expect(spread.settings.get('config/params/read_fan_out_factor')).toBe('2');
  expect(spread.settings.get('config/metadata/big')).toBe('9007199254740993');
  expect(
    [...spread.settings.keys()].filter((path) => path.startsWith('payload_schema/')).length,
  ).toBeGreaterThan(10);
}

/** Shard ids of the snapshots in the store. */
async function snapshotsOf(backup: string, collection: string): Promise<number[]> {
  const keys = (await allOf(storeOf(stack).list(`trio/${backup}/${collection}/`))).map((one) => one.key);
  const ids = keys.flatMap((key) => /\.shard-(\d+)\.[0-9a-f]{8}\.snapshot$/.exec(key)?.slice(1) ?? []);
  return ids.map(Number).sort((a, b) => a - b);
}

async function namesOn(node: QdrantServer): Promise<string[]> {
  const { result } = JSON.parse(await rest(node, 'GET', '/collections')) as {
    result: { collections: { name: string }[] };
  };
  return result.collections.map((one) => one.name);
}

/** What each node says of the replicas that it holds itself. */
async function replicaStates(nodes: QdrantServer[], name: string): Promise<string[]> {
  const answers = await Promise.all(
    nodes.map((node) => rest(node, 'GET', `${collectionPath(name)}/cluster`)),
  );
  return answers.flatMap((text) => {
    const { result } = JSON.parse(text) as { result: { local_shards: { state: string }[] } };
    return result.local_shards.map((shard) => shard.state);
  });
}
