// One look at a collection: what planning needs to know of it. Promises that no shard is on its way to
// another node at that moment, and that every shard has a replica that can be read.

import type { CollectionRef, ReadPlan } from '../model/collections.js';
import { settingsOf, type CollectionInfo } from '../model/settings/collection-settings.js';
import { FerryError } from '../model/errors.js';
import { numberAt, type JsonObject } from '../model/json.js';
import { shardKeyText, type ShardKey } from '../model/state/slice.js';
import type { ClusterControl, Layout, Shard } from './control-port.js';

export interface Look {
  info: CollectionInfo;
  settings: JsonObject;
  layout: Layout;
  points: number;
}

export async function lookAt(
  control: ClusterControl,
  ref: CollectionRef,
  signal?: AbortSignal,
): Promise<Look> {
  const info = await control.info(ref.collection, signal);
  const layout = await control.layout(ref.collection, signal);
  refuseMovingShards(ref, layout);
  const points = await control.count(ref.collection, undefined, signal);
  return { info, settings: settingsOf(info.config), layout, points };
}

export async function lookIfThere(
  control: ClusterControl,
  ref: CollectionRef,
  signal?: AbortSignal,
): Promise<Look | undefined> {
  try {
    return await lookAt(control, ref, signal);
  } catch (error) {
    if (error instanceof FerryError && error.code === 'CollectionNotFound') return undefined;
    throw error;
  }
}

function refuseMovingShards(ref: CollectionRef, layout: Layout): void {
  const context = { ...ref };
  const moving = layout.transfers + layout.resharding;
  if (moving > 0) {
    const happened = `Shards of "${ref.collection}" on "${ref.cluster}" are being moved (${moving} under way)`;
    throw new FerryError('ReshardingInProgress', happened, { context });
  }
  const silent = layout.shards.find((shard) => !shard.replicas.some((one) => one.state === 'Active'));
  if (silent) {
    const states = silent.replicas.map((one) => one.state).join(', ');
    const happened = `Shard ${silent.id} of "${ref.collection}" on "${ref.cluster}" has no Active replica (${states})`;
    throw new FerryError('ReplicaNotActive', happened, { context });
  }
}

export interface KeyShards {
  key: ShardKey;
  shards: Shard[];
}

/** Custom shard keys in the order they were created. */
export function shardKeysOf(layout: Layout): KeyShards[] {
  const keys = new Map<string, KeyShards>();
  for (const shard of layout.shards) {
    if (shard.key === undefined) continue;
    const name = keyName(shard.key);
    const known = keys.get(name) ?? { key: shard.key, shards: [] };
    known.shards.push(shard);
    keys.set(name, known);
  }
  return [...keys.values()];
}

/** Tells the keyword "7" from the number 7. */
export function keyName(key: ShardKey): string {
  return 'keyword' in key ? JSON.stringify(key.keyword) : shardKeyText(key);
}

/** A scroll over several shards makes each of them read the whole limit; inside one shard it is the fastest way. */
export function readPlanOf({ settings, layout }: Look): ReadPlan {
  const keys = shardKeysOf(layout);
  const groups = keys.length > 0 ? keys.map((one) => one.shards.length) : [layout.shards.length];
  const mode = groups.every((shards) => shards <= 1) ? 'scroll' : 'idsFirst';
  const maxPoints = strictLimit(settings, 'max_query_limit');
  return maxPoints === undefined ? { mode } : { mode, maxPoints };
}

export function strictLimit(settings: JsonObject, name: string): number | undefined {
  const strict = settings.strict_mode_config ?? null;
  const isOn =
    typeof strict === 'object' && strict !== null && 'enabled' in strict && strict.enabled === true;
  return isOn ? numberAt(strict, name) : undefined;
}
