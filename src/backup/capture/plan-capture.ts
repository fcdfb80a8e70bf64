// What a backup of a collection will consist of: each shard once, from a peer with an Active replica. Promises that no
// shard was on its way to another node at that moment, and that the captured replicas lie on few peers, through which the
// collection is then read for its proof. What changes later is noticed when a shard is captured.

import { createHash } from 'node:crypto';

import type {
  CaptureMode,
  PlanCaptureInput,
  PlanCaptureResult,
  ShardToCapture,
} from '../../model/backup-activities.js';
import type { CollectionRef } from '../../model/collections.js';
import { FerryError } from '../../model/errors.js';
import { refuseUncapturable } from '../../model/name-lengths.js';
import { workIn } from '../../model/stamp.js';
import { activePeers } from '../../transfer/compare-replicas.js';
import type { ClusterControl, Controls, Layout } from '../../transfer/control-port.js';
import { keyName, lookAt, readPlanOf, type Look } from '../../transfer/look.js';
import type { WantedShard } from '../ports.js';
import { takePin } from '../../transfer/pin.js';
import { unfinishedText } from '../../transfer/plan-collection.js';

type Planned = PlanCaptureResult['shards'][number];

const PAGE_BYTES = 10_240;

export async function planCapture(
  controls: Controls,
  { source, capture, fromShard = 0, allowUnfinished = false }: PlanCaptureInput,
  signal?: AbortSignal,
): Promise<PlanCaptureResult> {
  const control = controls.of(source.cluster);
  const look = await lookAt(control, source, signal);
  refuseUncapturable(source, look.layout.shards);
  const countedAt = new Date().toISOString();
  const partial = unfinished(source, look, allowUnfinished);
  const pin = await takePin(control, source.collection, look.info, signal);
  const mode = capture === 'auto' ? modeFor(pin.version) : capture;
  const planned = shardsToCapture(look.layout, pin.peers.length > 0);
  return {
    pin,
    mode,
    read: readPlanOf(look),
    points: look.points,
    countedAt,
    layout: layoutHash(look.layout),
    ...(await lanesTo(control, source.collection, look.layout, planned, signal)),
    ...pageFrom(planned, fromShard),
    ...(partial === undefined ? {} : { partial }),
    notes: [...notesOn(mode, pin.version), ...(partial === undefined ? [] : [partial.reason])],
  };
}

/** A migration or recovery has not come to its end: what the collection holds is a part of something. */
function unfinished(
  source: CollectionRef,
  { info }: Look,
  isAllowed: boolean,
): { reason: string } | undefined {
  const work = workIn(info.config);
  if (work?.state !== 'open') return undefined;
  const reason = unfinishedText(source, work);
  if (isAllowed) return { reason };
  throw new FerryError('SourceUnfinished', reason, { context: { ...source } });
}

/** The same as long as no shard, key, replica or state of one changes. */
export function layoutHash({ shards, transfers, resharding }: Layout): string {
  const lines = shards.map(({ id, key, replicas }) => {
    const held = replicas.map(({ peer, state }) => `${peer}=${state}`).sort();
    return `${id} ${key === undefined ? '' : keyName(key)} ${held.join(' ')}`;
  });
  const text = [...lines.sort(), transfers, resharding].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** A node reads its own replica of a shard that it holds; one without picks for each request, and is not asked. */
async function lanesTo(
  control: ClusterControl,
  collection: string,
  layout: Layout,
  planned: readonly Planned[],
  signal?: AbortSignal,
): Promise<{ lanes?: number[] }> {
  const replicated = new Set(layout.shards.filter((one) => activePeers(one).length > 1).map(({ id }) => id));
  const peers = new Set(planned.flatMap(({ id, peer }) => (replicated.has(id) ? [peer] : [])));
  if (peers.size === 0) return { lanes: [] };
  const nodes = await control.replicas(collection, signal);
  const lanes = [...peers].map((peer) => nodes.find((one) => one.peer === peer)?.lane);
  const known = lanes.filter((lane) => lane !== undefined).sort((a, b) => a - b);
  return known.length === peers.size ? { lanes: known } : {};
}

/** Below 1.17 a reader that stalls for a moment freezes the whole node. */
export function modeFor(version: string): CaptureMode {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 17) ? 'stream' : 'stored';
}

export function shardsToCapture(layout: Layout, clustered: boolean): Planned[] {
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

/** The shards from that id on: ids stay when another shard is dropped between two pages, places in a list do not. */
export function pageFrom(planned: Planned[], from: number): Pick<PlanCaptureResult, 'shards' | 'next'> {
  const shards: Planned[] = [];
  let bytes = 0;
  const rest = planned.filter(({ id }) => id >= from).sort((a, b) => a.id - b.id);
  for (const shard of rest) {
    bytes += Buffer.byteLength(JSON.stringify(shard)) + 1;
    if (shards.length > 0 && bytes > PAGE_BYTES) return { shards, next: shard.id };
    shards.push(shard);
  }
  return { shards };
}

/** What a stream may do to a node below 1.17. */
export function notesOn(mode: CaptureMode, version: string): string[] {
  if (mode === 'stored' || modeFor(version) === 'stream') return [];
  return [`Streamed from Qdrant ${version}: if the other side stalls, so does the node (1.17 mends it)`];
}
