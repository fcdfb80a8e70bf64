import { expect, test } from 'vitest';
import { parseJson, writeJson } from '../../src/model/json.js';
import { layoutOf, shardKeyJson } from '../../src/qdrant/control-layout.js';
import type { Rest } from '../../src/qdrant/openapi.js';
import type { ClusterControl, Layout } from '../../src/cluster/control-port.js';
import { keyName, lookAt, readPlanOf, shardKeysOf, type Look } from '../../src/cluster/look.js';

const ANSWER = parseJson(`{"peer_id":18446744073709551615,"shard_count":3,
  "local_shards":[{"shard_id":4,"shard_key":"7","points_count":1,"state":"Active"},
    {"shard_id":1,"shard_key":9007199254740993,"points_count":1,"state":"Active"}],
  "remote_shards":[{"shard_id":4,"shard_key":"7","peer_id":9007199254740993,"state":"Dead"},
    {"shard_id":3,"shard_key":7,"peer_id":9007199254740993,"state":"Active"}],
  "shard_transfers":[]}`);

test('gathers replicas by shard and shards by key, with 64-bit peers and keys digit by digit', () => {
  const layout = layoutOf(ANSWER as Rest<'CollectionClusterInfo'>);
  expect(layout.shards).toEqual([
    {
      id: 1,
      key: { number: '9007199254740993' },
      replicas: [{ peer: '18446744073709551615', state: 'Active' }],
    },
    { id: 3, key: { number: '7' }, replicas: [{ peer: '9007199254740993', state: 'Active' }] },
    {
      id: 4,
      key: { keyword: '7' },
      replicas: [
        { peer: '18446744073709551615', state: 'Active' },
        { peer: '9007199254740993', state: 'Dead' },
      ],
    },
  ]);
  expect(shardKeysOf(layout).map(({ key }) => keyName(key))).toEqual(['9007199254740993', '7', '"7"']);
  expect(shardKeysOf(layout).map(({ key }) => writeJson(shardKeyJson(key)))).toEqual([
    '9007199254740993',
    '7',
    '"7"',
  ]);
});

test.each([
  ['one shard', [[]], 'scroll'],
  ['two shards', [[], []], 'idsFirst'],
  ['keys of one shard each', [['a'], ['b']], 'scroll'],
  ['a key of two shards', [['a'], ['a'], ['b']], 'idsFirst'],
])('reads %s in the way that is fastest there', (_, keys, mode) => {
  const shards = keys.map(([keyword], id) => ({
    id,
    replicas: [],
    ...(keyword ? { key: { keyword } } : {}),
  }));
  const layout: Layout = { shards, transfers: 0, resharding: 0 };
  expect(readPlanOf({ settings: {}, layout } as unknown as Look)).toEqual({ mode });
});

const LOOKED_AT = { cluster: 'a', collection: 'docs' };
const withLayout = (layout: Layout): ClusterControl =>
  ({
    info: async () => ({ config: {} }),
    layout: async () => layout,
    count: async () => 0,
  }) as unknown as ClusterControl;

test('refuses a collection whose shards are on their way, or of which no replica answers', async () => {
  const moving = layoutOf(
    parseJson(
      '{"peer_id":1,"shard_transfers":[{"shard_id":1}],"resharding_operations":[{}]}',
    ) as Rest<'CollectionClusterInfo'>,
  );
  await expect(lookAt(withLayout(moving), LOOKED_AT)).rejects.toMatchObject({
    code: 'ReshardingInProgress',
    retryable: true,
    happened: 'Shards of "docs" on "a" are being moved (2 under way)',
  });
  const dead: Layout = {
    shards: [{ id: 0, replicas: [{ peer: '1', state: 'Dead' }] }],
    transfers: 0,
    resharding: 0,
  };
  await expect(lookAt(withLayout(dead), LOOKED_AT)).rejects.toMatchObject({ code: 'ReplicaNotActive' });
});
