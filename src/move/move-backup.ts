// Of a backup that was taken on the way: which of its shards goes into which of the target, and how.

import { FerryError } from '../model/errors.js';
import type { PlaceBackupInput, PlaceBackupResult } from '../model/contracts/move-activities.js';
import { placeName, replicasOf } from '../cluster/shard-places.js';
import { wayFor, type RecoverySource } from '../shards/recoverable-collection.js';

export async function placeBackup(
  source: RecoverySource,
  { from, via, shards }: PlaceBackupInput,
  signal: AbortSignal,
): Promise<PlaceBackupResult> {
  const backup = await source.open(from, signal);
  const places = new Map(shards.map((one) => [placeName(one.shard), one]));
  const placed = backup.shards.flatMap((shard, position) => {
    const place = places.get(placeName(shard));
    if (place === undefined) throw changed(from.collection);
    return replicasOf(position, place);
  });
  if (backup.shards.length !== shards.length) throw changed(from.collection);
  return { manifestSha256: backup.sha256, ...(await wayFor(backup, via)), shards: placed };
}

function changed(collection: string): FerryError {
  const happened = `The shards of "${collection}" have changed since this job was planned`;
  return new FerryError('ClusterChanged', happened, { context: { collection } });
}
