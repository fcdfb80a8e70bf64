// Decides whether and how one collection goes from cluster to cluster as snapshots, before the target is touched. What a
// snapshot cannot do is said in a sentence (`unfit`), for scroll migration may well do it; everything else that speaks
// against the job is thrown. Writes nothing.

import { isSwapName, swapName } from '../model/format/backup-names.js';
import type { CollectionRef } from '../model/collections.js';
import { FerryError } from '../model/errors.js';
import { bytesIn, whyNotCaptured, whyNotRecovered } from '../model/name-lengths.js';
import { migrationName } from '../model/names.js';
import type { MovePlan, PlanMoveInput } from '../model/contracts/move-activities.js';
import { canReadSnapshot, captureModeFor, captureNotes, recoveryWay } from '../model/qdrant-version.js';
import { workIn, type StampedWork } from '../model/stamp.js';
import type { Alias, ClusterControl, Controls } from '../cluster/control-port.js';
import { planCollection } from '../target/plan-collection.js';

/** Bytes of a name that never is too long for a snapshot's files; nothing is asked for it. */
const SHORT = 150;

type Place = Pick<MovePlan, 'writes' | 'exists' | 'swappedFrom' | 'isMoved'>;

export async function planMove(
  controls: Controls,
  input: PlanMoveInput,
  now: Date,
  signal?: AbortSignal,
): Promise<MovePlan> {
  const [source, target] = [controls.of(input.source.cluster), controls.of(input.target.cluster)];
  const [made, reads] = await Promise.all([source.version(signal), target.version(signal)]);
  const mode = input.capture === 'auto' ? captureModeFor(made) : input.capture;
  const unfit = reasonAgainst(input, made, reads) ?? (await longNameIn(source, input, reads, now, signal));
  if (unfit !== undefined) {
    return { unfit, writes: input.target.collection, exists: false, isMoved: false, mode };
  }
  const place = await placeFor(target, input, now, signal);
  const written = { cluster: input.target.cluster, collection: place.writes };
  const onExisting = place.exists ? 'recreate' : 'fail';
  const collection = await planCollection(
    controls,
    {
      ...{ source: input.source, target: written, onExisting },
      ...(input.deleteExtras === undefined ? {} : { deleteExtras: input.deleteExtras }),
      ...(input.allowUnfinished === undefined ? {} : { allowUnfinished: input.allowUnfinished }),
    },
    signal,
  );
  const notes = [...captureNotes(mode, made), ...collection.notes];
  const autoPushes = recoveryWay(reads, 'auto') === 'push';
  return { collection: { ...collection, notes }, ...place, mode, autoPushes };
}

function reasonAgainst({ source, target, overrides }: PlanMoveInput, made: string, reads: string) {
  if (overrides !== undefined)
    return 'a snapshot carries the settings it was made with, and `overrides` are set';
  if (canReadSnapshot(made, reads)) return undefined;
  return (
    `"${source.cluster}" is Qdrant ${made} and "${target.cluster}" is Qdrant ${reads}, ` +
    'and a snapshot is read by the same or the next minor version only'
  );
}

/** A file system's limit, which scroll migration does not meet. */
async function longNameIn(
  source: ClusterControl,
  { source: from, target, onExisting }: PlanMoveInput,
  reads: string,
  now: Date,
  signal?: AbortSignal,
): Promise<string | undefined> {
  if (bytesIn(from.collection) < SHORT && bytesIn(target.collection) < SHORT) return undefined;
  const { shards } = await source.layout(from.collection, signal);
  const last = Math.max(0, ...shards.map(({ id }) => id));
  const collection = onExisting === 'swap' ? swapName(target.collection, now) : target.collection;
  return whyNotCaptured(from, last) ?? whyNotRecovered({ ...target, collection }, last, reads);
}

async function placeFor(
  target: ClusterControl,
  input: PlanMoveInput,
  now: Date,
  signal?: AbortSignal,
): Promise<Place> {
  const { cluster, collection } = input.target;
  const aliases = await target.aliases(signal);
  const names = await target.collections(signal);
  const isThere = names.includes(collection);
  if (input.onExisting === 'swap') {
    if (!isThere) return behindAlias(target, input, names, aliases, now, signal);
    const happened = `"${collection}" on "${cluster}" is a collection, not an alias, so there is nothing to switch`;
    throw new FerryError('AliasNeeded', happened, { context: { cluster, collection } });
  }
  if (!isThere) return { writes: collection, exists: false, isMoved: false };
  const ours = await stampOfOurs(target, input.source, { cluster, collection }, signal);
  const isReplaced = input.onExisting === 'replace' && ours?.state !== 'open';
  if (isReplaced) return { writes: collection, exists: true, isMoved: false };
  if (ours) return { writes: collection, exists: false, isMoved: isMoved(ours) };
  throw new FerryError('TargetExists', `"${collection}" exists on "${cluster}"`, {
    context: { cluster, collection },
  });
}

/** The dated one that an ended attempt began, or a new one. */
async function behindAlias(
  target: ClusterControl,
  { source, target: { cluster, collection: alias } }: PlanMoveInput,
  names: readonly string[],
  aliases: readonly Alias[],
  now: Date,
  signal?: AbortSignal,
): Promise<Place> {
  const used = new Set(aliases.map((one) => one.collection));
  const current = aliases.find((one) => one.alias === alias)?.collection;
  const swapped = current === undefined ? {} : { swappedFrom: current };
  // Older ones are what earlier swaps left behind, to go back to.
  const isLater = (name: string): boolean =>
    current === undefined || !isSwapName(current, alias) || name > current;
  const dated = names.filter((name) => isSwapName(name, alias) && !used.has(name) && isLater(name)).sort();
  for (const name of dated.reverse()) {
    const ours = await stampOfOurs(target, source, { cluster, collection: name }, signal);
    if (ours) return { writes: name, exists: false, ...swapped, isMoved: isMoved(ours) };
  }
  return { writes: swapName(alias, now), exists: false, ...swapped, isMoved: false };
}

async function stampOfOurs(
  target: ClusterControl,
  source: CollectionRef,
  written: CollectionRef,
  signal?: AbortSignal,
): Promise<StampedWork | undefined> {
  const work = workIn((await target.info(written.collection, signal)).config);
  if (work?.kind !== 'migration' || work.isAdopted === true) return undefined;
  return work.name === migrationName(source, written) ? work : undefined;
}

/** All shards are in, or an earlier migration succeeded, whatever way the points went. */
function isMoved({ isMoved = false, state }: StampedWork): boolean {
  return isMoved || state === 'closed';
}
