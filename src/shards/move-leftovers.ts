// What a move that failed may have left on the source's nodes: a file whose attempt nobody came back for. Found by its
// time, and only named: it may be somebody else's.

import type {
  FindLeftoverSnapshotsInput,
  FindLeftoverSnapshotsResult,
} from '../model/contracts/move-activities.js';
import { filesOn } from './node-file.js';
import { wantedShard } from '../cluster/shard-layout.js';
import type { SnapshotNode, SnapshotNodes } from '../cluster/snapshots-port.js';

const MOST_NAMED = 10;

export async function findLeftoverSnapshots(
  nodes: SnapshotNodes,
  { source: { cluster, collection }, shards, since }: FindLeftoverSnapshotsInput,
  signal: AbortSignal,
): Promise<FindLeftoverSnapshotsResult> {
  const left: string[] = [];
  for (const shard of shards) {
    const node = await nodes.holding(cluster, wantedShard(collection, shard), signal);
    try {
      left.push(...(await namesSince(node, { collection, shard: shard.id }, since, signal)));
    } finally {
      await node.close();
    }
  }
  return { left: left.slice(0, MOST_NAMED) };
}

async function namesSince(
  node: SnapshotNode,
  source: { collection: string; shard: number },
  since: string,
  signal: AbortSignal,
): Promise<string[]> {
  const files = await filesOn({ node, source, signal });
  const isNew = (createdAt: string | undefined) =>
    createdAt !== undefined && Date.parse(createdAt) >= Date.parse(since);
  return files.flatMap(({ name, createdAt }) => (isNew(createdAt) ? [`${name} on ${node.url}`] : []));
}
