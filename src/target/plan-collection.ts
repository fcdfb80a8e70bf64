// Decides what a migration of one collection will do, before the first write: what the target is, whether the points
// fit into it, and what is held back meanwhile. Everything that speaks against the job is thrown here. Writes nothing but
// a mark on what is to be deleted.

import type { CollectionPlan, PlanCollectionInput } from '../model/contracts/activities.js';
import type { CollectionRef, HeldBack, Pin, TargetState } from '../model/collections.js';
import { wholeSettings, withOverrides } from '../model/settings/collection-settings.js';
import type { RangeDigest } from '../model/format/digest.js';
import { misfits, settingDifferences } from '../model/settings/settings-difference.js';
import { FerryError } from '../model/errors.js';
import { numberAt, valueAt, writeJson, type JsonObject } from '../model/json.js';
import { migrationName } from '../model/names.js';
import { can } from '../model/qdrant-version.js';
import { workIn, type StampedWork } from '../model/stamp.js';
import { whole } from '../model/state/steering.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import { keyName, lookAt, lookIfThere, readPlanOf, shardKeysOf, type Look } from '../cluster/look.js';
import { markedCreation } from '../cluster/mark-collection.js';
import { sharesPeer, takePin } from '../cluster/pin.js';
import { compareClusters, requireKnownCluster } from '../cluster/same-cluster.js';

const MAX_NOTES = 10;

export async function planCollection(
  controls: Controls,
  input: PlanCollectionInput,
  signal?: AbortSignal,
): Promise<CollectionPlan> {
  const [source, target] = [controls.of(input.source.cluster), controls.of(input.target.cluster)];
  refuseContradiction(input);
  const from = await lookAt(source, input.source, signal);
  const to = await lookIfThere(target, input.target, signal);
  await refuseItself(source, target, input, to, signal);
  const unfinished = unfinishedNote(input, from);
  const sourcePin = await takePin(source, input.source.collection, from.info, signal);
  const wanted = withOverrides(wholeSettings(from.info.config), input.overrides);
  const targetState = to ? stateOf(input, sourcePin, from, to) : 'absent';
  if (to && targetState === 'ours') await refuseNamed(target, input, to, signal);
  const verified = to && targetState === 'known' ? verifiedOf(input, to) : undefined;
  await refuseMissingClustering(target, wanted, signal);
  const replaced =
    targetState === 'recreate' ? await markedCreation(target, input.target, signal) : undefined;
  const notes = await notesFor(target, input, wanted, targetState, to, signal);
  return {
    sourcePin,
    targetState,
    ...(verified === undefined ? {} : { verified }),
    ...(replaced === undefined ? {} : { replaced }),
    sourcePoints: from.points,
    targetPoints: to?.points ?? 0,
    sourceRead: readPlanOf(from),
    heldBack: await heldBackOf(target, input, wanted, targetState, to, signal),
    notes: [...unfinished, ...notes].slice(0, MAX_NOTES),
  };
}

function refuseContradiction({ onExisting, deleteExtras }: PlanCollectionInput): void {
  if (onExisting !== 'merge' || !deleteExtras) return;
  const happened =
    '`deleteExtras` cannot be combined with `onExisting: "merge"`, which keeps all points of the target';
  throw new FerryError('InvalidInput', happened);
}

async function refuseItself(
  source: ClusterControl,
  target: ClusterControl,
  input: PlanCollectionInput,
  to: Look | undefined,
  signal?: AbortSignal,
): Promise<void> {
  if (input.source.collection !== input.target.collection) return;
  const destroys = to !== undefined && (input.onExisting === 'recreate' || input.deleteExtras === true);
  const compare = destroys ? requireKnownCluster : compareClusters;
  if ((await compare(source, target, signal)) !== 'same') return;
  const happened = `"${input.source.collection}" would be copied onto itself: source and target are one cluster`;
  throw new FerryError('InvalidInput', happened, { context: { ...input.target } });
}

/** What a job has not finished filling is not what its owner believes to have. */
function unfinishedNote({ source, allowUnfinished }: PlanCollectionInput, from: Look): string[] {
  const work = workIn(from.info.config);
  if (work?.state !== 'open') return [];
  const happened = unfinishedText(source, work);
  if (allowUnfinished) return [`${happened}.`];
  throw new FerryError('SourceUnfinished', happened, { context: { ...source } });
}

export function unfinishedText({ cluster, collection }: CollectionRef, work: StampedWork): string {
  return `"${collection}" on "${cluster}" is unfinished: ${fillerOf(work)}`;
}

/** Whether that job still runs is not known here. */
function fillerOf({ kind, job, renewedAt }: StampedWork): string {
  return `the ${kind} ${job} has not finished filling it, and last worked on it at ${renewedAt}`;
}

/** Stamped by the migration of these names from this very cluster. */
function ownWork(input: Sides, sourcePin: Pin, config: JsonObject): StampedWork | undefined {
  const work = workIn(config);
  if (work?.kind !== 'migration' || work.name !== migrationName(input.source, input.target)) return undefined;
  const isFromElsewhere = work.source.length > 0 && sourcePin.identity.length > 0;
  if (isFromElsewhere && !sharesPeer(work.source, sourcePin.identity)) {
    const [was, is] = [work.source.join(', '), sourcePin.identity.join(', ')];
    const { cluster, collection } = input.target;
    const happened =
      `"${collection}" on "${cluster}" was filled from the cluster of peer ${was}, ` +
      `and the alias "${input.source.cluster}" now leads to peer ${is}`;
    throw new FerryError('ClusterChanged', happened, { context: { ...input.source } });
  }
  return work;
}

/** Created by this migration, now or at an earlier attempt, and not yet handed over to its owner. */
export function isOurs(input: Sides, sourcePin: Pin, config: JsonObject): boolean {
  const work = ownWork(input, sourcePin, config);
  return work?.state === 'open' && work.isAdopted !== true;
}

type Sides = Pick<PlanCollectionInput, 'source' | 'target'>;

function stateOf(input: PlanCollectionInput, sourcePin: Pin, from: Look, to: Look): TargetState {
  if (input.onExisting === 'recreate') return 'recreate';
  const own = ownWork(input, sourcePin, to.info.config);
  const isOurs = own?.state === 'open' && own.isAdopted !== true;
  refuseMisfits(input, isOurs, from, to);
  if (isOurs) return 'ours';
  if (own?.state === 'closed') return 'known';
  if (own) return to.points === 0 ? 'empty' : 'adopted';
  const work = workIn(to.info.config);
  if (work?.state === 'open') throw beingFilled(input, work);
  if (to.points === 0) return 'empty';
  if (input.onExisting === 'merge') return 'merge';
  const happened = `"${input.target.collection}" on "${input.target.cluster}" already holds ${to.points} points that this migration did not write`;
  throw new FerryError('TargetNotEmpty', happened, { context: { ...input.target } });
}

/** Its settings are held back, and the job that fills it would delete points that are not its own. */
function beingFilled({ target }: PlanCollectionInput, work: StampedWork): FerryError {
  const happened = `"${target.collection}" on "${target.cluster}" belongs to another job: ${fillerOf(work)}`;
  return new FerryError('TargetNotEmpty', happened, { context: { ...target } });
}

/** Ferry assigns aliases last: an unfinished collection with one is used by somebody who did not wait for the end. */
async function refuseNamed(
  target: ClusterControl,
  { target: ref, deleteExtras }: PlanCollectionInput,
  to: Look,
  signal?: AbortSignal,
): Promise<void> {
  if (deleteExtras) return;
  const alias = (await target.aliases(signal)).find(({ collection }) => collection === ref.collection);
  if (alias === undefined) return;
  const job = workIn(to.info.config)?.job;
  const happened = `"${ref.collection}" on "${ref.cluster}" has the alias "${alias.alias}", although the job ${job} did not finish it: it may be in use`;
  throw new FerryError('TargetChanged', happened, { context: { ...ref } });
}

/** Points beyond those that an earlier run left there were written by its owner. */
function verifiedOf({ target, deleteExtras }: PlanCollectionInput, to: Look): RangeDigest | undefined {
  const work = workIn(to.info.config);
  const verified = work?.verified;
  if (verified === undefined || to.points <= verified.count || deleteExtras) return verified;
  const happened =
    `"${target.collection}" on "${target.cluster}" has changed since it was verified at ${work?.renewedAt}: ` +
    `it held ${whole(verified.count)} points then and holds ${whole(to.points)} now. Nothing was changed`;
  throw new FerryError('TargetChanged', happened, { context: { ...target } });
}

function refuseMisfits(input: PlanCollectionInput, isOurs: boolean, from: Look, to: Look): void {
  const found = misfits(from.settings, to.settings);
  // What is ours gets its missing keys from prepareTarget.
  if (found.length === 0 && !isOurs) {
    const there = new Set(shardKeysOf(to.layout).map((one) => keyName(one.key)));
    for (const { key } of shardKeysOf(from.layout)) {
      if (!there.has(keyName(key))) found.push(`shard key ${keyName(key)} does not exist there`);
    }
  }
  if (found.length === 0) return;
  const { cluster, collection } = input.target;
  const shown = found.slice(0, 5).join('; ') + (found.length > 5 ? `; and ${found.length - 5} more` : '');
  const happened = `"${collection}" on "${cluster}" cannot hold the points of "${input.source.collection}": ${shown}`;
  throw new FerryError('IncompatibleTarget', happened, { context: { cluster, collection } });
}

/** Custom shard keys exist only where Qdrant runs with clustering, be it of one node. */
async function refuseMissingClustering(
  target: ClusterControl,
  wanted: JsonObject,
  signal?: AbortSignal,
): Promise<void> {
  if (wanted.sharding_method !== 'custom' || (await target.peers(signal)).length > 0) return;
  const happened = `The collection has custom shard keys, and "${target.alias}" runs without clustering`;
  throw new FerryError('IncompatibleTarget', `${happened} (QDRANT__CLUSTER__ENABLED)`, {
    context: { cluster: target.alias },
  });
}

/** The settings at the end. For our own target they are in the stamp: what it is set to now is what we hold back. */
async function heldBackOf(
  target: ClusterControl,
  input: PlanCollectionInput,
  wanted: JsonObject,
  state: TargetState,
  to: Look | undefined,
  signal?: AbortSignal,
): Promise<HeldBack> {
  const stamped = to ? workIn(to.info.config)?.heldBack : undefined;
  if (state === 'ours' && stamped) return stamped;
  const final = to && state !== 'recreate' ? to.settings : wanted;
  const strict = final.strict_mode_config ?? null;
  const there = state === 'recreate' ? await target.aliases(signal) : [];
  const named = there.filter((one) => one.collection === input.target.collection).map((one) => one.alias);
  const aliases = [...new Set([...named, ...((state === 'recreate' && stamped?.aliases) || [])])].sort();
  return {
    indexingThreshold: writeJson(valueAt(final, 'optimizers_config', 'indexing_threshold') ?? null),
    ...(strict === null ? {} : { strictMode: writeJson(strict) }),
    ...(aliases.length === 0 ? {} : { aliases }),
  };
}

async function notesFor(
  target: ClusterControl,
  input: PlanCollectionInput,
  wanted: JsonObject,
  state: TargetState,
  to: Look | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  const [version, peers] = await Promise.all([target.version(signal), target.peers(signal)]);
  const notes: string[] = [];
  const isCreated = state === 'absent' || state === 'recreate';
  if (isCreated && !can(version, 'metadata')) {
    notes.push(
      `Qdrant ${version} on "${target.alias}" keeps no metadata: the target carries no stamp, ` +
        "so another job will not recognise it as this migration's own.",
    );
  }
  const replicas = numberAt(wanted, 'replication_factor') ?? 1;
  const nodes = Math.max(1, peers.length);
  if (isCreated && replicas > nodes) {
    notes.push(`replication_factor is ${replicas}, but "${target.alias}" has ${nodes} node(s).`);
  }
  if (to && !isCreated) notes.push(...otherSettings(wanted, to.settings, input));
  return notes;
}

/** An existing target keeps its settings, also where the job's input wants others. */
function otherSettings(wanted: JsonObject, there: JsonObject, input: PlanCollectionInput): string[] {
  const held = ['optimizers_config.indexing_threshold', 'strict_mode_config', 'metadata'];
  const found = settingDifferences(wanted, there, held);
  if (found.length === 0) return [];
  const kept = `"${input.target.collection}" exists and keeps its own settings`;
  return [`${kept}: ${found.slice(0, 3).join('; ')}${found.length > 3 ? '; …' : ''}.`];
}
