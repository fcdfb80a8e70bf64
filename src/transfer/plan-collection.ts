// Decides what a migration of one collection will do, before the first write: what the target is, whether the points
// fit into it, and what is held back meanwhile. Everything that speaks against the job is thrown here. Writes nothing.

import type { CollectionPlan, PlanCollectionInput } from '../model/activities.js';
import type { HeldBack, TargetState } from '../model/collections.js';
import { wholeSettings, withOverrides } from '../model/collection-settings.js';
import { misfits, settingDifferences } from '../model/settings-difference.js';
import { FerryError } from '../model/errors.js';
import { numberAt, valueAt, writeJson, type JsonObject } from '../model/json.js';
import { migrationName } from '../model/names.js';
import { isAtLeast, METADATA_SINCE, workIn } from '../model/stamp.js';
import type { ClusterControl, Controls } from './control-port.js';
import { keyName, lookAt, lookIfThere, readPlanOf, shardKeysOf, type Look } from './look.js';
import { takePin } from './pin.js';
import { isSameCluster } from './same-cluster.js';

export async function planCollection(
  controls: Controls,
  input: PlanCollectionInput,
  signal?: AbortSignal,
): Promise<CollectionPlan> {
  const [source, target] = [controls.of(input.source.cluster), controls.of(input.target.cluster)];
  await refuseItself(source, target, input, signal);
  const from = await lookAt(source, input.source, signal);
  const to = await lookIfThere(target, input.target, signal);
  const wanted = withOverrides(wholeSettings(from.info.config), input.overrides);
  const targetState = to ? stateOf(input, from, to) : 'absent';
  await refuseMissingClustering(target, wanted, signal);
  return {
    sourcePin: await takePin(source, input.source.collection, from.info, signal),
    targetState,
    sourcePoints: from.points,
    targetPoints: to?.points ?? 0,
    sourceRead: readPlanOf(from),
    heldBack: await heldBackOf(target, input, wanted, targetState, to, signal),
    notes: await notesFor(target, input, wanted, targetState, to, signal),
  };
}

async function refuseItself(
  source: ClusterControl,
  target: ClusterControl,
  input: PlanCollectionInput,
  signal?: AbortSignal,
): Promise<void> {
  if (input.source.collection !== input.target.collection) return;
  if (!(await isSameCluster(source, target, signal))) return;
  const happened = `"${input.source.collection}" would be copied onto itself: source and target are one cluster`;
  throw new FerryError('InvalidInput', happened, { context: { ...input.target } });
}

/** Created by this migration, now or at an earlier attempt. */
export function isOurs(input: PlanCollectionInput, config: JsonObject): boolean {
  return workIn(config)?.isAdopted !== true && isStamped(input, config);
}

function isStamped(input: PlanCollectionInput, config: JsonObject): boolean {
  const work = workIn(config);
  return work?.kind === 'migration' && work.name === migrationName(input.source, input.target);
}

function stateOf(input: PlanCollectionInput, from: Look, to: Look): TargetState {
  if (input.onExisting === 'recreate') return 'recreate';
  refuseMisfits(input, from, to);
  if (isOurs(input, to.info.config)) return 'ours';
  if (to.points === 0) return 'empty';
  if (isStamped(input, to.info.config)) return 'adopted';
  if (input.onExisting === 'merge') return 'merge';
  const happened = `"${input.target.collection}" on "${input.target.cluster}" already holds ${to.points} points that this migration did not write`;
  throw new FerryError('TargetNotEmpty', happened, { context: { ...input.target } });
}

function refuseMisfits(input: PlanCollectionInput, from: Look, to: Look): void {
  const found = misfits(from.settings, to.settings);
  // What is ours gets its missing keys from prepareTarget.
  if (found.length === 0 && !isOurs(input, to.info.config)) {
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

/** How it shall be at the end. Of our own target the stamp knows: what it is set to now is what we hold back. */
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
  if (isCreated && !isAtLeast(version, METADATA_SINCE)) {
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
  return notes.slice(0, 10);
}

/** An existing target keeps its settings, also where the job's input wants others. */
function otherSettings(wanted: JsonObject, there: JsonObject, input: PlanCollectionInput): string[] {
  const held = ['optimizers_config.indexing_threshold', 'strict_mode_config', 'metadata'];
  const found = settingDifferences(wanted, there, held);
  if (found.length === 0) return [];
  const kept = `"${input.target.collection}" exists and keeps its own settings`;
  return [`${kept}: ${found.slice(0, 3).join('; ')}${found.length > 3 ? '; …' : ''}.`];
}
