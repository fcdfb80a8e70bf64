import { describe, expect, it } from 'vitest';
import {
  OPERATION_NAMES,
  operations,
  steeringAnswer,
  steeringDescriptions,
} from '../../src/model/operations.js';
import type { Command } from '../../src/model/state/steering.js';

describe('the answer to a command', () => {
  const shards = '1 of 4 shards';

  it.each([
    ['snapshotMigration', 'copying'],
    ['fullBackup', 'capturing'],
    ['disasterRecovery', 'copying'],
    ['rehearseRecovery', 'awaiting-operator'],
  ] as const)('takes effect at the next shard of a %s that is %s, and says so', (operation, phase) => {
    const answer = (command: Command) => steeringAnswer(operation, phase, command, shards);
    expect(answer({ do: 'pause' })).toBe(
      'Pausing: the shards in flight are finished first. 1 of 4 shards. Send `resume` to continue.',
    );
    expect(answer({ do: 'throttle', pace: { maxMegabytesPerSecond: 5 } })).toBe(
      'The limit is at most 5 MB/s from the next shard; shards in flight keep theirs. 1 of 4 shards.',
    );
  });

  it('says that a limit in points does not apply to shards', () => {
    const pace = { maxPointsPerSecond: 500 };
    const answer = steeringAnswer('disasterRecovery', 'copying', { do: 'throttle', pace }, shards);
    expect(answer).toContain('only where points are read, not to shards');
  });

  it.each([
    ['scrollMigration', 'copying'],
    ['snapshotMigration', 'verifying'],
    ['fullBackup', 'verifying'],
    ['disasterRecovery', 'finishing'],
  ] as const)('takes effect at once in a %s that is %s', (operation, phase) => {
    const answer = (command: Command) => steeringAnswer(operation, phase, command, shards);
    expect(answer({ do: 'pause' })).toContain('the batches in flight are finished first');
    expect(answer({ do: 'throttle', pace: { maxPointsPerSecond: 5 } })).toBe(
      'The limit is now at most 5 points/s. 1 of 4 shards.',
    );
  });

  it.each([
    ['scrollMigration', 'copying', 'indexing is put back'],
    ['snapshotMigration', 'copying', 'once the nodes have finished the shards in flight'],
    ['verifyCollections', 'verifying', 'Nothing was written'],
    ['fullBackup', 'capturing', 'their uploads removed'],
    ['disasterRecovery', 'verifying', 'not verified yet is removed'],
    ['rehearseRecovery', 'verifying', 'on the scratch cluster is removed'],
  ] as const)('to an abort of a %s that is %s says: %s', (operation, phase, words) => {
    expect(steeringAnswer(operation, phase, { do: 'abort' }, shards)).toContain(words);
  });
});

describe.each(OPERATION_NAMES)('the row of %s', (name) => {
  it('describes every command', () => {
    for (const text of Object.values(steeringDescriptions(name))) expect(text).toMatch(/^[A-Z].*\.$/);
  });

  it('works in one of its phases', () => {
    const { phases, working } = operations[name];
    expect(phases).toContain(working);
    expect(phases.at(0)).toBe('planning');
    expect(phases.at(-1)).toBe('done');
  });
});
