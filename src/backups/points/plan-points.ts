// What a backup by points reads: the slices of the collection, and for an increment the backup that it continues. Promises
// that a base is the newest complete backup that can be continued (points, or snapshots with their digest index) of this very
// collection: of the same cluster, the same creation, the same vectors, the same shards where there are snapshots. A chain
// ends when it is long enough, or its increments hold half as much as its full backup. Where there is nothing to continue,
// the backup is a full one and says why. The slices of an increment are those of its base.

import type {
  Detection,
  PlanPointsInput,
  PlanPointsResult,
} from '../../model/contracts/point-backup-activities.js';
import { reencodedVectors } from '../../model/settings/collection-settings.js';
import { objectAt, parseJson } from '../../model/json.js';
import { storedBytes, type CollectionManifest } from '../../model/format/manifest.js';
import { sliceOf, type Slice } from '../../model/state/slice.js';
import type { ClusterControl, Layout } from '../../cluster/control-port.js';
import { keyName, shardKeysOf } from '../../cluster/look.js';
import type { IdReader } from '../../cluster/points-port.js';
import { shapeOf } from '../../cluster/pin.js';
import { placeName, placesIn } from '../../cluster/shard-places.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { isUsable, readBackup, type FoundManifest } from '../read-backup.js';
import { Runs } from '../runs.js';
import { slicesOf, type Chain } from './chain.js';
import { detectionFor, trustedDetection } from './detection.js';

/** Backups of other forms, or that cannot be continued, that are looked at before a full one is taken. */
const LOOKED_AT = 50;
const BY_DIGEST: Detection = {
  detect: 'digest',
  field: '',
  fieldUnit: 'auto',
  overlapSeconds: 0,
  digestEveryHours: 0,
};

export interface PlanPointsDeps {
  store: ObjectStore;
  control: ClusterControl;
  /** Of the cluster. */
  ids: IdReader;
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
  if (!input.increment) return { detect: 'all', slices: await drawSlices(), notes: inexact };
  const chain = await newestChain(store, input, signal, now);
  const layout = await deps.control.layout(input.collection, signal);
  const why = chain === undefined ? 'there is none yet to continue' : whyNot(chain, input, layout);
  if (chain === undefined || why !== undefined) {
    return { detect: 'all', slices: await drawSlices(), notes: [`A full backup: ${why}.`, ...inexact] };
  }
  const [{ manifest, sha256 }, ...bases] = chain;
  const { cluster, backup, collection } = manifest;
  const links = [manifest, ...bases.map((one) => one.manifest)] as const;
  const asked = { ...BY_DIGEST, ...input.detection };
  const { detection, notes: unmarked } = trustedDetection(asked, manifest, input.pin);
  const { notes, ...found } = await detectionFor(deps, detection, links, { signal, now });
  return {
    ...found,
    base: { cluster, backup, collection, manifestSha256: sha256 },
    slices: await slicesAfter(manifest, input, deps, signal),
    notes: [...inexact, ...unmarked, ...notes],
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

/** Of the newest complete backup under this alias that can be continued, whatever it is of. */
async function newestChain(
  store: ObjectStore,
  { cluster, collection, backup: own }: PlanPointsInput,
  signal: AbortSignal,
  now: Date,
): Promise<Chain | undefined> {
  const head = (key: string) => store.head(key);
  const runs = new Runs(store, cluster, { now, signal });
  let looked = 0;
  for await (const { backup } of runs.newest()) {
    if (backup === own) continue;
    if ((looked += 1) > LOOKED_AT) return undefined;
    const read = await readBackup(store, { cluster, backup, collection }, { head, signal });
    if (isUsable(read) && read.state === 'complete' && slicesOf(read.found.manifest).length > 0)
      return [read.found, ...read.bases];
  }
  return undefined;
}

function whyNot(chain: Chain, { pin, maxLinks }: PlanPointsInput, layout: Layout): string | undefined {
  const { backup, clusterIdentity, creation, info } = chain[0].manifest;
  const isSameCluster = clusterIdentity.some((peer) => pin.identity.includes(peer));
  if (!isSameCluster) return `the newest one, ${backup}, is not known to be of this cluster`;
  // Where one of them is not marked, the digests alone tell what is the same: they cannot be wrong, only all different.
  if (creation !== undefined && pin.creation !== undefined && creation !== pin.creation)
    return `the newest one, ${backup}, is of another collection of this name`;
  if (shapeOf(objectAt(parseJson(info), 'config')) !== pin.shape)
    return `the vectors of the collection are not those of ${backup}`;
  const full = (chain.at(-1) as FoundManifest).manifest;
  if (full.shards.length > 0 && !hasPlaces(layout, full))
    return `the shards of the collection are not those of ${full.backup}`;
  if (chain.length > maxLinks) return `the chain of ${backup} has ${chain.length} links`;
  const bytes = chain.slice(0, -1).reduce((sum, { manifest }) => sum + storedBytes(manifest), 0);
  if (bytes > storedBytes(full) / 2)
    return `the increments since ${full.backup} hold more than half as much as it does`;
  return undefined;
}

/** A snapshot of a shard fits only its like. */
function hasPlaces(layout: Layout, { shards }: CollectionManifest): boolean {
  const places = placesIn(layout.shards);
  return places.size === shards.length && shards.every((shard) => places.has(placeName(shard)));
}

async function slicesAfter(
  manifest: CollectionManifest,
  { collection }: PlanPointsInput,
  { control, drawSlices }: PlanPointsDeps,
  signal: AbortSignal,
): Promise<Slice[]> {
  const known = slicesOf(manifest).map(sliceOf);
  if (manifest.sharding !== 'custom') return known;
  const name = ({ shardKey }: Slice) => (shardKey === undefined ? '' : keyName(shardKey));
  const before = new Set(known.map(name));
  const now = shardKeysOf(await control.layout(collection, signal)).map(({ key }) => keyName(key));
  const kept = known.filter((slice) => now.includes(name(slice)));
  if (now.every((key) => before.has(key))) return kept;
  const added = (await drawSlices()).filter((slice) => !before.has(name(slice)));
  return [...kept, ...added];
}
