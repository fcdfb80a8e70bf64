// What a collection is besides its points, once they are proved: strict mode, indexes that the snapshots did not bring,
// the stamp as done, and last the aliases, all in one call, so that nobody sees one missing. May be repeated. An alias
// that names another collection is never taken, except the one that `swap` was asked to move. And the opposite: undo.

import type {
  FinishRecoveryInput,
  FinishRecoveryResult,
  UndoRecoveryInput,
  UndoRecoveryResult,
} from '../../model/recovery-activities.js';
import { indexSchema } from '../../model/collection-settings.js';
import type { JsonObject } from '../../model/json.js';
import { isSameIndex } from '../../model/settings-difference.js';
import { isAtLeast, METADATA_SINCE, stampMetadata, stampOf } from '../../model/stamp.js';
import type { Controls } from '../../transfer/control-port.js';
import { pointAliases } from '../point-aliases.js';
import type { Stores } from './recover-ports.js';
import { settingsIn } from './recover-settings.js';
import { openPlanned } from './recover-source.js';
import { isPending } from './recover-stamp.js';

export async function finishRecovery(
  controls: Controls,
  stores: Stores,
  input: FinishRecoveryInput,
  signal: AbortSignal,
): Promise<FinishRecoveryResult> {
  const { from, writes } = input;
  const { manifest } = await openPlanned(stores, from, input.manifestSha256, signal);
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
    const { creation, work } = stampOf(there.config) ?? {};
    if (creation !== undefined && work !== undefined) {
      const { replacedAliases: _, ...closed } = { ...work, state: 'closed' as const };
      patch.metadata = stampMetadata({
        creation,
        work: { ...closed, renewedAt: new Date().toISOString() },
      });
    }
  }
  if (Object.keys(patch).length > 0) await target.change(writes, patch, signal);
  const wanted = [...(input.from.aliases ?? manifest.aliases), ...input.replacedAliases];
  const swapped = input.onExisting === 'swap' ? input.target.collection : undefined;
  return pointAliases(target, { writes, wanted, swapped }, signal);
}

/** Removes what a recovery made and did not finish: what carries its stamp as pending. */
export async function undoRecovery(
  controls: Controls,
  { from, target: ref, mayBeOld = false }: UndoRecoveryInput,
  signal: AbortSignal,
): Promise<UndoRecoveryResult> {
  const target = controls.of(ref.cluster);
  if (!(await target.collections(signal)).includes(ref.collection)) return { removed: true };
  const { config } = await target.info(ref.collection, signal);
  const isStamped = isAtLeast(await target.version(signal), METADATA_SINCE);
  if (!isPending(config, from, ref) && (isStamped || mayBeOld)) return { removed: false };
  await target.remove(ref.collection, signal);
  return { removed: true };
}
