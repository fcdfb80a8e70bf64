// How a recovery knows its own collection again: a stamp in its metadata, `pending` until everything is in place. What
// carries it and is pending may be deleted; nothing else ever is, unless `replace` was said.

import { LosslessNumber } from 'lossless-json';
import type { CollectionBackupRef } from '../../model/backup-activities.js';
import type { CollectionRef } from '../../model/collections.js';
import { objectAt, textAt, valueAt, type JsonObject } from '../../model/json.js';
import { recoveryName, STAMP_KEY } from '../../model/names.js';

export function recoveryStamp(
  from: CollectionBackupRef,
  target: CollectionRef,
  pending: false | { replacedAliases: string[] },
): JsonObject {
  const stamp: JsonObject = { recovery: recoveryName(from, target), version: new LosslessNumber('1') };
  if (pending) {
    stamp.pending = true;
    // Deleting a collection drops them; a job that is ended and repeated finds them here.
    if (pending.replacedAliases.length > 0) stamp.aliases = pending.replacedAliases;
  }
  return { [STAMP_KEY]: stamp };
}

export function isPending(config: JsonObject, from: CollectionBackupRef, target: CollectionRef): boolean {
  const stamp = objectAt(config, 'metadata', STAMP_KEY);
  return textAt(stamp, 'recovery') === recoveryName(from, target) && valueAt(stamp, 'pending') === true;
}

export function isPendingOfAny(config: JsonObject): boolean {
  const stamp = objectAt(config, 'metadata', STAMP_KEY);
  return textAt(stamp, 'recovery') !== undefined && valueAt(stamp, 'pending') === true;
}

/** Of the collection that was replaced by this one. */
export function replacedAliasesIn(config: JsonObject): string[] {
  const { aliases } = objectAt(config, 'metadata', STAMP_KEY);
  return Array.isArray(aliases) ? aliases.filter((one) => typeof one === 'string') : [];
}
