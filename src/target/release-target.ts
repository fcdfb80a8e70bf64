// Puts back what was held back while points were loaded: the indexing threshold, strict mode, the aliases of a collection
// that was replaced, and last the note of it in the stamp. May be repeated, also for a collection that was never created.
// Touches only what carries the job's stamp, which also knows what to put back; throws `CollectionChanged` where the
// collection is no longer the one that was prepared.

import { LosslessNumber } from 'lossless-json';
import type { ReleaseTargetInput } from '../model/contracts/activities.js';
import { FerryError } from '../model/errors.js';
import type { HeldBack } from '../model/collections.js';
import { parseJson, textAt, type JsonObject } from '../model/json.js';
import { can } from '../model/qdrant-version.js';
import { NO_INDEXING, stampMetadata, stampOf } from '../model/stamp.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import { createCheckPin } from '../cluster/pin.js';

/** A patch with null changes nothing, so Qdrant's default has to be set. In KiB. */
const DEFAULT_INDEXING_THRESHOLD = new LosslessNumber('10000');

export async function releaseTarget(
  controls: Controls,
  { target: ref, targetPin, job, heldBack, owned }: ReleaseTargetInput,
  signal?: AbortSignal,
): Promise<void> {
  if (!owned) return;
  const target = controls.of(ref.cluster);
  if (targetPin) await createCheckPin(controls)(ref.cluster, ref.collection, targetPin, signal);
  const config = await configIfThere(target, ref.collection, signal);
  if (!config) return;
  const stamp = stampOf(config);
  if (job !== undefined && stamp && stamp.work?.job !== job) return;
  const held = stamp ? stamp.work?.heldBack : await heldUnstamped(target, config, heldBack, signal);
  if (!held) return;
  await target.change(ref.collection, patchOf(held), signal);
  await returnAliases(target, ref.collection, held.aliases ?? [], signal);
  if (!stamp?.work) return;
  const { heldBack: _, ...work } = stamp.work;
  const metadata = stampMetadata({ ...stamp, work });
  await target.change(ref.collection, { metadata }, signal);
}

function patchOf(held: HeldBack): JsonObject {
  const threshold = parseJson(held.indexingThreshold) ?? DEFAULT_INDEXING_THRESHOLD;
  const patch: JsonObject = { optimizers_config: { indexing_threshold: threshold } };
  if (held.strictMode !== undefined) patch.strict_mode_config = parseJson(held.strictMode);
  return patch;
}

/** Those that were not assigned to another collection meanwhile. */
async function returnAliases(
  target: ClusterControl,
  collection: string,
  aliases: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  if (aliases.length === 0) return;
  const taken = new Set((await target.aliases(signal)).map((one) => one.alias));
  const free = aliases.filter((alias) => !taken.has(alias));
  if (free.length > 0) await target.pointAliases(free, collection, signal);
}

/** Before Qdrant had metadata, the threshold itself is the only sign that it was ferry who held indexing back. */
async function heldUnstamped(
  target: ClusterControl,
  config: JsonObject,
  heldBack: HeldBack,
  signal?: AbortSignal,
): Promise<HeldBack | undefined> {
  if (can(await target.version(signal), 'metadata')) return undefined;
  const threshold = textAt(config, 'optimizer_config', 'indexing_threshold');
  return threshold === NO_INDEXING.value ? heldBack : undefined;
}

async function configIfThere(
  target: ClusterControl,
  collection: string,
  signal?: AbortSignal,
): Promise<JsonObject | undefined> {
  try {
    return (await target.info(collection, signal)).config;
  } catch (error) {
    if (error instanceof FerryError && error.code === 'CollectionNotFound') return undefined;
    throw error;
  }
}
