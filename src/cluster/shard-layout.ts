// The shards of a collection, as a cluster reports them: which replica of each is captured, and whether anything of it changed.

import { createHash } from 'node:crypto';
import type { PlanCaptureResult, ShardToCapture } from '../model/contracts/backup-activities.js';
import { activePeers } from './compare-replicas.js';
import type { Layout } from './control-port.js';
import { keyName } from './look.js';
import type { WantedShard } from './snapshots-port.js';

export type PlannedShard = PlanCaptureResult['shards'][number];

/** The same as long as no shard, key, replica or state of one changes. */
export function layoutHash({ shards, transfers, resharding }: Layout): string {
  const lines = shards.map(({ id, key, replicas }) => {
    const held = replicas.map(({ peer, state }) => `${peer}=${state}`).sort();
    return `${id} ${key === undefined ? '' : keyName(key)} ${held.join(' ')}`;
  });
  const text = [...lines.sort(), transfers, resharding].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

export function shardsToCapture(layout: Layout, clustered: boolean): PlannedShard[] {
  const held = shardsHeld(layout);
  const ordinals = new Map<string, number>();
  return layout.shards.map(({ id, key, replicas }) => {
    const group = key === undefined ? '' : keyName(key);
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const shard = { id, ...(key === undefined ? {} : { shardKey: key }), ordinal };
    if (!clustered) return shard;
    const active = replicas.filter((one) => one.state === 'Active').map((one) => one.peer);
    const peer = active.sort((a, b) => (held.get(b) ?? 0) - (held.get(a) ?? 0) || (a < b ? -1 : 1))[0];
    if (peer === undefined) return shard;
    return { ...shard, peer };
  });
}

/** How many shards each peer holds as Active: of replicas, those of the peer with most shards are taken, so that few have to be read. */
function shardsHeld({ shards }: Layout): Map<string, number> {
  const held = new Map<string, number>();
  for (const peer of shards.flatMap(activePeers)) held.set(peer, (held.get(peer) ?? 0) + 1);
  return held;
}

/** What the node that is opened must hold. */
export function wantedShard(
  collection: string,
  { id: shard, peer }: Pick<ShardToCapture, 'id' | 'peer'>,
): WantedShard {
  return { collection, shard, ...(peer === undefined ? {} : { peer }) };
}
