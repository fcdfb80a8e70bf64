// Whether two aliases of ferry.yaml lead to one cluster: a copy onto itself, or a `recreate` of the source, must be
// noticed whatever the addresses say. Promises no false alarm; two load balancers before standalone nodes can hide it.

import type { ClusterControl } from './control-port.js';
import { sharesPeer } from './pin.js';

export async function isSameCluster(
  one: ClusterControl,
  other: ClusterControl,
  signal?: AbortSignal,
): Promise<boolean> {
  if (one.alias === other.alias) return true;
  if (one.nodeUrls.some((url) => other.nodeUrls.includes(url))) return true;
  const [here, there] = await Promise.all([
    one.identity(undefined, signal),
    other.identity(undefined, signal),
  ]);
  if (here.length > 0 && there.length > 0) return sharesPeer(here, there);
  const [id, otherId] = await Promise.all([one.processId(signal), other.processId(signal)]);
  return id !== undefined && id === otherId;
}
