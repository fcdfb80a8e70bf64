// Backups that a job takes on its way, as children of its own. What `replace` deletes is in a store first. That backup is taken
// again whenever the collection was written after it was begun, so also after every wait for an operator; where writers do
// not stop, nothing is deleted. A backup that fails throws its own error, before anything is deleted.

import { ParentClosePolicy, executeChild, workflowInfo } from '@temporalio/workflow';
import type {
  LookAtReplacedResult,
  Replaceable,
  Replaced,
} from '../../model/contracts/recovery-activities.js';
import type { JobReport } from '../../model/contracts/results.js';
import type { CollectionRef } from '../../model/collections.js';
import { ownBackupId } from '../../model/names.js';
import { failure, troubleOf } from '../runtime/failures.js';

/** How often a safety backup is taken because the collection was written meanwhile. */
const SAFETY_BACKUPS = 3;

export interface Replacing {
  target: CollectionRef;
  /** Of the collection that was planned for. */
  creation?: string | undefined;
  warnings: string[];
  look(): Promise<LookAtReplacedResult>;
  /** Absent where no safety backup is wanted. */
  backUp?: (() => Promise<void>) | undefined;
}

/** `make` deletes what is there and makes what takes its place. */
export async function replacing<T>(
  { target, creation, warnings, look, backUp }: Replacing,
  make: (replaced: Replaceable | undefined) => Promise<T>,
): Promise<T> {
  for (let taken = 1; ; taken++) {
    const { replaced } = await look();
    if (replaced === undefined) return make(undefined);
    if (replaced.creation !== creation) {
      const why = 'was deleted and created again since this job was planned';
      throw failure(
        'CollectionChanged',
        `${target.collection} on ${target.cluster} ${why}: start a new job.`,
      );
    }
    if (backUp === undefined) return make(withoutPoints(replaced));
    warnOfCountAlone(target, replaced, warnings);
    await backUp();
    try {
      return await make(replaced);
    } catch (error) {
      if (troubleOf(error).code !== 'SafetyBackupStale' || taken === SAFETY_BACKUPS) throw error;
    }
  }
}

function withoutPoints({ creation }: Replaced): Replaceable {
  return creation === undefined ? {} : { creation };
}

function warnOfCountAlone({ collection }: CollectionRef, { operations }: Replaced, warnings: string[]): void {
  const text = `Qdrant does not report the last operations of ${collection}: a point that was changed between its safety backup and its deletion is noticed only where the number of points changed.`;
  if (operations === undefined && !warnings.includes(text)) warnings.push(text);
}

/** Whatever it is that is deleted, be it half of something: it is backed up as it is. */
const AS_IT_IS = { allowUnfinished: true, allowReplicaDifference: true };

/** Of what `replace` deletes; its id. */
export function safetyBackup(target: CollectionRef, store: string | undefined): Promise<string> {
  return ownBackup(target, store, 'safety', AS_IT_IS);
}

/** Its id. */
export async function ownBackup(
  { cluster, collection }: CollectionRef,
  store: string | undefined,
  why: 'safety' | 'through',
  more: object,
): Promise<string> {
  const where = store === undefined ? {} : { store };
  const report = (await executeChild('fullBackup', {
    workflowId: ownBackupId(workflowInfo().workflowId, why),
    args: [{ cluster, collections: [collection], ...where, digest: false, recall: false, ...more }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    staticSummary: `${why === 'safety' ? 'safety backup' : 'backup'} of ${collection} on ${cluster}`,
  })) as JobReport;
  if (report.backup === undefined) throw failure('Internal', 'A backup ended without its id.');
  return report.backup;
}
