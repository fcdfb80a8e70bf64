// What a job that failed reports about its target: what was removed, what was kept, and where the old contents are.

import type { CollectionRef } from '../collections.js';
import { nameOf } from './outcome.js';

/** What the target holds now. */
export interface Aftermath {
  /** A sentence, without a full stop at its end. */
  text: string;
  removed: boolean;
}

export function removedAgain(made: CollectionRef): Aftermath {
  return { removed: true, text: `${nameOf(made)} was removed again` };
}

export function notRemoved(made: CollectionRef): Aftermath {
  return { removed: false, text: `${nameOf(made)} was not removed: this job did not create it` };
}

export function removalFailed(made: CollectionRef, why: string): Aftermath {
  const text = `${nameOf(made)} is incomplete and could not be removed (${withoutStop(why)}): delete it`;
  return { removed: false, text };
}

/** Its points differ from the proof. `trouble`: the note on it, which keeps other jobs from deleting it, failed. */
export function keptAsRecovered(
  recovered: CollectionRef,
  { isSwap, trouble }: { isSwap: boolean; trouble?: string },
): Aftermath {
  const name = nameOf(recovered);
  const unmarked =
    trouble === undefined
      ? ''
      : ` It could not be marked as kept (${withoutStop(trouble)}): a recovery under this name may delete it.`;
  const again = isSwap
    ? `The alias was not switched. The same command recovers into another collection; delete ${recovered.collection} by hand`
    : 'To recover it again under this name, set `--on-existing replace`, which deletes it first';
  return {
    removed: false,
    text:
      `${name} was kept as it was recovered, without aliases.${unmarked} ${again}. ` +
      '`--ignore-proof` accepts what differs as unproven, `--on-difference remove` removes it',
  };
}

/** The failure came after the proof. `isFinished`: its settings are restored and its stamp is closed. */
export function keptAsProved(recovered: CollectionRef, isFinished: boolean): Aftermath {
  const lacks = isFinished
    ? 'No job deletes it on its own. It may lack aliases: set them by hand'
    : 'Its settings and payload indexes may be incomplete, and it has no aliases yet: the same job recovers it again';
  return {
    removed: false,
    text: `Every point of ${nameOf(recovered)} was recovered, and it was kept. ${lacks}`,
  };
}

export function recoveredIsGone(recovered: CollectionRef): Aftermath {
  return { removed: false, text: `What was recovered as ${nameOf(recovered)} no longer exists` };
}

/** Of a collection that was replaced, and whose replacement failed. */
export function oldContents(
  { cluster, collection }: CollectionRef,
  {
    safetyBackup,
    store,
    aliases = [],
  }: { safetyBackup?: string | undefined; store?: string; aliases?: string[] },
): string {
  const place = store === undefined ? '' : ` in ${store}`;
  const where = safetyBackup === undefined ? 'lost' : `in the backup ${safetyBackup} of ${cluster}${place}`;
  const named = aliases.length === 0 ? '' : `. Its aliases were ${aliases.slice(0, 10).join(', ')}`;
  return `What ${collection} held before is ${where}${named}`;
}

/** One message out of the cause and what follows from it. */
export function joinSentences(first: string, more: readonly string[]): string {
  return more.length === 0 ? first : `${[first, ...more].map(withoutStop).join('. ')}.`;
}

function withoutStop(text: string): string {
  return text.replace(/[.\s]*$/, '');
}
