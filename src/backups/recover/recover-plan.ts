// Decides how one collection is recovered, before the target is touched. Everything that speaks against it is thrown
// here: a manifest that is not the listed one, objects that are missing or of another size (with `precheck: full`, or
// before anything is replaced, of another content), a version that cannot read them, a name that is taken.

import { FerryError } from '../../model/errors.js';
import type { PlanRecoveryInput, RecoveryPlan } from '../../model/contracts/recovery-activities.js';
import { isSwapName, swapName } from '../../model/format/backup-names.js';
import type { CollectionManifest } from '../../model/format/manifest.js';
import { refuseUnrecoverable } from '../../model/name-lengths.js';
import { recoveryWay, requireReadable } from '../../model/qdrant-version.js';
import type { Alias, ClusterControl, Controls } from '../../cluster/control-port.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { readManifest } from './recover-manifest.js';
import { checkSizes, hashShard, soleObject } from '../../shards/recover-objects.js';
import type { Stores } from '../../shards/recover-ports.js';
import { findProof } from './recover-proofs.js';
import { whole } from '../../model/state/steering.js';
import { settingsIn } from './recover-settings.js';
import { isKept, isPending, isPendingOfAny, replacedAliasesIn } from './recover-stamp.js';
import { markedCreation } from '../../cluster/mark-collection.js';

export interface PlanningHooks {
  now: Date;
  signal: AbortSignal;
  onBytes?(bytes: number): void;
}

export async function planRecovery(
  controls: Controls,
  stores: Stores,
  input: PlanRecoveryInput,
  hooks: PlanningHooks,
): Promise<RecoveryPlan> {
  const { from, onExisting } = input;
  const store = stores.open(from.store);
  const target = controls.of(input.target.cluster);
  const found = await readManifest(store, from, hooks.signal);
  const { manifest, sha256, warnings } = found;
  settingsIn(manifest);
  await refuseUnfit(target, manifest, hooks.signal);
  const place = await placeFor(target, input, hooks);
  await refuseLongName(target, input, place.writes, manifest, hooks.signal);
  await checkSizes(store, manifest);
  if (input.precheck === 'full' || (onExisting === 'replace' && place.exists)) {
    for (const shard of manifest.shards) await hashShard(store, shard, hooks);
  }
  const { proof, notes } = await findProof(store, from, sha256, hooks.signal);
  const { notes: leftovers = [], ...written } = place;
  return {
    manifestSha256: sha256,
    ...written,
    ...(await wayFor(store, recoveryWay(await target.version(hooks.signal), input.via), manifest)),
    points: manifest.points,
    ...(manifest.ids === undefined ? {} : { ids: manifest.ids.count }),
    bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    shards: manifest.shards.length,
    ...(proof === undefined ? {} : { proof }),
    hasRecall: manifest.recall !== undefined,
    notes: [...warnings, ...leftovers, ...manifest.notes, ...notes].slice(0, 10),
  };
}

async function refuseUnfit(
  target: ClusterControl,
  manifest: CollectionManifest,
  signal: AbortSignal,
): Promise<void> {
  requireReadable(manifest.qdrantVersion, await target.version(signal), target.alias);
  await refuseWithoutKeys(target, manifest, signal);
}

/** Before anything is made: Qdrant itself says it in the middle of a recovery. */
export async function refuseLongName(
  target: ClusterControl,
  { target: { cluster } }: PlanRecoveryInput,
  collection: string,
  { shards }: CollectionManifest,
  signal: AbortSignal,
): Promise<void> {
  refuseUnrecoverable({ cluster, collection }, shards.length, await target.version(signal));
}

/** Custom shard keys need a cluster, be it of one node. */
export async function refuseWithoutKeys(
  target: ClusterControl,
  manifest: CollectionManifest,
  signal: AbortSignal,
): Promise<void> {
  if (manifest.sharding !== 'custom' || (await target.peers(signal)).length > 0) return;
  const happened = `The collection has custom shard keys, and "${target.alias}" runs without clustering`;
  throw new FerryError('IncompatibleTarget', `${happened} (QDRANT__CLUSTER__ENABLED)`, {
    context: { cluster: target.alias },
  });
}

export type Place = Pick<RecoveryPlan, 'writes' | 'exists' | 'swappedFrom' | 'aliases' | 'creation'> & {
  notes?: string[];
};

export async function placeFor(
  target: ClusterControl,
  input: PlanRecoveryInput,
  { now, signal }: PlanningHooks,
): Promise<Place> {
  const { cluster, collection } = input.target;
  const context = { cluster, collection };
  const aliases = await target.aliases(signal);
  const behind = aliases.find((one) => one.alias === collection)?.collection;
  const isThere = (await target.collections(signal)).includes(collection);
  if (input.onExisting === 'swap') {
    if (!isThere) return behindAlias(target, input, aliases, { now, signal });
    const happened = `"${collection}" on "${cluster}" is a collection's own name, not an alias that could be moved`;
    throw new FerryError('AliasNeeded', happened, { context });
  }
  if (behind !== undefined) {
    const happened = `"${collection}" on "${cluster}" is an alias (of "${behind}"), so no collection can have that name`;
    throw new FerryError('NameTakenByAlias', `${happened}; \`onExisting: "swap"\` moves the alias`, {
      context,
    });
  }
  if (!isThere) return { writes: collection, exists: false };
  const { config } = await target.info(collection, signal);
  if (isPending(config, input.from, input.target) && !isUsed(collection, aliases)) {
    const notes = [madeAnew(collection, await target.count(collection, undefined, signal))];
    return { writes: collection, exists: false, aliases: replacedAliasesIn(config), notes };
  }
  if (input.onExisting === 'replace') {
    const own = aliases.filter((one) => one.collection === collection).map((one) => one.alias);
    // Marked before its safety backup marks it: what is deleted must be what was planned for.
    const creation = await markedCreation(target, { cluster, collection }, signal);
    const marked = creation === undefined ? {} : { creation };
    return { writes: collection, exists: true, aliases: own.sort(), ...marked };
  }
  const why = isKept(config) ? ': an earlier recovery left it there, because it differs from its proof' : '';
  throw new FerryError('TargetExists', `"${collection}" exists on "${cluster}"${why}`, { context });
}

/** Begun by an attempt at this very recovery that was ended. */
function madeAnew(collection: string, points: number): string {
  return `What an earlier attempt at this recovery left as ${collection} (${whole(points)} points) was deleted.`;
}

/** A recovery gives aliases last of all: what has one already is used, by somebody who did not wait for the end. */
function isUsed(collection: string, aliases: readonly Alias[]): boolean {
  return aliases.some((one) => one.collection === collection);
}

/** The dated one that an ended attempt at this very recovery began, or a new one; what others began is named. */
async function behindAlias(
  target: ClusterControl,
  { from, target: { cluster, collection: alias } }: PlanRecoveryInput,
  aliases: readonly Alias[],
  { now, signal }: PlanningHooks,
): Promise<Place> {
  const names = await target.collections(signal);
  const dated = names.filter((name) => isSwapName(name, alias) && !isUsed(name, aliases)).sort();
  const current = aliases.find((one) => one.alias === alias)?.collection;
  const swapped = current === undefined ? {} : { swappedFrom: current };
  const notes: string[] = [];
  for (const name of dated.reverse()) {
    const { config } = await target.info(name, signal);
    if (isPending(config, from, { cluster, collection: name })) {
      notes.push(madeAnew(name, await target.count(name, undefined, signal)));
      return { writes: name, exists: false, ...swapped, notes };
    }
    if (isPendingOfAny(config))
      notes.push(`"${name}" is of an earlier recovery that was ended in the middle: delete it.`);
  }
  return { writes: swapName(alias, now), exists: false, ...swapped, notes };
}

/** Pulled by the nodes where the store has addresses for its objects. */
export async function wayFor(
  store: ObjectStore,
  via: PlanRecoveryInput['via'],
  manifest: CollectionManifest,
): Promise<Pick<RecoveryPlan, 'via' | 'mayPush'>> {
  const key = manifest.shards.map(soleObject);
  const first = key[0];
  const url = first === undefined || via === 'push' ? undefined : await store.presignedUrl(first, 60);
  const pullable = url !== undefined && key.every((one) => one !== undefined);
  if (via === 'push' || (via === 'auto' && !pullable)) return { via: 'push', mayPush: true };
  if (pullable) return { via: 'pull', mayPush: via === 'auto' };
  const happened = `A node cannot pull from the store "${store.alias}", for it has no addresses of its own`;
  throw new FerryError('InvalidInput', `${happened}: say \`via: "push"\` or \`"auto"\``);
}
