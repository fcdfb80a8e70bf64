import { expect, it } from 'vitest';
import { compareReplicas } from '../../src/cluster/compare-replicas.js';
import type { Controls, Layout, NodeReplicas } from '../../src/cluster/control-port.js';

const collection = { cluster: 'prod', collection: 'docs' };

it('names the shard, the nodes and their counts where replicas differ and stay different', async () => {
  const controls = cluster({ rounds: [[10_300, 10_000, 10_300]] });
  await expect(compareReplicas(controls, { collection, allow: false }, undefined, 1)).rejects.toMatchObject({
    code: 'ReplicasDiffer',
    happened: 'The replicas of "docs" on "prod" differ: shard 0: n0 10,300, n1 10,000, n2 10,300',
  });
});

it('makes a note of it where that is allowed', async () => {
  const controls = cluster({ rounds: [[10_300, 10_000, 10_300]] });
  const { notes } = await compareReplicas(controls, { collection, allow: true }, undefined, 1);
  expect(notes.join()).toMatch(
    /differ: shard 0: n0 10,300, n1 10,000, n2 10,300. `allowReplicaDifference` allows it/,
  );
});

it.each([
  ['equal replicas', [[7, 7, 7]]],
  [
    'replicas that are equal a moment later',
    [
      [7, 8, 7],
      [9, 9, 9],
    ],
  ],
  [
    'replicas under steady writes, each a little ahead in turn',
    [
      [10, 12, 11],
      [14, 13, 15],
      [17, 18, 16],
      [19, 20, 21],
    ],
  ],
])('says nothing of %s', async (_, rounds) => {
  const controls = cluster({ rounds });
  expect(await compareReplicas(controls, { collection, allow: false }, undefined, 1)).toEqual({ notes: [] });
});

it('sees a stale replica under writes that are smaller than the gap', async () => {
  const rounds = [
    [10_300, 10_000, 10_301],
    [10_302, 10_001, 10_302],
    [10_304, 10_003, 10_305],
    [10_306, 10_004, 10_306],
  ];
  const controls = cluster({ rounds });
  await expect(compareReplicas(controls, { collection, allow: false }, undefined, 1)).rejects.toMatchObject({
    code: 'ReplicasDiffer',
  });
});

it('believes exact counts through the nodes more than what nodes estimate of their shards', async () => {
  const controls = cluster({ rounds: [[10_300, 10_000, 10_300]], exact: [10_300, 10_300, 10_300] });
  expect(await compareReplicas(controls, { collection, allow: false }, undefined, 1)).toEqual({ notes: [] });
});

it('says so where no address leads to a node that holds a replica', async () => {
  const controls = cluster({ rounds: [[10_300, 10_000]] });
  const { notes } = await compareReplicas(controls, { collection, allow: false }, undefined, 1);
  expect(notes.join()).toMatch(/were not compared: no address in ferry.yaml answers as peer p2/);
});

/** One shard with a replica on each of three peers; each round of counts is what the nodes answer next. */
function cluster({ rounds, exact }: { rounds: number[][]; exact?: number[] }): Controls {
  const layout: Layout = {
    shards: [{ id: 0, replicas: ['p0', 'p1', 'p2'].map((peer) => ({ peer, state: 'Active' })) }],
    transfers: 0,
    resharding: 0,
  };
  let asked = -1; // the first look is for the addresses
  const control = {
    layout: () => Promise.resolve(layout),
    replicas: (): Promise<NodeReplicas[]> => {
      const counts = rounds[Math.min(Math.max(asked++, 0), rounds.length - 1)] ?? [];
      return Promise.resolve(
        counts.map((points, lane) => ({
          lane,
          node: `n${lane}`,
          peer: `p${lane}`,
          shards: [{ id: 0, state: 'Active', points }],
        })),
      );
    },
    countOn: (lane: number) => Promise.resolve((exact ?? rounds.at(-1) ?? [])[lane] ?? 0),
  };
  return { of: () => control, taskQueueOf: () => undefined } as unknown as Controls;
}
