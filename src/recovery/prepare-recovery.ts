// Makes the collection that the shards go into, from the manifest's configuration, and says which shard goes where: by
// key and ordinal, never by id, for ids follow the order of creation. May be repeated after a crash at any point: what
// an earlier attempt made carries our stamp, and is deleted and made again.
//
//   1. delete: what is ours and pending; with `replace` also what the plan saw there, whose aliases the stamp keeps, and
//      only while it is the one that was planned for and was not written since its safety backup was begun
//   2. create, strict mode off, stamped as pending; take away what only the node's own defaults added, limits too
//   3. shard keys in the manifest's order, each with its number of shards
//   4. payload indexes

import { FerryError } from '../model/errors.js';
import type {
  LookAtReplacedInput,
  LookAtReplacedResult,
  PrepareRecoveryInput,
  PrepareRecoveryResult,
} from '../model/contracts/recovery-activities.js';
import { settingsOf } from '../model/settings/collection-settings.js';
import { numberAt, type JsonObject } from '../model/json.js';
import { recoveryName } from '../model/names.js';
import { takeAway } from '../model/settings/node-defaults.js';
import { can } from '../model/qdrant-version.js';
import { stampMetadata, type Stamp } from '../model/stamp.js';
import type { ClusterControl, Controls, Layout } from '../cluster/control-port.js';
import { lookAt, lookIfThere } from '../cluster/look.js';
import { takePin } from '../cluster/pin.js';
import type { SnapshotNodes } from '../cluster/snapshots-port.js';
import { createIndexes, createShardKeys } from '../target/make-parts.js';
import { describeReplaced, requireReplaceable } from '../target/replaced.js';
import { placeName, placesIn, replicasOf } from '../cluster/shard-places.js';
import {
  openPlanned,
  type RecoverableCollection,
  type RecoverySource,
} from '../shards/recoverable-collection.js';
import { recoveredSettings, type RecoveredSettings } from '../target/recovered-settings.js';
import { isPending, replacedAliasesIn } from './recovery-stamp.js';

export interface PrepareDeps {
  controls: Controls;
  source: RecoverySource;
  nodes: SnapshotNodes;
}

interface Making {
  target: ClusterControl;
  nodes: SnapshotNodes;
  input: PrepareRecoveryInput;
  found: RecoverableCollection;
  settings: RecoveredSettings;
  signal: AbortSignal;
}

export async function prepareRecovery(
  { controls, source, nodes }: PrepareDeps,
  input: PrepareRecoveryInput,
  signal: AbortSignal,
): Promise<PrepareRecoveryResult> {
  const found = await openPlanned(source, input.from, input.manifestSha256, signal);
  const target = controls.of(input.target.cluster);
  const making = { target, nodes, input, found, settings: recoveredSettings(found), signal };
  await create(making, await makeSpace(making));
  await makeParts(making);
  const made = await lookAt(target, input.target, signal);
  return {
    targetPin: await takePin(target, input.target.collection, made.info, signal),
    shards: mapShards(found, made.layout),
  };
}

/** Returns the aliases that went with what was there. */
async function makeSpace({ target, nodes, input, signal }: Making): Promise<string[]> {
  const there = await lookIfThere(target, input.target, signal);
  if (!there) return [];
  const isStamped = can(await target.version(signal), 'metadata');
  const isOurs = isPending(there.info.config, input.from, input.target) || (!isStamped && there.points === 0);
  if (!isOurs && !(input.exists && input.onExisting === 'replace')) {
    const { cluster, collection } = input.target;
    const happened = `"${collection}" on "${cluster}" was created by somebody else since this recovery was planned`;
    throw new FerryError('TargetExists', happened, { context: { cluster, collection } });
  }
  const named = (await target.aliases(signal)).filter((one) => one.collection === input.target.collection);
  const { replaced } = input;
  if (!isOurs && replaced) await requireReplaceable({ target, nodes }, input.target, replaced, there, signal);
  await target.remove(input.target.collection, signal);
  const earlier = isOurs ? replacedAliasesIn(there.info.config) : [];
  return [...new Set([...earlier, ...named.map((one) => one.alias)])].sort();
}

/** What `replace` is about to delete, for the safety backup and for the last look before the deletion. */
export async function lookAtReplaced(
  { controls, nodes }: Omit<PrepareDeps, 'source'>,
  { from, target: ref }: LookAtReplacedInput,
  signal: AbortSignal,
): Promise<LookAtReplacedResult> {
  const target = controls.of(ref.cluster);
  const there = await lookIfThere(target, ref, signal);
  if (!there || isPending(there.info.config, from, ref)) return {};
  return { replaced: await describeReplaced({ target, nodes }, ref, there, signal) };
}

async function create(making: Making, replacedAliases: string[]): Promise<void> {
  const { target, input, settings, signal } = making;
  const isStamped = can(await target.version(signal), 'metadata');
  const metadata = { ...settings.metadata, ...stampMetadata(openStamp(making, replacedAliases)) };
  // Strict mode is restored at the end; a default of the node's would refuse our exact counts.
  const body: JsonObject = {
    ...settings.create,
    strict_mode_config: { enabled: false },
    ...(isStamped ? { metadata } : {}),
  };
  await target.create(input.target.collection, body, signal);
  if (Object.keys(settings.params).length > 0) {
    await target.change(input.target.collection, { params: settings.params }, signal);
  }
  const made = settingsOf((await target.info(input.target.collection, signal)).config);
  const patch = takeAway(settings.wanted, made);
  if (Object.keys(patch).length > 0) await target.change(input.target.collection, patch, signal);
}

function openStamp({ input, found }: Making, replacedAliases: string[]): Stamp {
  const { from, target, job, creation } = input;
  return {
    creation,
    work: {
      kind: 'recovery',
      name: recoveryName(from, target),
      job,
      state: 'open',
      renewedAt: new Date().toISOString(),
      source: found.clusterIdentity,
      replacedAliases,
    },
  };
}

async function makeParts({ target, input, found, settings, signal }: Making): Promise<void> {
  const { collection } = input.target;
  const keys = found.shardKeys.map(({ shardKey: key, shards, replicas }) => ({ key, shards, replicas }));
  const usualReplicas = numberAt(settings.create, 'replication_factor') ?? 1;
  await createShardKeys(target, collection, { keys, usualReplicas }, signal);
  if (found.sharding === 'custom' && keys.length === 0) return;
  await createIndexes(target, collection, { wanted: settings.indexes, known: {} }, signal);
}

function mapShards(found: RecoverableCollection, { shards }: Layout): PrepareRecoveryResult['shards'] {
  if (found.shards.length === 0) return [];
  const places = placesIn(shards);
  const mapped = found.shards.flatMap((shard, position) => {
    const place = places.get(placeName(shard));
    if (!place) throw noPlace(found, shards.length);
    return replicasOf(position, place);
  });
  if (places.size !== found.shards.length) throw noPlace(found, shards.length);
  return mapped;
}

function noPlace({ collection, shards }: RecoverableCollection, made: number): FerryError {
  const happened = `The backup of "${collection}" has ${shards.length} shards, and Qdrant created ${made} on the target`;
  return new FerryError('IncompatibleTarget', happened, { context: { collection } });
}
