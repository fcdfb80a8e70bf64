// In which order a prune removes what retention does not keep. Promises that a removal which is cut off half way leaves no link
// of a chain without its base.

import type { RetainedBackup } from './retention.js';

/** Those that others are based on come after them; the oldest first. */
export function inOrderOfRemoval<T extends RetainedBackup>(removed: readonly T[]): T[] {
  const byBackup = new Map(removed.map((one) => [nameOf(one, one.backup), one]));
  const depths = new Map<T, number>();
  const depthOf = (one: T): number => {
    const chain: T[] = [];
    let link: T | undefined = one;
    while (link !== undefined && !depths.has(link) && !chain.includes(link)) {
      chain.push(link);
      link = typeof link.base === 'object' ? byBackup.get(nameOf(link, link.base.backup)) : undefined;
    }
    let depth = link === undefined ? 0 : (depths.get(link) ?? 0);
    for (const each of chain.reverse()) depths.set(each, (depth += 1));
    return depths.get(one) ?? 0;
  };
  const deepestFirst = removed.map((one) => ({ one, depth: depthOf(one) }));
  deepestFirst.sort((a, b) => b.depth - a.depth || a.one.storedAt.getTime() - b.one.storedAt.getTime());
  return deepestFirst.map(({ one }) => one);
}

function nameOf({ collection }: RetainedBackup, backup: string): string {
  return `${backup}/${collection}`;
}
