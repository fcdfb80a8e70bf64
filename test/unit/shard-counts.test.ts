import { expect, it } from 'vitest';
import { newMove, shardsMoved } from '../../src/model/state/move-progress.js';
import { countShards, recoverText } from '../../src/model/state/recovery-progress.js';

/** Two shards of two replicas each, and one of one. */
const ENTRIES = [
  { position: 0, into: 0, peer: '1', isReplica: true },
  { position: 0, into: 0, peer: '2', isReplica: true },
  { position: 1, into: 1, peer: '1', isReplica: true },
  { position: 1, into: 1, peer: '2', isReplica: true },
  { position: 2, into: 2, peer: '2' },
];

it('a shard of several replicas counts once, when each of them has it', () => {
  expect(countShards(ENTRIES, [])).toEqual({ done: 0, of: 3 });
  expect(countShards(ENTRIES, [0, 3, 4])).toEqual({ done: 1, of: 3 });
  expect(countShards(ENTRIES, [0, 1, 2, 3, 4])).toEqual({ done: 3, of: 3 });
});

it('a migration by way of a backup counts the same', () => {
  const fromBackup = { manifestSha256: '', via: 'push', mayPush: true, shards: ENTRIES } as const;
  const move = {
    ...newMove(),
    fromBackup: { ...fromBackup, shards: [...ENTRIES] },
    recovered: [2, 3],
    bytes: 7,
  };
  expect(shardsMoved(move)).toEqual({ done: 1, of: 3, bytes: 7 });
});

it('names the replica where a shard has several', () => {
  const texts = ENTRIES.slice(3).map((entry) => recoverText(ENTRIES, entry, 'docs'));
  expect(texts).toEqual(['recover shard 2 of 3 of docs on peer 2', 'recover shard 3 of 3 of docs']);
});
