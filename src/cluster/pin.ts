// What was behind an alias when a job was planned, and the check that it still is. Promises to notice another cluster
// (by its peer ids; a node without clustering has one too) and another collection of the same name: by the creation id
// in its stamp, by Qdrant's own id where it gives one, and by its shape. Two collections of one shape that have neither id
// are alike to it: mark-collection.ts gives a collection the first of them.

import { createHash } from 'node:crypto';
import type { CollectionRef, Pin } from '../model/collections.js';
import { bitsOf, settingsOf, vectorsOf, type CollectionInfo } from '../model/settings/collection-settings.js';
import { FerryError } from '../model/errors.js';
import { canonicalJson, objectAt, type JsonObject } from '../model/json.js';
import { stampOf, workIn } from '../model/stamp.js';
import type { ClusterControl, Controls } from './control-port.js';
import type { CheckPin } from './points-port.js';

const FIELDS = ['size', 'distance', 'datatype', 'multivector_config'] as const;

/** Hash of what cannot change in a living collection. */
export function shapeOf(config: JsonObject): string {
  const settings = settingsOf(config);
  const vectors = Object.entries(vectorsOf(settings)).map(([name, vector]): [string, string] => [
    name,
    FIELDS.map((field) => bitsOf(vector, field)).join(' '),
  ]);
  const shape = canonicalJson({
    vectors: Object.fromEntries(vectors),
    sparse: Object.keys(objectAt(settings.sparse_vectors)).sort(),
    sharding: settings.sharding_method ?? 'auto',
  });
  return createHash('sha256').update(shape).digest('hex').slice(0, 32);
}

export async function takePin(
  control: ClusterControl,
  collection: string,
  info: CollectionInfo,
  signal?: AbortSignal,
): Promise<Pin> {
  const [version, peers, identity] = await Promise.all([
    control.version(signal),
    control.peers(signal),
    control.identity(collection, signal),
  ]);
  const creation = stampOf(info.config)?.creation;
  const uuid = creation === undefined ? await control.collectionUuid(collection, signal) : undefined;
  return {
    version,
    peers,
    identity,
    shape: shapeOf(info.config),
    ...(creation === undefined ? {} : { creation }),
    ...(uuid === undefined ? {} : { uuid }),
  };
}

/** The pin of a target that this job fills: it breaks when another job takes the target over. */
export function withJob(pin: Pin, job: string): Pin {
  return { ...pin, job };
}

export function createCheckPin(controls: Controls): CheckPin {
  return async (cluster, collection, pin, signal) => {
    const control = controls.of(cluster);
    const ref = { cluster, collection };
    const info = await infoOrChanged(control, ref, signal);
    const now = await takePin(control, collection, info, signal);
    requireSameCluster(ref, pin, now);
    requireSameCollection(ref, pin, now);
    requireSameJob(ref, pin, workIn(info.config)?.job);
  };
}

/** Work that counts only if the pins held before it and still hold after it: what it read is then of one collection. */
export async function betweenChecks<T>(check: () => Promise<void>, work: () => Promise<T>): Promise<T> {
  await check();
  try {
    const result = await work();
    await check();
    return result;
  } catch (error) {
    // A collection that is gone has been replaced, or is about to be.
    if (error instanceof FerryError && error.code === 'CollectionNotFound') await check();
    throw error;
  }
}

/** True where the two have a peer in common. Unknown identities are not the same. */
export function sharesPeer(one: readonly string[], other: readonly string[]): boolean {
  return one.some((peer) => other.includes(peer));
}

function requireSameCluster(ref: CollectionRef, pinned: Pin, now: Pin): void {
  if (pinned.identity.length === 0 && now.identity.length === 0) {
    if (pinned.version === now.version) return;
    throw changed('ClusterChanged', ref, `it was Qdrant ${pinned.version} and is now ${now.version}`);
  }
  if (sharesPeer(pinned.identity, now.identity)) return;
  const [was, is] = [pinned.identity, now.identity].map((peers) => peers.join(', ') || 'unknown');
  throw changed(
    'ClusterChanged',
    ref,
    `the alias led to the cluster of peer ${was}, and now leads to peer ${is}`,
  );
}

function requireSameCollection(ref: CollectionRef, pinned: Pin, now: Pin): void {
  if (pinned.creation !== undefined && pinned.creation !== now.creation)
    throw changed('CollectionChanged', ref, 'it was deleted and created again');
  if (pinned.uuid !== undefined && now.uuid !== undefined && pinned.uuid !== now.uuid)
    throw changed('CollectionChanged', ref, 'it was deleted and created again');
  if (pinned.shape !== now.shape)
    throw changed('CollectionChanged', ref, 'its vectors or its sharding method are different now');
}

/** A job of another Temporal is held back by no workflow id. Who took the target over may have closed it since. */
function requireSameJob(ref: CollectionRef, { job }: Pin, now: string | undefined): void {
  if (job === undefined || job === now) return;
  throw changed('CollectionChanged', ref, `the job ${now ?? '(unknown)'} has taken it over`);
}

/** Checked right before a collection is deleted and created again. Absent: it could not be marked. */
export function requireCreation(ref: CollectionRef, planned: string | undefined, config: JsonObject): void {
  if (stampOf(config)?.creation === planned) return;
  const happened = `"${ref.collection}" on "${ref.cluster}" was deleted and created again since this job was planned`;
  throw new FerryError('CollectionChanged', happened, { context: { ...ref } });
}

async function infoOrChanged(
  control: ClusterControl,
  ref: CollectionRef,
  signal?: AbortSignal,
): Promise<CollectionInfo> {
  try {
    return await control.info(ref.collection, signal);
  } catch (error) {
    if (error instanceof FerryError && error.code === 'CollectionNotFound') {
      throw changed('CollectionChanged', ref, 'it no longer exists');
    }
    throw error;
  }
}

function changed(code: 'ClusterChanged' | 'CollectionChanged', ref: CollectionRef, how: string): FerryError {
  const happened = `"${ref.collection}" on "${ref.cluster}" is not what this job was planned for: ${how}`;
  return new FerryError(code, happened, { context: { ...ref } });
}
