// Whether two aliases of ferry.yaml lead to one cluster: a copy onto itself, or a `recreate` of the source, must be
// noticed whatever the addresses say. Promises no false alarm; two load balancers before standalone nodes can hide it.

import type { ClusterControl } from './control-port.js';

export async function isSameCluster(
  one: ClusterControl,
  other: ClusterControl,
  signal?: AbortSignal,
): Promise<boolean> {
  if (one.alias === other.alias) return true;
  if (one.nodeUrls.some((url) => other.nodeUrls.includes(url))) return true;
  const [peers, otherPeers] = await Promise.all([one.peers(signal), other.peers(signal)]);
  if (peers.length > 0 || otherPeers.length > 0) return peers.some((peer) => otherPeers.includes(peer));
  const [id, otherId] = await Promise.all([one.processId(signal), other.processId(signal)]);
  return id !== undefined && id === otherId;
}
