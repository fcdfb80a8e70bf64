// Capture and recovery of ours. Each as `fullBackup` and `disasterRecovery` with their defaults, so the whole workflow
// holds the digests before and after, the check of every object, and the proof of what was recovered.

import { captureLockId } from '../../src/model/format/backup-names.js';
import { writeLockId } from '../../src/model/names.js';
import { runOurJob } from './our-job.js';
import { SHARDS_AT_ONCE, type SnapshotContestant, type StoreAlias } from './snapshot-contestant.js';

const ENDS_IN: Record<StoreAlias, string> = { gateway: 'the gateway', disk: 'the disk' };

export function captureLine(store: StoreAlias): string {
  return `qdrant-ferry, capture to ${ENDS_IN[store]}`;
}

export function recoveryLine(store: StoreAlias, via: 'pull' | 'push'): string {
  return `qdrant-ferry, recovery from ${ENDS_IN[store]}, ${via}`;
}

export function wholeLine(line: string): string {
  return `${line}, whole workflow`;
}

export function capture(store: StoreAlias): SnapshotContestant {
  const line = captureLine(store);
  return {
    lines: [line, wholeLine(line)],
    run: async (course) => {
      const { from, collection, left } = course;
      const { activities, whole, backup } = await runOurJob(course, {
        workflow: 'fullBackup',
        input: { cluster: from, store, collections: [collection], shards: SHARDS_AT_ONCE },
        child: captureLockId(from, collection),
        activity: 'captureShard',
      });
      if (backup !== undefined) left.backups[store] = backup;
      return { [line]: activities, [wholeLine(line)]: whole };
    },
  };
}

export function recovery(store: StoreAlias, via: 'pull' | 'push'): SnapshotContestant {
  const line = recoveryLine(store, via);
  return {
    lines: [line, wholeLine(line)],
    target: 'absent',
    run: async (course) => {
      const { from, collection, left } = course;
      const which = { cluster: from, store, backup: left.backups[store], collections: [collection] };
      const { activities, whole } = await runOurJob(course, {
        workflow: 'disasterRecovery',
        input: { target: 'target', ...which, via, shards: SHARDS_AT_ONCE, awaitIndexingMinutes: 0 },
        child: writeLockId('target', collection),
        activity: 'recoverShard',
      });
      return { [line]: activities, [wholeLine(line)]: whole };
    },
  };
}
