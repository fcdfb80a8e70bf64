// Lets the aliases of the source collection name the target collection, which must be the one that was prepared. May be
// repeated. An alias that names another collection of the target is left as it is, and named.

import type { CopyAliasesInput, CopyAliasesResult } from '../model/contracts/activities.js';
import type { Controls } from '../cluster/control-port.js';
import { createCheckPin } from '../cluster/pin.js';
import { pointAliases } from './point-aliases.js';

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
