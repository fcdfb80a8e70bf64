// What is really meant by a name: behind an alias stands a collection, and only that one has snapshots and a lock.

import { FerryError } from '../model/errors.js';
import type { SnapshotScope } from '../model/contracts/snapshot-activities.js';
import type { Controls } from '../cluster/control-port.js';

/** With the collection's own name. */
export async function scopeBehind(
  controls: Controls,
  cluster: string,
  { collection, shard }: SnapshotScope,
  signal: AbortSignal,
): Promise<SnapshotScope> {
  if (collection === undefined) return {};
  const real = (await collectionBehind(controls, cluster, collection, signal)) ?? collection;
  return shard === undefined ? { collection: real } : { collection: real, shard };
}

/** Undefined when it is no alias. */
export async function collectionBehind(
  controls: Controls,
  cluster: string,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const aliases = await controls.of(cluster).aliases(signal);
  return aliases.find(({ alias }) => alias === name)?.collection;
}

export async function requireOwnName(
  controls: Controls,
  cluster: string,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const real = await collectionBehind(controls, cluster, name, signal);
  if (real === undefined) return;
  const happened = `"${name}" is an alias of "${real}" on "${cluster}"; a snapshot is recovered into a collection by its own name`;
  throw new FerryError('NameTakenByAlias', happened, { context: { cluster, collection: real } });
}
