// What a collection is besides its points, once they are proved: strict mode, indexes that the snapshots did not bring,
// those gone that only the snapshots had, the stamp closed, before anybody waits for indexes; and last the aliases, all in
// one call, so that nobody sees one missing. May be repeated. Only the collection that was made is touched, and of one
// whose stamp is closed only the aliases. And the opposite: undo.

import { setTimeout as sleep } from 'node:timers/promises';
import type {
  FinishRecoveryInput,
  FinishRecoveryResult,
  KeepRecoveredInput,
  UndoRecoveryInput,
  UndoRecoveryResult,
} from '../model/contracts/recovery-activities.js';
import { settingsOf, type CollectionInfo } from '../model/settings/collection-settings.js';
import type { Json, JsonObject } from '../model/json.js';
import { indexDifferences, lastingDefaults } from '../model/settings/settings-difference.js';
import { can } from '../model/qdrant-version.js';
import { stampMetadata, stampOf, workIn } from '../model/stamp.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import { atMost, differencesOf } from '../target/compare-configurations.js';
import { createCheckPin } from '../cluster/pin.js';
import { createIndexes, removeMade } from '../target/make-parts.js';
import { changeStamp } from '../target/stamp-life.js';
import { pointAliases } from '../target/point-aliases.js';
import {
  openPlanned,
  type RecoverableCollection,
  type RecoverySource,
} from '../shards/recoverable-collection.js';
import { recoveredSettings, type RecoveredSettings } from '../target/recovered-settings.js';
import { isPending } from './recovery-stamp.js';

export async function finishRecovery(
  controls: Controls,
  source: RecoverySource,
  input: FinishRecoveryInput,
  signal: AbortSignal,
): Promise<FinishRecoveryResult> {
  const { from, target: asked, writes, targetPin } = input;
  await createCheckPin(controls)(asked.cluster, writes, targetPin, signal);
  const found = await openPlanned(source, from, input.manifestSha256, signal);
  const target = controls.of(asked.cluster);
  if (!input.withAliases) {
    await finishSettings(target, input, found, signal);
    return { aliases: [], ...(await compareSettings(target, input, found, signal)) };
  }
  const wanted = [...(from.aliases ?? found.aliases), ...input.replacedAliases];
  const swapped =
    input.onExisting === 'swap' ? { alias: asked.collection, from: input.swappedFrom } : undefined;
  return pointAliases(target, { writes, wanted, swapped }, signal);
}

/** Once the stamp is closed the collection is its owner's, whatever an attempt before this one heard of it. */
async function finishSettings(
  target: ClusterControl,
  input: FinishRecoveryInput,
  found: RecoverableCollection,
  signal: AbortSignal,
): Promise<void> {
  const { writes } = input;
  const settings = recoveredSettings(found);
  const there = await target.info(writes, signal);
  if (workIn(there.config)?.state === 'closed') return;
  const indexes = { wanted: settings.indexes, known: there.payloadSchema };
  await createIndexes(target, writes, indexes, signal);
  if (found.listsAllIndexes)
    await deleteReturnedIndexes(target, writes, settings, there.payloadSchema, signal);
  const patch = await closing(target, input, settings.strictMode, there.config);
  if (Object.keys(patch).length > 0) await target.change(writes, patch, signal);
}

/** As every migration compares them; snapshots of others do not say which payload indexes there are to be. */
async function compareSettings(
  target: ClusterControl,
  { writes }: FinishRecoveryInput,
  found: RecoverableCollection,
  signal: AbortSignal,
): Promise<Pick<FinishRecoveryResult, 'notes' | 'differences'>> {
  const { wanted, indexes } = recoveredSettings(found);
  const recorded = Object.fromEntries(indexes);
  const isDeleted = (field: string) => found.listsAllIndexes && !Object.hasOwn(recorded, field);
  const { config, payloadSchema, status } = await withoutDeleted(target, writes, isDeleted, signal);
  const made = settingsOf(config);
  const shown = Object.keys(payloadSchema).filter((field) => isDeleted(field) && status === OPTIMIZING);
  const actual = Object.fromEntries(
    Object.entries(payloadSchema).filter(([field]) => !shown.includes(field)),
  );
  const settings = differencesOf(wanted, made);
  const differences = [
    ...settings,
    ...indexDifferences(found.listsAllIndexes ? recorded : payloadSchema, actual),
  ];
  const notes = lastingDefaults(wanted, made);
  if (shown.length > 0) notes.push(stillShown(shown));
  return { differences: atMost(differences), notes };
}

/** A collection whose optimizers work. */
const OPTIMIZING = 'yellow';
const DELETED_SHOW_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** What the collection is, once it no longer shows indexes that were deleted; or after some time, as it is. */
async function withoutDeleted(
  target: ClusterControl,
  collection: string,
  isDeleted: (field: string) => boolean,
  signal: AbortSignal,
): Promise<CollectionInfo> {
  const until = performance.now() + DELETED_SHOW_MS;
  for (;;) {
    const info = await target.info(collection, signal);
    const isShown = info.status === OPTIMIZING && Object.keys(info.payloadSchema).some(isDeleted);
    if (!isShown || performance.now() >= until) return info;
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** While an optimizer works, Qdrant answers with the indexes of the segments that it is about to replace. */
function stillShown(fields: readonly string[]): string {
  const names = fields.map((field) => `"${field}"`).join(', ');
  return `Deleted payload indexes (${names}) are still listed by Qdrant while its optimizers work; they go when these have ended`;
}

/**
 * While an optimizer works, a shard's snapshot may bring back an index that was deleted before it was taken. Snapshots of
 * others say nothing of their indexes but what they hold.
 */
async function deleteReturnedIndexes(
  target: ClusterControl,
  collection: string,
  { indexes }: RecoveredSettings,
  there: JsonObject,
  signal: AbortSignal,
): Promise<void> {
  const recorded = new Set(indexes.map(([field]) => field));
  for (const field of Object.keys(there)) {
    if (!recorded.has(field)) await target.deleteIndex(collection, field, signal);
  }
}

async function closing(
  target: ClusterControl,
  { verified }: FinishRecoveryInput,
  strictMode: Json | undefined,
  config: JsonObject,
): Promise<JsonObject> {
  const patch: JsonObject = strictMode === undefined ? {} : { strict_mode_config: strictMode };
  const { creation, work } = stampOf(config) ?? {};
  const isStamped = can(await target.version(), 'metadata');
  if (!isStamped || creation === undefined || work?.state !== 'open') return patch;
  const { replacedAliases: _, ...rest } = work;
  const proved = verified === undefined ? {} : { verified };
  const closed = { ...rest, ...proved, state: 'closed' as const, renewedAt: new Date().toISOString() };
  return { ...patch, metadata: stampMetadata({ creation, work: closed }) };
}

/** From then on it is its owner's, whatever the recovery's next run may want. */
export async function keepRecovered(
  controls: Controls,
  input: KeepRecoveredInput,
  signal: AbortSignal,
): Promise<void> {
  await changeStamp(controls, input, (work) => ({ ...work, isKept: true }), signal);
}

/**
 * Removes what a recovery made and did not finish: what carries its stamp as pending, and the creation id that it was made
 * with. Qdrant answers when a recovery that still runs has ended; 1.16.3 answers nobody until then.
 */
export async function undoRecovery(
  controls: Controls,
  { from, target: ref, creation, mayBeOld = false }: UndoRecoveryInput,
  signal: AbortSignal,
): Promise<UndoRecoveryResult> {
  const target = controls.of(ref.cluster);
  const isOurs = async () => {
    const { config } = await target.info(ref.collection, signal);
    if (isPending(config, from, ref) && stampOf(config)?.creation === creation) return true;
    return !can(await target.version(signal), 'metadata') && !mayBeOld;
  };
  return removeMade(target, ref.collection, isOurs, signal);
}
