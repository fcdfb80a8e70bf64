// The activities of snapshot migration over clusters in memory: a shard is the points whose id leaves its number.

import type {
  MoveActivities,
  MoveControlActivities,
  MovePlan,
} from '../../src/model/contracts/move-activities.js';
import type { FakeClusters } from './fake-clusters.js';

export interface FakeMoves {
  shards: number;
  /** Of the next planMove, besides what follows from the points. */
  plan: Partial<MovePlan>;
  /** Snapshots on the nodes of the source. */
  left: string[];
}

export function moveActivities(
  fakes: FakeClusters,
  settings: FakeMoves,
): MoveControlActivities & MoveActivities {
  const { planCollection, prepareTarget } = fakes.control();
  const ids = () => Array.from({ length: settings.shards }, (_, id) => id);
  return {
    planMove: async ({ source, target }) => ({
      collection: await planCollection({ source, target, onExisting: 'merge' }),
      writes: target.collection,
      exists: false,
      isMoved: false,
      mode: 'stream',
      ...settings.plan,
    }),
    lookAtReplacedTarget: async ({ target }) => fakes.store.lookAt(target),
    prepareMove: async ({ source, target, plan, job, replaced }) => {
      if (replaced) fakes.store.replace(target, replaced, job);
      const { sourcePin, targetState, heldBack } = plan;
      const input = { source, target, onExisting: 'fail', sourcePin, targetState, heldBack, job } as const;
      const placed = ids().map((id) => ({ shard: { id, ordinal: id }, into: id, peers: ['1'] }));
      return { ...(await prepareTarget(input)), shards: placed };
    },
    moveShard: async ({ source, target, placed, via }) => {
      const into = fakes.points(target);
      for (const [id, value] of fakes.points(source)) {
        if (Number(id) % settings.shards === placed.shard.id) into.set(id, value);
      }
      return { bytes: 1_000, via: via === 'pull' ? 'pull' : 'push', leftOnNode: [] };
    },
    placeBackup: async ({ shards, via }) => ({
      manifestSha256: '',
      via: via === 'pull' ? 'pull' : 'push',
      mayPush: true,
      shards: shards.map(({ into }, position) => ({ position, into })),
    }),
    findLeftoverSnapshots: async () => ({ left: settings.left }),
    markMoved: async () => undefined,
    assignAliases: async () => ({ aliases: ['current'], notes: [] }),
    undoMove: async ({ target }) => {
      delete fakes.clusters[target.cluster]?.[target.collection];
      return { removed: true };
    },
  };
}
