// What a collection is besides its points, once they are proved: strict mode, indexes that the snapshots did not bring,
// the stamp as done, and last the aliases, all in one call, so that nobody sees one missing. May be repeated. An alias
// that names another collection is never taken, except the one that `swap` was asked to move. And the opposite: undo.

import type {
  FinishRecoveryInput,
  FinishRecoveryResult,
  UndoRecoveryInput,
  UndoRecoveryResult,
} from '../model/backup-activities.js';
import { indexSchema } from '../model/collection-settings.js';
import type { JsonObject } from '../model/json.js';
import { isSameIndex } from '../model/settings-difference.js';
import { isAtLeast, METADATA_SINCE } from '../model/stamp.js';
import type { Alias, ClusterControl, Controls } from '../transfer/control-port.js';
import { readPlanned } from './recover-manifest.js';
import type { Stores } from './recover-ports.js';
import { settingsIn } from './recover-settings.js';
import { isPending, recoveryStamp } from './recover-stamp.js';

export async function finishRecovery(
  controls: Controls,
  stores: Stores,
  input: FinishRecoveryInput,
  signal: AbortSignal,
): Promise<FinishRecoveryResult> {
  const { from, writes } = input;
  const manifest = await readPlanned(stores.open(from.store), from, input.manifestSha256, signal);
  const target = controls.of(input.target.cluster);
  const settings = settingsIn(manifest);
  const there = await target.info(writes, signal);
  for (const [field, schema] of settings.indexes) {
    const known = there.payloadSchema[field];
    if (known !== undefined && isSameIndex(schema, known)) continue;
    await target.createIndex(writes, field, indexSchema(schema), signal);
  }
  const patch: JsonObject = {};
  if (settings.strictMode !== undefined) patch.strict_mode_config = settings.strictMode;
  if (isAtLeast(await target.version(signal), METADATA_SINCE)) {
    patch.metadata = recoveryStamp(from, { cluster: input.target.cluster, collection: writes }, false);
  }
  if (Object.keys(patch).length > 0) await target.change(writes, patch, signal);
  return pointAliases(target, input, manifest.aliases, signal);
}

async function pointAliases(
  target: ClusterControl,
  input: FinishRecoveryInput,
  backedUp: readonly string[],
  signal: AbortSignal,
): Promise<FinishRecoveryResult> {
  const { writes, onExisting, replacedAliases } = input;
  const name = input.target.collection;
  const there = await target.aliases(signal);
  const names = new Set(await target.collections(signal));
  const swapped = onExisting === 'swap' ? [name] : [];
  const wanted = [...new Set([...swapped, ...backedUp, ...replacedAliases])].sort();
  const isFree = (alias: string) => !names.has(alias) && isOf(there, alias, writes);
  const taken = wanted.filter((alias) => !swapped.includes(alias) && !isFree(alias));
  const ours = wanted.filter((alias) => !taken.includes(alias));
  const missing = ours.filter((alias) => there.find((one) => one.alias === alias)?.collection !== writes);
  const left = there.find((one) => one.alias === name && one.collection !== writes)?.collection;
  if (missing.length > 0) await target.pointAliases(missing, writes, signal);
  return {
    aliases: ours,
    ...(onExisting === 'swap' && left !== undefined ? { left } : {}),
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

/** Removes what a recovery made and did not finish: what carries its stamp as pending. */
export async function undoRecovery(
  controls: Controls,
  { from, target: ref }: UndoRecoveryInput,
  signal: AbortSignal,
): Promise<UndoRecoveryResult> {
  const target = controls.of(ref.cluster);
  if (!(await target.collections(signal)).includes(ref.collection)) return { removed: true };
  const { config } = await target.info(ref.collection, signal);
  const isStamped = isAtLeast(await target.version(signal), METADATA_SINCE);
  if (!isPending(config, from, ref) && isStamped) return { removed: false };
  await target.remove(ref.collection, signal);
  return { removed: true };
}
