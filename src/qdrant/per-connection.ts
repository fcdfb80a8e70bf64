// What is made once for a cluster and kept: one a connection. When ferry.yaml, or a file that it names, gives the cluster
// another connection (another key, another address), whoever asks next gets another one; who holds the old one keeps it.

import type { ClusterConnection } from '../model/cluster.js';
import { requireCluster } from '../model/ferry-config.js';

/** `clusters` may change under it: it is asked anew each time. */
export function onePerConnection<T>(
  clusters: Readonly<Record<string, ClusterConnection>>,
  make: (connection: ClusterConnection) => T,
): (alias: string) => T {
  const made = new Map<string, { connection: ClusterConnection; one: T }>();
  return (alias) => {
    const connection = requireCluster({ clusters }, alias);
    const kept = made.get(alias);
    if (kept?.connection === connection) return kept.one;
    const one = make(connection);
    made.set(alias, { connection, one });
    return one;
  };
}
