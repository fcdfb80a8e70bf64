// Makes the target ready to receive points, from the whole configuration of the source. May be repeated after a crash at
// any point: the collection is created with our stamp in one call, and each later step first looks what is there.
//
//   1. recreate: delete what is there
//   2. create, indexing held back, strict mode off, stamped; take away what only the node's own defaults added, limits too
//   3. what only PATCH can set: read fan-out, and what this ferry does not know
//   4. shard keys in the source's order of creation
//   5. payload indexes, before the points: Qdrant then needs no second pass over them
//   6. hold indexing back again, where an earlier attempt had already put it back
//
// A collection that is not ours is left as it is, but for a stamp on one that is empty. Nothing is restored here: release-target.ts does.

import { randomUUID } from 'node:crypto';
import type { PrepareTargetInput, PrepareTargetResult } from '../model/contracts/activities.js';
import type { TargetState } from '../model/collections.js';
import {
  removedPaths,
  setPaths,
  settingsOf,
  splitSettings,
  wholeSettings,
  withOverrides,
} from '../model/settings/collection-settings.js';
import { lastingDefaults } from '../model/settings/settings-difference.js';
import { FerryError } from '../model/errors.js';
import { numberAt, objectAt, valueAt, type JsonObject } from '../model/json.js';
import { migrationName } from '../model/names.js';
import { takeAway } from '../model/settings/node-defaults.js';
import { can } from '../model/qdrant-version.js';
import { NO_INDEXING, stampMetadata, stampOf, workIn, type StampedWork } from '../model/stamp.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import {
  keyName,
  lookAt,
  lookIfThere,
  readPlanOf,
  shardKeysOf,
  strictLimit,
  type Look,
} from '../cluster/look.js';
import { createCheckPin, requireCreation, takePin, withJob } from '../cluster/pin.js';
import { createIndexes, createShardKeys } from './make-parts.js';
import { isOurs } from './plan-collection.js';
import { requireKnownCluster } from '../cluster/same-cluster.js';

interface Work {
  input: PrepareTargetInput;
  source: Look;
  wanted: JsonObject;
  target: ClusterControl;
  isStamped: boolean;
  signal?: AbortSignal | undefined;
}

const CREATED_BY_US: readonly TargetState[] = ['absent', 'ours', 'recreate'];
const ADOPTED: readonly TargetState[] = ['empty', 'adopted'];

export async function prepareTarget(
  controls: Controls,
  input: PrepareTargetInput,
  signal?: AbortSignal,
): Promise<PrepareTargetResult> {
  const owned = CREATED_BY_US.includes(input.targetState);
  const work = owned ? await workFor(controls, input, signal) : undefined;
  if (work) await buildTarget(controls, work);
  else if (ADOPTED.includes(input.targetState)) await adopt(controls, input, signal);
  const target = controls.of(input.target.cluster);
  const there = await lookAt(target, input.target, signal);
  const stamped = workIn(there.info.config);
  const isOpen = stamped?.state === 'open' && stamped.job === input.job;
  const notes = work ? lastingDefaults(work.wanted, there.settings) : [];
  const maxWritePoints = strictLimit(there.settings, 'upsert_max_batchsize');
  const pin = await takePin(target, input.target.collection, there.info, signal);
  return {
    targetPin: isOpen ? withJob(pin, input.job) : pin,
    targetRead: readPlanOf(there),
    ...(maxWritePoints === undefined ? {} : { maxWritePoints }),
    targetNodes: target.nodeUrls.length,
    owned,
    stamped: isOpen || input.targetState === 'known',
    mayDelete: input.deleteExtras === true || (owned && isOpen),
    ...(notes.length === 0 ? {} : { notes }),
  };
}

/** So that a repeated job knows the points it finds there as its own. Nothing else of the collection is touched. */
async function adopt(controls: Controls, input: PrepareTargetInput, signal?: AbortSignal): Promise<void> {
  const { cluster, collection } = input.target;
  const target = controls.of(cluster);
  if (!can(await target.version(signal), 'metadata')) return;
  const { config } = await target.info(collection, signal);
  const { creation = randomUUID(), work } = stampOf(config) ?? {};
  if (work?.state === 'open' && work.name !== migrationName(input.source, input.target)) {
    const happened = `The job ${work.job} has started to fill "${collection}" on "${cluster}" since this job was planned`;
    throw new FerryError('TargetNotEmpty', happened, { context: { cluster, collection } });
  }
  if (work?.state !== 'open') await requireEmpty(target, input, signal);
  const metadata = stampMetadata({ creation, work: { ...openWork(input), isAdopted: true } });
  await target.change(collection, { metadata }, signal);
}

/** Its owner may have started to write to it since the plan, maybe with the ids that the source has. */
async function requireEmpty(
  target: ClusterControl,
  { target: { cluster, collection } }: PrepareTargetInput,
  signal?: AbortSignal,
): Promise<void> {
  const points = await target.count(collection, undefined, signal);
  if (points === 0) return;
  const happened = `"${collection}" on "${cluster}" was empty when this job was planned and holds ${points} points now`;
  throw new FerryError('TargetNotEmpty', happened, { context: { cluster, collection } });
}

async function workFor(controls: Controls, input: PrepareTargetInput, signal?: AbortSignal): Promise<Work> {
  const { cluster, collection } = input.source;
  await createCheckPin(controls)(cluster, collection, input.sourcePin, signal);
  const source = await lookAt(controls.of(cluster), input.source, signal);
  const wanted = withOverrides(wholeSettings(source.info.config), input.overrides);
  const target = controls.of(input.target.cluster);
  const isStamped = can(await target.version(signal), 'metadata');
  return { input, source, wanted, target, isStamped, signal };
}

async function buildTarget(controls: Controls, work: Work): Promise<void> {
  const { target, input, signal } = work;
  const { collection } = input.target;
  if (input.targetState === 'recreate') await removeExisting(controls, work);
  let there = await lookIfThere(target, input.target, signal);
  if (there) requireOwnTarget(work, there);
  else {
    await target.create(collection, createBody(work), signal);
    there = await lookAt(target, input.target, signal);
  }
  there = await takeDefaultsAway(work, there);
  await setParams(work, there);
  await makeShardKeys(work, there);
  await refuseLostOverrides(work);
  await makeIndexes(work, there);
  await holdBack(work, there);
}

/**
 * The aliases in ferry.yaml may lead elsewhere since the plan: what is deleted must not be the source, and must be what was planned
 * for. What an attempt before this one made in its place stays.
 */
async function removeExisting(controls: Controls, work: Work): Promise<void> {
  const { input, target, isStamped, signal } = work;
  const { source, target: ref } = input;
  const there = await lookIfThere(target, ref, signal);
  if (!there) return;
  const isPlanned = stampOf(there.info.config)?.creation === input.replaced;
  if (!isPlanned && isStamped && isMadeByJob(input, there)) return;
  if (source.collection === ref.collection) {
    const found = await requireKnownCluster(controls.of(source.cluster), target, signal);
    if (found === 'same') {
      const happened = `"${ref.collection}" would be deleted and then copied onto itself: source and target are one cluster`;
      throw new FerryError('InvalidInput', happened, { context: { ...ref } });
    }
  }
  requireCreation(ref, input.replaced, there.info.config);
  await target.remove(ref.collection, signal);
}

function isMadeByJob(input: PrepareTargetInput, { info }: Look): boolean {
  return workIn(info.config)?.job === input.job && isOurs(input, input.sourcePin, info.config);
}

/** Between planning and now somebody, or another job, may have created a collection of that name. */
function requireOwnTarget({ input, isStamped }: Work, there: Look): void {
  const { config } = there.info;
  const isExpected = input.targetState === 'ours' && isOurs(input, input.sourcePin, config);
  if (isExpected || isMadeByJob(input, there)) return;
  if (!isStamped && there.points === 0) return;
  const { cluster, collection } = input.target;
  const happened = `"${collection}" on "${cluster}" was created by somebody else since this job was planned`;
  throw new FerryError('TargetNotEmpty', happened, { context: { cluster, collection } });
}

function createBody(work: Work): JsonObject {
  const { create } = splitSettings(work.wanted);
  const body: JsonObject = {
    ...create,
    // Also where the source has none: a default of the node's would refuse our exact counts.
    strict_mode_config: { enabled: false },
    optimizers_config: { ...objectAt(create.optimizers_config), indexing_threshold: NO_INDEXING },
  };
  if (work.isStamped) body.metadata = { ...objectAt(create.metadata), ...stamp(work) };
  else delete body.metadata;
  return body;
}

function stamp({ input }: Work, there?: Look): JsonObject {
  const creation = (there && stampOf(there.info.config)?.creation) ?? randomUUID();
  return stampMetadata({ creation, work: { ...openWork(input), heldBack: input.heldBack } });
}

function openWork({ source, target, sourcePin, job }: PrepareTargetInput): StampedWork {
  return {
    kind: 'migration',
    name: migrationName(source, target),
    job,
    state: 'open',
    renewedAt: new Date().toISOString(),
    source: sourcePin.identity,
  };
}

/** Only while everything is held back: from its release on the stamp no longer knows what strict mode is to be. */
async function takeDefaultsAway(
  { wanted, target, input, isStamped, signal }: Work,
  there: Look,
): Promise<Look> {
  if (isStamped && workIn(there.info.config)?.heldBack === undefined) return there;
  const patch = takeAway(wanted, there.settings, removedPaths(input.overrides));
  if (Object.keys(patch).length === 0) return there;
  await target.change(input.target.collection, patch, signal);
  return lookAt(target, input.target, signal);
}

async function setParams({ wanted, target, input, signal }: Work, there: Look): Promise<void> {
  const entries = Object.entries(splitSettings(wanted).params);
  const params = Object.fromEntries(entries.filter(([key]) => there.settings[key] === undefined));
  if (Object.keys(params).length > 0) await target.change(input.target.collection, { params }, signal);
}

/** Qdrant ignores names it does not know: the user should learn that before the points are copied, not after. */
async function refuseLostOverrides({ wanted, target, input, signal }: Work): Promise<void> {
  const settings = settingsOf((await target.info(input.target.collection, signal)).config);
  const lost = setPaths(input.overrides).filter((path) => {
    const steps = path.split('.');
    return valueAt(wanted, ...steps) !== undefined && valueAt(settings, ...steps) === undefined;
  });
  const held = (path: string): boolean => path.startsWith('strict_mode_config');
  const found = lost.filter((path) => !held(path));
  if (found.length === 0) return;
  const happened = `Qdrant on "${input.target.cluster}" does not know overrides.${found.join(', overrides.')}`;
  throw new FerryError('InvalidInput', happened, { context: { ...input.target } });
}

async function makeShardKeys({ source, input, wanted, target, signal }: Work, there: Look): Promise<void> {
  const known = new Set(shardKeysOf(there.layout).map((one) => keyName(one.key)));
  const keys = shardKeysOf(source.layout)
    .filter(({ key }) => !known.has(keyName(key)))
    .map(({ key, shards }) => ({
      key,
      replicas: Math.max(...shards.map((shard) => shard.replicas.length)),
      ...(input.overrides?.shard_number === undefined ? { shards: shards.length } : {}),
    }));
  const usualReplicas = numberAt(wanted, 'replication_factor') ?? 1;
  await createShardKeys(target, input.target.collection, { keys, usualReplicas }, signal);
}

async function makeIndexes({ source, input, target, signal }: Work, there: Look): Promise<void> {
  const known = there.info.payloadSchema;
  const wanted = Object.entries(source.info.payloadSchema).sort(([a], [b]) => (a < b ? -1 : 1));
  await createIndexes(target, input.target.collection, { wanted, known }, signal);
}

async function holdBack(work: Work, there: Look): Promise<void> {
  const { input, target, signal } = work;
  const isHeld =
    numberAt(there.info.config, 'optimizer_config', 'indexing_threshold') === Number(NO_INDEXING.value);
  const stamped = workIn(there.info.config);
  const isKnown = !work.isStamped || (stamped?.heldBack !== undefined && stamped.job === input.job);
  const isStrict = valueAt(there.settings, 'strict_mode_config', 'enabled') === true;
  if (isHeld && isKnown && !isStrict) return;
  // The stamp first: what is held back must never be unknown.
  if (work.isStamped) await target.change(input.target.collection, { metadata: stamp(work, there) }, signal);
  const patch: JsonObject = { optimizers_config: { indexing_threshold: NO_INDEXING } };
  if (input.heldBack.strictMode !== undefined) patch.strict_mode_config = { enabled: false };
  await target.change(input.target.collection, patch, signal);
}
