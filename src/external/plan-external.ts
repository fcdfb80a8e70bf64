// The plan of a recovery from snapshots that ferry did not make: the same checks before the target is touched, as far as
// there is something to check by. There is no manifest, no hash and no proof; the version is checked where it can be
// known; every byte is read first with `precheck: full`, or before anything is replaced.

import { FerryError } from '../model/errors.js';
import type { PlanRecoveryInput, RecoveryPlan } from '../model/contracts/recovery-activities.js';
import { parseJson } from '../model/json.js';
import type { CollectionManifest } from '../model/format/manifest.js';
import type { ClusterControl, Controls } from '../cluster/control-port.js';
import { oldestQdrant } from './external-collection.js';
import { readThrough } from './external-files.js';
import {
  placeFor,
  refuseLongName,
  refuseWithoutKeys,
  type PlanningHooks,
} from '../backups/recover/recover-plan.js';
import type { Stores } from '../shards/recover-ports.js';
import { settingsIn } from '../backups/recover/recover-settings.js';
import { openExternal } from '../backups/recover/recover-source.js';
import { requireNotOlder, requireReadable } from '../model/qdrant-version.js';

export async function planExternal(
  controls: Controls,
  stores: Stores,
  input: PlanRecoveryInput,
  hooks: PlanningHooks,
): Promise<RecoveryPlan> {
  const { from, onExisting, precheck } = input;
  const target = controls.of(input.target.cluster);
  refusePull(input);
  const source = await openExternal(stores, from, hooks.signal);
  const { manifest, sha256 } = source;
  settingsIn(manifest);
  await refuseUnfit(target, manifest, hooks.signal);
  const { notes: leftovers = [], ...written } = await placeFor(target, input, hooks);
  await refuseLongName(target, input, written.writes, manifest, hooks.signal);
  await source.walkSegments(hooks.signal);
  if (precheck === 'full' || (onExisting === 'replace' && written.exists)) {
    await readEverything(stores, input, hooks);
  }
  return {
    manifestSha256: sha256,
    ...written,
    ...{ via: 'push', mayPush: true, points: 0, isUncounted: true, hasRecall: false },
    bytes: manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0),
    shards: manifest.shards.length,
    notes: [...leftovers, ...manifest.notes, ...unknownVersion(manifest)].slice(0, 10),
  };
}

function refusePull({ via, from }: PlanRecoveryInput): void {
  if (via !== 'pull') return;
  const happened = `The shards of "${from.collection}" are taken out of the snapshot files while they are sent, so no node can pull them`;
  throw new FerryError('InvalidInput', `${happened}: say \`via: "push"\` or \`"auto"\``);
}

async function refuseUnfit(
  target: ClusterControl,
  manifest: CollectionManifest,
  signal: AbortSignal,
): Promise<void> {
  const version = await target.version(signal);
  if (manifest.qdrantVersion !== '') requireReadable(manifest.qdrantVersion, version, target.alias);
  const oldest = oldestQdrant(parseJson(manifest.info));
  if (oldest !== undefined) requireNotOlder(oldest, version, target.alias);
  await refuseWithoutKeys(target, manifest, signal);
}

async function readEverything(
  { external: room }: Stores,
  { from }: PlanRecoveryInput,
  hooks: PlanningHooks,
): Promise<void> {
  const { external } = from;
  if (!room || !external) return;
  const where = { isUrl: external.isUrl ?? false, store: from.store };
  const files = new Map(external.files.map(({ path, etag, bytes }) => [path, { path, etag, bytes }]));
  for (const file of files.values()) await readThrough(room, where, file, hooks);
}

function unknownVersion({ qdrantVersion }: CollectionManifest): string[] {
  if (qdrantVersion !== '') return [];
  return ['Which Qdrant made the snapshot is not known; `qdrantVersion` in `from` has it checked.'];
}
