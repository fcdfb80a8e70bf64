// Whether two names lead to one cluster, where neither says who it is: found by a collection that is created on one side
// and looked for on the other.

import { beforeEach, expect, it } from 'vitest';
import { FerryError } from '../../src/model/errors.js';
import type { ClusterControl } from '../../src/cluster/control-port.js';
import { compareClusters, requireKnownCluster } from '../../src/cluster/same-cluster.js';

interface Node {
  collections: Set<string>;
  /** Every name that was ever created. */
  created: string[];
}

interface Behaviour {
  peers?: string[];
  processId?: string;
  create?: () => void;
  list?: () => void;
}

let one: Node;
let other: Node;
beforeEach(() => {
  one = { collections: new Set(['docs']), created: [] };
  other = { collections: new Set(['docs']), created: [] };
});

/** As an ingress lets it be seen that hides `/telemetry` and every peer id. */
function named(alias: string, node: Node, { peers = [], processId, ...faults }: Behaviour = {}) {
  const control: Partial<ClusterControl> = {
    alias,
    nodeUrls: [`http://${alias}:6333`],
    identity: () => Promise.resolve(peers),
    processId: () => Promise.resolve(processId),
    collections: async () => {
      await Promise.resolve();
      faults.list?.();
      return [...node.collections];
    },
    create: async (name) => {
      await Promise.resolve();
      faults.create?.();
      node.collections.add(name);
      node.created.push(name);
    },
    remove: (name) => Promise.resolve(void node.collections.delete(name)),
  };
  return control as ClusterControl;
}

it('finds one cluster behind two names by what is created on the one and seen on the other', async () => {
  const [ingress, direct] = [named('ingress', one), named('direct', one, { peers: ['7'], processId: 'p' })];
  expect(await compareClusters(ingress, direct)).toBe('unknown');
  expect(one.created).toEqual([]);
  expect(await requireKnownCluster(ingress, direct)).toBe('same');
  expect(await requireKnownCluster(direct, ingress)).toBe('same');
  expect(one.created).toHaveLength(2);
  expect([...one.collections]).toEqual(['docs']);
});

it('tells two clusters apart, and leaves nothing on either', async () => {
  expect(await requireKnownCluster(named('a', one), named('b', other))).toBe('different');
  expect([one.created.length, other.created.length]).toEqual([0, 1]);
  expect([[...one.collections], [...other.collections]]).toEqual([['docs'], ['docs']]);
});

it.each([
  ['peer ids that are shared', ['1', '2'], ['2', '3'], 'same'],
  ['peer ids that are not', ['1', '2'], ['3'], 'different'],
])('creates nothing where there are %s', async (_, here, there, sameness) => {
  const found = await requireKnownCluster(
    named('a', one, { peers: here }),
    named('b', other, { peers: there }),
  );
  expect([found, other.created]).toEqual([sameness, []]);
});

it('fails closed as IdentityUnknown where the target lets nothing be created', async () => {
  const create = () => {
    throw new FerryError('ClusterUnauthorized', 'the key may not create a collection');
  };
  const asked = requireKnownCluster(named('a', one), named('b', other, { create }));
  await expect(asked).rejects.toMatchObject({ code: 'IdentityUnknown', retryable: false });
  await expect(asked).rejects.toThrow(/whether "a" and "b" are one cluster.*may not create a collection/);
});

it('is tried again, and is no answer, where the cluster is unavailable for a moment', async () => {
  const away = () => {
    throw new FerryError('QdrantUnavailable', 'away');
  };
  const creating = requireKnownCluster(named('a', one), named('b', other, { create: away }));
  await expect(creating).rejects.toMatchObject({ code: 'QdrantUnavailable', retryable: true });
  const looking = requireKnownCluster(named('a', one, { list: away }), named('b', other));
  await expect(looking).rejects.toMatchObject({ code: 'QdrantUnavailable', retryable: true });
  expect([...other.collections]).toEqual(['docs']);
});
