// How a recovery knows its own collection again: its stamp, open until everything is in place. What carries it and is
// open may be deleted; nothing else ever is, unless `replace` was set.

import type { CollectionBackupRef } from '../../model/backup-activities.js';
import type { CollectionRef } from '../../model/collections.js';
import type { JsonObject } from '../../model/json.js';
import { recoveryName } from '../../model/names.js';
import { workIn } from '../../model/stamp.js';

export function isPending(config: JsonObject, from: CollectionBackupRef, target: CollectionRef): boolean {
  const work = workIn(config);
  return work?.kind === 'recovery' && work.name === recoveryName(from, target) && work.state === 'open';
}

export function isPendingOfAny(config: JsonObject): boolean {
  const work = workIn(config);
  return work?.kind === 'recovery' && work.state === 'open';
}

/** Of the collection that was replaced by this one. */
export function replacedAliasesIn(config: JsonObject): string[] {
  return workIn(config)?.replacedAliases ?? [];
}
