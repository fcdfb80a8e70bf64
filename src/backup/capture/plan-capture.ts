// What a backup of a collection will consist of: each shard once, from a peer with an Active replica. Promises that no
// shard was on its way to another node at that moment, and that the load is spread over the peers. What changes later
// is noticed when a shard is captured.

import type {
  CaptureMode,
  PlanCaptureInput,
  PlanCaptureResult,
  ShardToCapture,
} from '../../model/backup-activities.js';
import type { Layout } from '../../transfer/control-port.js';
import type { Controls } from '../../transfer/control-port.js';
import { keyName, lookAt, readPlanOf } from '../../transfer/look.js';
import type { WantedShard } from '../ports.js';
import { takePin } from '../../transfer/pin.js';

type Planned = PlanCaptureResult['shards'][number];

const PAGE_BYTES = 10_240;

export async function planCapture(
  controls: Controls,
  { source, capture, fromShard = 0 }: PlanCaptureInput,
  signal?: AbortSignal,
): Promise<PlanCaptureResult> {
  const control = controls.of(source.cluster);
  const look = await lookAt(control, source, signal);
  const pin = await takePin(control, source.collection, look.info, signal);
  const mode = capture === 'auto' ? modeFor(pin.version) : capture;
  const planned = shardsToCapture(look.layout, pin.peers.length > 0);
  return {
    pin,
    mode,
    read: readPlanOf(look),
    points: look.points,
    ...pageFrom(planned, fromShard),
    notes: notesOn(mode, pin.version),
  };
}

/** Below 1.17 a reader that stalls for a moment freezes the whole node. */
export function modeFor(version: string): CaptureMode {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 17) ? 'stream' : 'stored';
}

export function shardsToCapture(layout: Layout, clustered: boolean): Planned[] {
  const load = new Map<string, number>();
  const ordinals = new Map<string, number>();
  return layout.shards.map(({ id, key, replicas }) => {
    const group = key === undefined ? '' : keyName(key);
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const shard = { id, ...(key === undefined ? {} : { shardKey: key }), ordinal };
    if (!clustered) return shard;
    const active = replicas.filter((one) => one.state === 'Active').map((one) => one.peer);
    const peer = active.sort((a, b) => (load.get(a) ?? 0) - (load.get(b) ?? 0) || (a < b ? -1 : 1))[0];
    if (peer === undefined) return shard;
    load.set(peer, (load.get(peer) ?? 0) + 1);
    return { ...shard, peer };
  });
}

/** What the node that is opened must hold. */
export function wantedShard(
  collection: string,
  { id: shard, peer }: Pick<ShardToCapture, 'id' | 'peer'>,
): WantedShard {
  return { collection, shard, ...(peer === undefined ? {} : { peer }) };
}

function pageFrom(planned: Planned[], from: number): Pick<PlanCaptureResult, 'shards' | 'next'> {
  const shards: Planned[] = [];
  let bytes = 0;
  for (const shard of planned.slice(from)) {
    bytes += Buffer.byteLength(JSON.stringify(shard)) + 1;
    if (shards.length > 0 && bytes > PAGE_BYTES) return { shards, next: from + shards.length };
    shards.push(shard);
  }
  return { shards };
}

/** What a stream may do to a node below 1.17. */
export function notesOn(mode: CaptureMode, version: string): string[] {
  if (mode === 'stored' || modeFor(version) === 'stream') return [];
  return [`Streamed from Qdrant ${version}: if the other side stalls, so does the node (1.17 mends it)`];
}
