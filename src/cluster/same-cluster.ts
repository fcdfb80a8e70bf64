// Whether two aliases of ferry.yaml lead to one cluster: a copy onto itself, or a `recreate` of the source, must be
// noticed whatever the addresses are. Peer ids decide; where a cluster does not give them, the process id; where that is
// refused too and the job would delete, a collection with a random name is created on the target and looked for on the
// source. Two clusters that were cloned from one storage share their peer ids, and count as one.

import { randomUUID } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import { parseJson, type JsonObject } from '../model/json.js';
import type { ClusterControl } from './control-port.js';
import { sharesPeer } from './pin.js';

export type Sameness = 'same' | 'different' | 'unknown';

/** Writes nothing. */
export async function compareClusters(
  one: ClusterControl,
  other: ClusterControl,
  signal?: AbortSignal,
): Promise<Sameness> {
  if (one.alias === other.alias) return 'same';
  if (one.nodeUrls.some((url) => other.nodeUrls.includes(url))) return 'same';
  const [here, there] = await Promise.all([identityOf(one, signal), identityOf(other, signal)]);
  if (here.length > 0 && there.length > 0) return sharesPeer(here, there) ? 'same' : 'different';
  const [id, otherId] = await Promise.all([one.processId(signal), other.processId(signal)]);
  if (id === undefined || otherId === undefined) return 'unknown';
  return id === otherId ? 'same' : 'different';
}

/** For a job that deletes or overwrites on the target: finds out, or throws `IdentityUnknown`. */
export async function requireKnownCluster(
  source: ClusterControl,
  target: ClusterControl,
  signal?: AbortSignal,
): Promise<'same' | 'different'> {
  const found = await compareClusters(source, target, signal);
  return found === 'unknown' ? compareByNonce(source, target, signal) : found;
}

const EMPTY_COLLECTION = parseJson('{"vectors":{}}') as JsonObject;

async function compareByNonce(
  source: ClusterControl,
  target: ClusterControl,
  signal?: AbortSignal,
): Promise<'same' | 'different'> {
  const nonce = `ferry-identity-${randomUUID()}`;
  try {
    await target.create(nonce, EMPTY_COLLECTION, signal);
  } catch (error) {
    throw unknown(source, target, error);
  }
  try {
    const isThere = (await source.collections(signal)).includes(nonce);
    return isThere ? 'same' : 'different';
  } finally {
    await target.remove(nonce);
  }
}

function unknown(source: ClusterControl, target: ClusterControl, cause: unknown): unknown {
  if (!(cause instanceof FerryError) || cause.retryable) return cause;
  const happened =
    `It cannot be established whether "${source.alias}" and "${target.alias}" are one cluster ` +
    `(no peer id, no process id, and no collection could be created to find out: ${cause.happened})`;
  return new FerryError('IdentityUnknown', happened, { cause, context: { cluster: target.alias } });
}

/** Empty where a proxy in front of the cluster refuses the request. */
async function identityOf(cluster: ClusterControl, signal?: AbortSignal): Promise<string[]> {
  try {
    return await cluster.identity(undefined, signal);
  } catch (error) {
    if (error instanceof FerryError && !error.retryable) return [];
    throw error;
  }
}
