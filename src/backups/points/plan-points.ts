// What a backup by points reads: the slices of the collection, and for an increment the backup that it continues. Promises
// that a base is the newest complete backup by points of this very collection: of the same cluster, the same creation, the
// same vectors, and not at the end of a chain that is long enough. Where there is none, the backup is a full one and says
// why. The slices of an increment are those of its base.

import type { PlanPointsInput, PlanPointsResult } from '../../model/contracts/point-backup-activities.js';
import { reencodedVectors } from '../../model/settings/collection-settings.js';
import { objectAt, parseJson } from '../../model/json.js';
import type { CollectionManifest } from '../../model/format/manifest.js';
import { sliceOf, type Slice } from '../../model/state/slice.js';
import type { ClusterControl } from '../../cluster/control-port.js';
import { keyName, shardKeysOf } from '../../cluster/look.js';
import { shapeOf } from '../../cluster/pin.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { isUsable, readBackup, type FoundManifest } from '../read-backup.js';
import { Runs } from '../runs.js';
import { openChain } from './chain.js';

/** Backups of other forms, or that cannot be continued, that are looked at before a full one is taken. */
const LOOKED_AT = 50;

export interface PlanPointsDeps {
  store: ObjectStore;
  control: ClusterControl;
  /** Slices of the collection as it is, with every shard key. */
  drawSlices(): Promise<Slice[]>;
}

export async function planPoints(
  deps: PlanPointsDeps,
  input: PlanPointsInput,
  signal: AbortSignal,
  now = new Date(),
): Promise<PlanPointsResult> {
  const { store, drawSlices } = deps;
  const inexact = await inexactVectors(deps, input, signal);
  if (!input.increment) return { slices: await drawSlices(), notes: inexact };
  const found = await newestOwn(store, input, signal, now);
  const why = found === undefined ? 'there is none by points yet' : await whyNot(store, found, input, signal);
  if (found === undefined || why !== undefined) {
    return { slices: await drawSlices(), notes: [`A full backup: ${why}.`, ...inexact] };
  }
  const { cluster, backup, collection } = found.manifest;
  return {
    base: { cluster, backup, collection, manifestSha256: found.sha256 },
    slices: await slicesAfter(found.manifest, input, deps, signal),
    notes: inexact,
  };
}

/** A write normalises them again, so what is recovered may have other bits than what was stored. */
async function inexactVectors(
  { control }: PlanPointsDeps,
  { collection }: PlanPointsInput,
  signal: AbortSignal,
): Promise<string[]> {
  const names = [...reencodedVectors((await control.info(collection, signal)).config)];
  if (names.length === 0) return [];
  const which = names.map((name) => (name === '' ? 'the unnamed vector' : `"${name}"`)).join(', ');
  return [
    `Qdrant may encode ${which} differently when the points are written back: a recovery that finds other bits ends as different. Backups with \`format: "snapshot"\` are exact.`,
  ];
}

/** The newest complete backup by points of this collection under this alias, whatever it is of. */
async function newestOwn(
  store: ObjectStore,
  { cluster, collection, backup: own }: PlanPointsInput,
  signal: AbortSignal,
  now: Date,
): Promise<FoundManifest | undefined> {
  const head = (key: string) => store.head(key);
  const runs = new Runs(store, cluster, { now, signal });
  let looked = 0;
  for await (const { backup } of runs.newest()) {
    if (backup === own) continue;
    if ((looked += 1) > LOOKED_AT) return undefined;
    const read = await readBackup(store, { cluster, backup, collection }, { head, signal });
    if (isUsable(read) && read.state === 'complete' && read.found.manifest.capture.method === 'points') {
      return read.found;
    }
  }
  return undefined;
}

async function whyNot(
  store: ObjectStore,
  { manifest }: FoundManifest,
  { pin, maxLinks }: PlanPointsInput,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { backup, clusterIdentity, creation } = manifest;
  const isSameCluster = clusterIdentity.some((peer) => pin.identity.includes(peer));
  if (!isSameCluster) return `the newest one, ${backup}, is not known to be of this cluster`;
  // Where one of them is not marked, the digests alone tell what is the same: they cannot be wrong, only all different.
  if (creation !== undefined && pin.creation !== undefined && creation !== pin.creation)
    return `the newest one, ${backup}, is of another collection of this name`;
  if (shapeOf(objectAt(parseJson(manifest.info), 'config')) !== pin.shape)
    return `the vectors of the collection are not those of ${backup}`;
  const chain = await openChain(store, manifest, signal).catch(() => undefined);
  if (chain === undefined) return `a backup that ${backup} needs is missing or damaged`;
  if (chain.length > maxLinks) return `the chain of ${backup} has ${chain.length} links`;
  return undefined;
}

async function slicesAfter(
  { slices = [], sharding }: CollectionManifest,
  { collection }: PlanPointsInput,
  { control, drawSlices }: PlanPointsDeps,
  signal: AbortSignal,
): Promise<Slice[]> {
  const known = slices.map(sliceOf);
  if (sharding !== 'custom') return known;
  const name = ({ shardKey }: Slice) => (shardKey === undefined ? '' : keyName(shardKey));
  const before = new Set(known.map(name));
  const now = shardKeysOf(await control.layout(collection, signal)).map(({ key }) => keyName(key));
  const kept = known.filter((slice) => now.includes(name(slice)));
  if (now.every((key) => before.has(key))) return kept;
  const added = (await drawSlices()).filter((slice) => !before.has(name(slice)));
  return [...kept, ...added];
}
