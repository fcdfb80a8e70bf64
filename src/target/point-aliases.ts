// The aliases of a collection whose content is proved, all in one call, so that none is missing for a moment. May be repeated.
// An alias that names another collection is never taken, except the one that `swap` moves, while it still
// names what it named when that was planned.

import type { Alias, ClusterControl, Controls } from '../cluster/control-port.js';
import { createCheckPin } from '../cluster/pin.js';
import type { CopyAliasesInput, CopyAliasesResult } from '../model/contracts/activities.js';

export interface WantedAliases {
  writes: string;
  wanted: readonly string[];
  /** The one that is moved, and the collection that it named when that was planned; none: it did not exist. */
  swapped?: { alias: string; from?: string | undefined } | undefined;
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
  const wanted = [...new Set([...(swapped === undefined ? [] : [swapped.alias]), ...asked])].sort();
  const isOurs = (alias: string) => {
    const from = alias === swapped?.alias ? swapped.from : undefined;
    return !names.has(alias) && [undefined, writes, from].includes(nameBehind(there, alias));
  };
  const ours = wanted.filter(isOurs);
  const taken = wanted.filter((alias) => !isOurs(alias));
  const missing = ours.filter((alias) => nameBehind(there, alias) !== writes);
  const left = swapped && missing.includes(swapped.alias) ? nameBehind(there, swapped.alias) : undefined;
  if (missing.length > 0) await target.pointAliases(missing, writes, signal);
  return {
    aliases: ours,
    ...(left === undefined ? {} : { left }),
    notes: taken.map((alias) => leftText(alias, alias === swapped?.alias ? writes : undefined)),
  };
}

function leftText(alias: string, writes: string | undefined): string {
  if (writes === undefined)
    return `The alias "${alias}" was left as it is: it names something else on the target.`;
  return `The alias "${alias}" was left as it is: it was assigned to another collection since this job was planned. This job wrote to "${writes}".`;
}

function nameBehind(there: readonly Alias[], alias: string): string | undefined {
  return there.find((one) => one.alias === alias)?.collection;
}

/** The aliases of the source collection for the target collection, which must be the one that was prepared. */
export async function copyAliases(
  controls: Controls,
  input: CopyAliasesInput,
  signal?: AbortSignal,
): Promise<CopyAliasesResult> {
  const { cluster, collection } = input.target;
  await createCheckPin(controls)(cluster, collection, input.targetPin, signal);
  const target = controls.of(cluster);
  const all = await controls.of(input.source.cluster).aliases(signal);
  const wanted = all.filter((one) => one.collection === input.source.collection).map((one) => one.alias);
  return pointAliases(target, { writes: collection, wanted }, signal);
}
