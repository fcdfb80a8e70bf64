// What was behind an alias when a job was planned, and the check that it still is. Promises to notice another cluster
// (by its peers, or by its version where it has none) and another collection of the same name (by its shape). Does not
// notice a standalone node of the same version that holds a collection of the same shape.

import { createHash } from 'node:crypto';
import type { CollectionRef, Pin } from '../model/collections.js';
import { bitsOf, settingsOf, vectorsOf, type CollectionInfo } from '../model/collection-settings.js';
import { FerryError } from '../model/errors.js';
import { canonicalJson, objectAt, type JsonObject } from '../model/json.js';
import type { ClusterControl, Controls } from './control-port.js';
import type { CheckPin } from './ports.js';

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
  info: CollectionInfo,
  signal?: AbortSignal,
): Promise<Pin> {
  const [version, peers] = await Promise.all([control.version(signal), control.peers(signal)]);
  return { version, peers, shape: shapeOf(info.config) };
}

export function createCheckPin(controls: Controls): CheckPin {
  return async (cluster, collection, pin, signal) => {
    const control = controls.of(cluster);
    const ref = { cluster, collection };
    const now = await takePin(control, await infoOrChanged(control, ref, signal), signal);
    const change = changeBetween(pin, now);
    if (change) throw changed(ref, change);
  };
}

function changeBetween(pinned: Pin, now: Pin): string | undefined {
  if (pinned.peers.length > 0 || now.peers.length > 0) {
    const stayed = pinned.peers.some((peer) => now.peers.includes(peer));
    if (!stayed) return 'none of the peers it had is there any more';
  } else if (pinned.version !== now.version) {
    return `it was Qdrant ${pinned.version} and is now ${now.version}`;
  }
  return pinned.shape === now.shape ? undefined : 'its vectors or its sharding method are others now';
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
      throw changed(ref, 'the collection no longer exists');
    }
    throw error;
  }
}

function changed(ref: CollectionRef, how: string): FerryError {
  const happened = `"${ref.collection}" on "${ref.cluster}" is not what this job was planned for: ${how}`;
  return new FerryError('ClusterChanged', happened, { context: { ...ref } });
}
