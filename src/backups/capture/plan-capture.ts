// What a backup of a collection will consist of: each shard once, from a peer with an Active replica. Promises that no
// shard was on its way to another node at that moment, and that the captured replicas lie on few peers, through which the
// collection is then read for its proof. What changes later is noticed when a shard is captured.

import type { PlanCaptureInput, PlanCaptureResult } from '../../model/contracts/backup-activities.js';
import type { CollectionRef } from '../../model/collections.js';
import { FerryError } from '../../model/errors.js';
import { refuseUncapturable } from '../../model/name-lengths.js';
import { captureModeFor, captureNotes } from '../../model/qdrant-version.js';
import { workIn } from '../../model/stamp.js';
import { activePeers } from '../../cluster/compare-replicas.js';
import type { ClusterControl, Controls, Layout } from '../../cluster/control-port.js';
import { lookAt, readPlanOf, type Look } from '../../cluster/look.js';
import { takePin } from '../../cluster/pin.js';
import { layoutHash, shardsToCapture, type PlannedShard } from '../../cluster/shard-layout.js';
import { unfinishedText } from '../../target/plan-collection.js';

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
  const mode = capture === 'auto' ? captureModeFor(pin.version) : capture;
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
    notes: [...captureNotes(mode, pin.version), ...(partial === undefined ? [] : [partial.reason])],
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

/** A node reads its own replica of a shard that it holds; one without picks for each request, and is not asked. */
async function lanesTo(
  control: ClusterControl,
  collection: string,
  layout: Layout,
  planned: readonly PlannedShard[],
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

/** The shards from that id on: ids stay when another shard is dropped between two pages, places in a list do not. */
export function pageFrom(planned: PlannedShard[], from: number): Pick<PlanCaptureResult, 'shards' | 'next'> {
  const shards: PlannedShard[] = [];
  let bytes = 0;
  const rest = planned.filter(({ id }) => id >= from).sort((a, b) => a.id - b.id);
  for (const shard of rest) {
    bytes += Buffer.byteLength(JSON.stringify(shard)) + 1;
    if (shards.length > 0 && bytes > PAGE_BYTES) return { shards, next: shard.id };
    shards.push(shard);
  }
  return { shards };
}
