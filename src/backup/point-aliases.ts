// The aliases of a collection whose content is proved, all in one call, so that nobody sees one missing. May be repeated.
// An alias that names another collection is never taken, except the one that `swap` was asked to move.

import type { Alias, ClusterControl } from '../transfer/control-port.js';

export interface WantedAliases {
  writes: string;
  wanted: readonly string[];
  /** The one that is moved, whatever it names. */
  swapped: string | undefined;
}

export interface PointedAliases {
  aliases: string[];
  notes: string[];
  /** The collection that the swapped one named before. */
  left?: string;
}

export async function pointAliases(
  target: ClusterControl,
  { writes, wanted: asked, swapped }: WantedAliases,
  signal?: AbortSignal,
): Promise<PointedAliases> {
  const there = await target.aliases(signal);
  const names = new Set(await target.collections(signal));
  const wanted = [...new Set([...(swapped === undefined ? [] : [swapped]), ...asked])].sort();
  const isFree = (alias: string) => !names.has(alias) && isOf(there, alias, writes);
  const taken = wanted.filter((alias) => alias !== swapped && !isFree(alias));
  const ours = wanted.filter((alias) => !taken.includes(alias));
  const missing = ours.filter((alias) => there.find((one) => one.alias === alias)?.collection !== writes);
  const left = there.find((one) => one.alias === swapped && one.collection !== writes)?.collection;
  if (missing.length > 0) await target.pointAliases(missing, writes, signal);
  return {
    aliases: ours,
    ...(left === undefined ? {} : { left }),
    notes: taken.map(
      (alias) => `The alias "${alias}" was left as it is: it names something else on the target.`,
    ),
  };
}

/** Free, or ours already. */
function isOf(there: readonly Alias[], alias: string, collection: string): boolean {
  const found = there.find((one) => one.alias === alias);
  return found === undefined || found.collection === collection;
}
