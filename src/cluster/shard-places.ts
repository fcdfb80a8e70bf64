// Which shard of the source goes into which of the target: by key and ordinal, never by id, for ids follow the order of
// creation and have gaps.

import type { ShardToCapture } from '../model/contracts/backup-activities.js';
import { FerryError } from '../model/errors.js';
import type { PlacedShard } from '../model/contracts/move-activities.js';
import type { RecoverShardInput } from '../model/contracts/recovery-activities.js';
import type { CollectionRef } from '../model/collections.js';
import type { ShardKey } from '../model/state/slice.js';
import type { Layout } from './control-port.js';
import { keyName } from './look.js';

type Place = Pick<PlacedShard, 'into' | 'peers'>;

/** One entry for each replica of a place: what of a manifest goes into it. */
export function replicasOf(position: number, { into, peers }: Place): RecoverShardInput['shard'][] {
  const isReplica = peers.length > 1 ? { isReplica: true } : {};
  return peers.map((peer) => ({ position, into, peer, ...isReplica }));
}

export function placeShards(
  shards: readonly ShardToCapture[],
  target: CollectionRef,
  { shards: made }: Layout,
): PlacedShard[] {
  const places = placesIn(made);
  const placed = shards.flatMap((shard) => {
    const place = places.get(placeName(shard));
    return place === undefined ? [] : [{ shard, ...place }];
  });
  if (placed.length === shards.length && places.size === shards.length) return placed;
  const happened = `The shards of the source (${shards.length}) and of "${target.collection}" on "${target.cluster}" (${made.length}) do not match`;
  throw new FerryError('IncompatibleTarget', happened, { context: { ...target } });
}

export function placeName({
  ordinal,
  shardKey,
}: {
  ordinal: number;
  shardKey?: ShardKey | undefined;
}): string {
  return `${ordinal} ${groupOf(shardKey)}`;
}

/** Shards of a layout by their names here. */
export function placesIn(shards: Layout['shards']): Map<string, Place> {
  const places = new Map<string, Place>();
  const ordinals = new Map<string, number>();
  for (const { id, key, replicas } of shards) {
    const group = groupOf(key);
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const place = { into: id, peers: replicas.map((one) => one.peer) };
    places.set(placeName({ ordinal, shardKey: key }), place);
  }
  return places;
}

function groupOf(key: ShardKey | undefined): string {
  return key === undefined ? '' : keyName(key);
}
