// What `replace` deletes is in a store first, as a backup of its own. The backup is taken again whenever the collection was
// written after it was begun, so also after every wait for an operator; where writers do not stop, nothing is deleted.

import type {
  LookAtReplacedResult,
  Replaceable,
  Replaced,
} from '../../model/contracts/recovery-activities.js';
import type { CollectionRef } from '../../model/collections.js';
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
  const text = `Qdrant does not tell the last operations of ${collection}: a point that was changed between its safety backup and its deletion is noticed only where the number of points changed.`;
  if (operations === undefined && !warnings.includes(text)) warnings.push(text);
}
