// Names every setting, payload index and shard key of the target that is not as the source and the job's overrides want
// it. Our stamp does not count. Reads only; what is still held back is a difference.

import type {
  CompareConfigurationsInput,
  CompareConfigurationsResult,
} from '../model/contracts/activities.js';
import {
  removedPaths,
  settingsOf,
  wholeSettings,
  withOverrides,
} from '../model/settings/collection-settings.js';
import type { JsonObject } from '../model/json.js';
import {
  indexDifferences,
  lastingDefaults,
  lastingPaths,
  settingDifferences,
} from '../model/settings/settings-difference.js';
import type { Controls, Layout } from '../cluster/control-port.js';
import { keyName, shardKeysOf } from '../cluster/look.js';

const MOST = 20;

export async function compareConfigurations(
  controls: Controls,
  input: CompareConfigurationsInput,
  signal?: AbortSignal,
): Promise<CompareConfigurationsResult> {
  const [from, to] = await Promise.all(
    [input.source, input.target].map(async ({ cluster, collection }) => {
      const control = controls.of(cluster);
      const info = await control.info(collection, signal);
      return { info, settings: settingsOf(info.config), layout: await control.layout(collection, signal) };
    }),
  );
  if (!from || !to) return { differences: [] };
  const wanted = withOverrides(wholeSettings(from.info.config), input.overrides);
  const notes = lastingDefaults(wanted, to.settings);
  const differences = [
    ...differencesOf(wanted, to.settings, removedPaths(input.overrides)),
    ...indexDifferences(from.info.payloadSchema, to.info.payloadSchema),
    ...keyDifferences(from.layout, to.layout, input.overrides?.shard_number !== undefined),
  ];
  return { differences: atMost(differences), ...(notes.length === 0 ? {} : { notes }) };
}

/** What only a node's defaults have set, and no request can unset, is a note and no difference. */
export function differencesOf(
  wanted: JsonObject,
  actual: JsonObject,
  ignored: readonly string[] = [],
): string[] {
  const lasting = lastingPaths(wanted, actual);
  return settingDifferences(wanted, actual, [...ignored, ...lasting]);
}

export function atMost(differences: string[]): string[] {
  if (differences.length <= MOST) return differences;
  const more = differences.length - (MOST - 1);
  return [...differences.slice(0, MOST - 1), `and ${more} more settings differ`];
}

function keyDifferences(from: Layout, to: Layout, isShardNumberOverridden: boolean): string[] {
  const [left, right] = [from, to].map(
    (layout) => new Map(shardKeysOf(layout).map(({ key, shards }) => [keyName(key), shards.length])),
  ) as [Map<string, number>, Map<string, number>];
  return [...new Set([...left.keys(), ...right.keys()])].sort().flatMap((key) => {
    const [expected, actual] = [left.get(key), right.get(key)];
    if (actual === undefined) return [`shard key ${key} is missing on the target`];
    if (expected === undefined) return [`shard key ${key} is only on the target`];
    if (expected === actual || isShardNumberOverridden) return [];
    return [`shard key ${key} has ${actual} shards on the target, ${expected} were expected`];
  });
}
