// Lets the aliases of the source collection name the target collection, all in one call: nobody sees an alias missing.
// May be repeated. The target must be the collection
// that was prepared. An alias that names another collection of the target is moved.

import type { CopyAliasesInput, CopyAliasesResult } from '../model/activities.js';
import type { Controls } from './control-port.js';
import { createCheckPin } from './pin.js';

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
  const there = await target.aliases(signal);
  const isThere = (alias: string): boolean =>
    there.some((one) => one.alias === alias && one.collection === input.target.collection);
  const missing = wanted.filter((alias) => !isThere(alias));
  if (missing.length > 0) await target.pointAliases(missing, input.target.collection, signal);
  // Also those an earlier attempt made.
  return { aliases: wanted.sort() };
}
