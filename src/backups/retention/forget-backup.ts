// Removes one backup that an operator names, in the order of a prune and under its lease. No rule is asked; what is
// pinned, locked, needed by another backup, or perhaps still being written stays, and the operator is told.

import type { PruneStoreResult } from '../../model/contracts/prune-activities.js';
import { FerryError } from '../../model/errors.js';
import { UNUSABLE_AFTER_DAYS, type RetentionDecision } from '../../model/retention.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { Prune, underLease, type PruneAttempt } from './prune-store.js';
import type { StoredBackup } from './stored-backups.js';

const DAY_MS = 86_400_000;

export interface Forgotten {
  cluster: string;
  backup: string;
  /** Absent: all of them. */
  collection?: string | undefined;
}

export async function forgetBackup(
  store: ObjectStore,
  wanted: Forgotten,
  attempt: PruneAttempt,
): Promise<PruneStoreResult> {
  const decide = (backups: readonly StoredBackup[], now: Date): RetentionDecision[] => {
    const named = backups.filter((one) => isNamed(one, wanted));
    for (const one of named) refuseKept(one, backups, wanted, now);
    return backups.map((one) =>
      isNamed(one, wanted)
        ? { keep: false, reasons: ['forgotten by name'] }
        : { keep: true, reasons: ['not named'] },
    );
  };
  const { cluster, backup: onlyRun } = wanted;
  const asked = { cluster, onlyRun, unusableAfterDays: UNUSABLE_AFTER_DAYS, dryRun: false, decide };
  return underLease(store, attempt, (lease) => new Prune(store, attempt, asked).run(lease.takenAt, lease));
}

function isNamed({ backup, collection }: StoredBackup, wanted: Forgotten): boolean {
  return backup === wanted.backup && (wanted.collection ?? collection) === collection;
}

function refuseKept(one: StoredBackup, all: readonly StoredBackup[], wanted: Forgotten, now: Date): void {
  const what = `The backup ${one.backup} of "${one.collection}"`;
  if (one.isPinned) throw kept(`${what} is pinned`, one);
  if (one.readBy !== undefined) throw kept(`${what} is being read by ${one.readBy}`, one);
  if (one.lockedBy !== undefined) throw kept(`${what} is ${one.lockedBy}`, one);
  const isYoung = now.getTime() - one.run.newestAt.getTime() < DAY_MS;
  if (!one.run.hasEnded && isYoung) throw kept(`${what} may still be written: its run has not ended`, one);
  const needing = all.find(
    (other) =>
      !isNamed(other, wanted) &&
      other.collection === one.collection &&
      typeof other.base === 'object' &&
      other.base.backup === one.backup,
  );
  if (needing) throw kept(`${what} is the base of ${needing.backup}`, one);
}

function kept(happened: string, { run, backup, collection }: StoredBackup): FerryError {
  return new FerryError('BackupKept', happened, { context: { cluster: run.cluster, backup, collection } });
}
