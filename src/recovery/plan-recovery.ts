// Decides how one collection is recovered, before the target is touched. Everything that speaks against it is thrown
// here: files that are missing or of another size (with `precheck: full`, or before anything is replaced, of another
// content), a version that cannot read them, a name that is taken.

import { FerryError } from '../model/errors.js';
import type { PlanRecoveryInput, RecoveryPlan } from '../model/contracts/recovery-activities.js';
import { isSwapName, swapName } from '../model/format/backup-names.js';
import { refuseUnrecoverable } from '../model/name-lengths.js';
import { recoveryWay, requireNotOlder, requireReadable } from '../model/qdrant-version.js';
import { whole } from '../model/state/steering.js';
import type { Alias, ClusterControl, Controls } from '../cluster/control-port.js';
import { markedCreation } from '../cluster/mark-collection.js';
import { wayFor, type RecoverableCollection, type RecoverySource } from '../shards/recoverable-collection.js';
import { recoveredSettings } from '../target/recovered-settings.js';
import { isKept, isPending, isPendingOfAny, replacedAliasesIn } from './recovery-stamp.js';

export interface PlanningHooks {
  now: Date;
  signal: AbortSignal;
  onBytes?(bytes: number): void;
}

export async function planRecovery(
  controls: Controls,
  source: RecoverySource,
  input: PlanRecoveryInput,
  hooks: PlanningHooks,
): Promise<RecoveryPlan> {
  const { signal } = hooks;
  const target = controls.of(input.target.cluster);
  const found = await source.open(input.from, signal);
  const way = await wayFor(found, recoveryWay(await target.version(signal), input.via));
  recoveredSettings(found);
  await refuseUnfit(target, found, signal);
  const { notes: leftovers = [], ...place } = await placeFor(target, input, hooks);
  await refuseLongName(target, place.writes, found, signal);
  const readsAll = input.precheck === 'full' || (input.onExisting === 'replace' && place.exists);
  await found.check(readsAll ? 'full' : 'quick', hooks);
  const { proof, notes } = await found.proof(signal);
  return {
    manifestSha256: found.sha256,
    ...place,
    ...way,
    points: found.points ?? 0,
    ...(found.points === undefined ? { isUncounted: true } : {}),
    ...(found.ids === undefined ? {} : { ids: found.ids.count }),
    bytes: found.bytes,
    shards: found.shards.length,
    ...(found.slices === undefined ? {} : { slices: found.slices.length }),
    ...(proof === undefined ? {} : { proof }),
    hasRecall: found.hasRecall,
    notes: [...leftovers, ...found.notes, ...notes].slice(0, 10),
  };
}

async function refuseUnfit(
  target: ClusterControl,
  { qdrantVersion, sharding }: RecoverableCollection,
  signal: AbortSignal,
): Promise<void> {
  const version = await target.version(signal);
  const { made, atLeast } = qdrantVersion;
  if (made !== undefined) requireReadable(made, version, target.alias);
  if (atLeast !== undefined) requireNotOlder(atLeast, version, target.alias);
  // Custom shard keys need a cluster, be it of one node.
  if (sharding !== 'custom' || (await target.peers(signal)).length > 0) return;
  const happened = `The collection has custom shard keys, and "${target.alias}" runs without clustering`;
  throw new FerryError('IncompatibleTarget', `${happened} (QDRANT__CLUSTER__ENABLED)`, {
    context: { cluster: target.alias },
  });
}

/** Before anything is made: Qdrant itself fails in the middle of a recovery. */
async function refuseLongName(
  target: ClusterControl,
  collection: string,
  { shards }: RecoverableCollection,
  signal: AbortSignal,
): Promise<void> {
  const ref = { cluster: target.alias, collection };
  refuseUnrecoverable(ref, shards.length, await target.version(signal));
}

type Place = Pick<RecoveryPlan, 'writes' | 'exists' | 'swappedFrom' | 'aliases' | 'creation'> & {
  notes?: string[];
};

async function placeFor(
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
    const happened = `"${collection}" on "${cluster}" is a collection, not an alias, so there is nothing to switch`;
    throw new FerryError('AliasNeeded', happened, { context });
  }
  if (behind !== undefined) {
    const happened = `"${collection}" on "${cluster}" is an alias (of "${behind}"), so no collection can have that name`;
    throw new FerryError(
      'NameTakenByAlias',
      `${happened}; \`onExisting: "swap"\` (\`--on-existing swap\`) switches the alias after the proof`,
      {
        context,
      },
    );
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
  const why = isKept(config) ? ': an earlier recovery kept it, because it differs from its proof' : '';
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
      notes.push(`"${name}" was left by an earlier recovery that was terminated: delete it.`);
  }
  return { writes: swapName(alias, now), exists: false, ...swapped, notes };
}
