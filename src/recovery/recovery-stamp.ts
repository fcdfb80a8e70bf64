// How a recovery knows its own collection again: its stamp, open until everything is in place. What carries it and is
// open may be deleted, until it was left to its owner; nothing else ever is, unless `replace` was set.

import type { CollectionBackupRef } from '../model/contracts/backup-catalogue.js';
import type { CollectionRef } from '../model/collections.js';
import type { JsonObject } from '../model/json.js';
import { recoveryName } from '../model/names.js';
import { workIn } from '../model/stamp.js';

export function isPending(config: JsonObject, from: CollectionBackupRef, target: CollectionRef): boolean {
  return isPendingOfAny(config) && workIn(config)?.name === recoveryName(from, target);
}

export function isPendingOfAny(config: JsonObject): boolean {
  const work = workIn(config);
  return work?.kind === 'recovery' && work.state === 'open' && work.isKept !== true;
}

/** It differed from its proof when it was recovered. */
export function isKept(config: JsonObject): boolean {
  return workIn(config)?.isKept === true;
}

/** Of the collection that was replaced by this one. */
export function replacedAliasesIn(config: JsonObject): string[] {
  return workIn(config)?.replacedAliases ?? [];
}
