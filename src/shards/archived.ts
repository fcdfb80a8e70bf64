// What is said of objects in an archive tier, where a backup is shown, checked and recovered.

const MOST_NAMED = 10;

/** "archived: restore these 3 objects first: …". */
export function restoreFirst(keys: readonly string[]): string {
  const which = keys.length === 1 ? 'this object' : `these ${keys.length} objects`;
  const more = keys.length > MOST_NAMED ? ` and ${keys.length - MOST_NAMED} more` : '';
  return `archived: restore ${which} first: ${keys.slice(0, MOST_NAMED).join(', ')}${more}`;
}
