// The last operation of each shard, read from the very replicas that are captured. Equal answers at two moments mean that
// no point was written between them, whatever the optimizers did, if none of them was at work at either moment: points
// that were deleted and written again are seen by this, and by no digest and no count.

import { createHash } from 'node:crypto';
import type { ReadOperationsInput, ReadOperationsResult } from '../model/contracts/backup-activities.js';
import type { SnapshotNodes } from './snapshots-port.js';
import { wantedShard } from './shard-layout.js';

export async function readOperations(
  nodes: SnapshotNodes,
  { cluster, collection, shards }: Pick<ReadOperationsInput, 'cluster' | 'collection' | 'shards'>,
  signal: AbortSignal,
): Promise<ReadOperationsResult> {
  const hash = createHash('sha256');
  for (const shard of shards) {
    const node = await nodes.holding(cluster, wantedShard(collection, shard), signal);
    try {
      const operation = await node.lastOperation({ collection, shard: shard.id }, signal);
      if (operation === undefined) return {};
      hash.update(`${shard.id} ${node.peer ?? ''} ${operation}\n`);
    } finally {
      await node.close().catch(() => undefined);
    }
  }
  return { operations: hash.digest('hex').slice(0, 32) };
}
