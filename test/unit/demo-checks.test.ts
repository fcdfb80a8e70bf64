import { describe, expect, it } from 'vitest';
import {
  aliasCheck,
  collectionCheck,
  incrementCheck,
  killCheck,
  recoveryCheck,
  searchCheck,
  wipeCheck,
  type KillStory,
} from '../../demo/checks.js';
import type { RecoveryReport } from '../../src/model/state/recovery-progress.js';
import type { BackupReport, MigrationReport, Proof } from '../../src/model/contracts/results.js';

const digest = { count: 10, sum: 'ab'.repeat(16) };

function report(proof: Partial<Proof> = {}, change: Partial<MigrationReport> = {}): MigrationReport {
  return {
    operation: 'scrollMigration',
    source: { cluster: 'source', collection: 'docs' },
    target: { cluster: 'target', collection: 'docs' },
    outcome: 'verified',
    points: 10,
    bytes: 1_000,
    copySeconds: 1,
    verifySeconds: 1,
    pointsPerSecond: 10,
    repaired: { upserted: 0, deleted: 0 },
    proof: {
      equal: true,
      source: digest,
      target: digest,
      sourceCount: 10,
      targetCount: 10,
      missing: 0,
      changed: 0,
      extra: 0,
      renormalised: 0,
      configuration: [],
      first: [],
      reportKeys: [],
      passes: 1,
      ...proof,
    },
    aliases: ['docs-now'],
    warnings: [],
    ...change,
  };
}

const story: KillStory = {
  points: 6,
  total: 10,
  working: 1,
  killedPid: 1,
  newPid: 2,
  seconds: 5.5,
  slices: [{ what: 'copy slice 1 of 1 of docs', pointsBefore: 6, pointsAfter: 6 }],
};

describe('the demo claims', () => {
  it('that a collection arrived only when digests, counts and configuration agree', () => {
    expect(collectionCheck(report(), 10).passed).toBe(true);
    expect(collectionCheck(report({ target: { count: 10, sum: 'cd'.repeat(16) } }), 10).passed).toBe(false);
    expect(collectionCheck(report({ targetCount: 9 }), 10).passed).toBe(false);
    expect(collectionCheck(report({ configuration: ['hnsw_config.m is 16, not 12'] }), 10).passed).toBe(
      false,
    );
    expect(collectionCheck(report({}, { outcome: 'different' }), 10).passed).toBe(false);
  });

  it('nothing of a collection that is equal but not what was filled', () => {
    expect(collectionCheck(report(), 11).passed).toBe(false);
  });

  it('that the copy continued only when every slice did, with no fewer points than before', () => {
    expect(killCheck(story).passed).toBe(true);
    expect(killCheck({ ...story, working: 2 }).passed).toBe(false);
    const restarted = [{ what: 'copy slice 1 of 1 of docs', pointsBefore: 6, pointsAfter: 0 }];
    expect(killCheck({ ...story, slices: restarted }).passed).toBe(false);
    expect(killCheck(undefined).passed).toBe(false);
  });

  it('that the aliases are there only when all are', () => {
    expect(aliasCheck([report()], ['docs-now']).passed).toBe(true);
    expect(aliasCheck([report()], ['docs-now', 'other']).passed).toBe(false);
  });

  it('that searches are alike only when there were some and all are', () => {
    const search = { text: 'x', hits: ['y'], alike: true };
    expect(searchCheck([search]).passed).toBe(true);
    expect(searchCheck([search, { ...search, alike: false }]).passed).toBe(false);
    expect(searchCheck([]).passed).toBe(false);
  });

  it('that a wipe is survived only when all was there before, nothing after, and every backup proved', () => {
    const backup = { outcome: 'verified', proven: 'quiesced' } as BackupReport;
    expect(wipeCheck({ before: 3, after: 0 }, [backup, backup]).passed).toBe(true);
    expect(wipeCheck({ before: 3, after: 1 }, [backup]).passed).toBe(false);
    expect(wipeCheck({ before: 0, after: 0 }, [backup]).passed).toBe(false);
    expect(wipeCheck({ before: 3, after: 0 }, [backup, { ...backup, proven: 'none' }]).passed).toBe(false);
    expect(wipeCheck({ before: 3, after: 0 }, []).passed).toBe(false);
  });

  it('that a collection came back only when it is what the source of the migration held', () => {
    const recovered = {
      target: { cluster: 'target', collection: 'docs' },
      outcome: 'verified',
      points: 10,
      recoverySeconds: 1,
      contentProof: { kind: 'quiesced', digest },
    } as RecoveryReport;
    expect(recoveryCheck(recovered, report()).passed).toBe(true);
    expect(recoveryCheck({ ...recovered, points: 9 }, report()).passed).toBe(false);
    expect(recoveryCheck({ ...recovered, outcome: 'unproven' }, report()).passed).toBe(false);
    const other = { kind: 'quiesced' as const, digest: { count: 10, sum: 'cd'.repeat(16) } };
    expect(recoveryCheck({ ...recovered, contentProof: other }, report()).passed).toBe(false);
    expect(recoveryCheck({ ...recovered, contentProof: { kind: 'none' } }, report()).passed).toBe(false);
  });

  it('that an increment holds the mistake only when it found just that, and continues the backup before', () => {
    const before = { backup: 'first', bytes: 1_000 } as BackupReport;
    const changes = { base: 'first', changed: 3, deleted: 2, readBytes: 900 };
    const after = { backup: 'second', bytes: 100, changes } as BackupReport;
    const mistake = { changed: 3, deleted: 2 };
    const passed = (one: BackupReport | undefined) => incrementCheck(before, one, mistake).passed;
    expect(passed(after)).toBe(true);
    expect(passed({ ...after, bytes: 1_000 })).toBe(false);
    expect(passed({ ...after, changes: { ...changes, base: 'other' } })).toBe(false);
    expect(passed({ ...after, changes: { ...changes, changed: 4 } })).toBe(false);
    expect(passed({ ...after, changes: { ...changes, deleted: 0 } })).toBe(false);
    expect(passed(undefined)).toBe(false);
    expect(incrementCheck(undefined, after, mistake).passed).toBe(false);
  });
});
