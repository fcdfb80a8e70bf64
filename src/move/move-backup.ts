// Of a backup that was taken on the way: which of its shards goes into which of the target, and how.

import { FerryError } from '../model/errors.js';
import type { PlaceBackupInput, PlaceBackupResult } from '../model/contracts/move-activities.js';
import { placeName, replicasOf } from './move-places.js';
import { readManifest } from '../backups/recover/recover-manifest.js';
import { wayFor } from '../backups/recover/recover-plan.js';
import type { Stores } from '../shards/recover-ports.js';

export async function placeBackup(
  stores: Stores,
  { from, via, shards }: PlaceBackupInput,
  signal: AbortSignal,
): Promise<PlaceBackupResult> {
  const store = stores.open(from.store);
  const { manifest, sha256 } = await readManifest(store, from, signal);
  const places = new Map(shards.map((one) => [placeName(one.shard), one]));
  const placed = manifest.shards.flatMap((shard, position) => {
    const place = places.get(placeName(shard));
    if (place === undefined) throw changed(from.collection);
    return replicasOf(position, place);
  });
  if (manifest.shards.length !== shards.length) throw changed(from.collection);
  return { manifestSha256: sha256, ...(await wayFor(store, via, manifest)), shards: placed };
}

function changed(collection: string): FerryError {
  const happened = `The shards of "${collection}" are others than when this job was planned`;
  return new FerryError('ClusterChanged', happened, { context: { collection } });
}
