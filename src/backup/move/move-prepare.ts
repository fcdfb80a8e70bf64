// Makes the collection that the shards go into, as every migration makes its target, and says which shard goes where.
// Also the marks that a move leaves on it, its names after the proof, and its removal after a failure. All of it may be
// repeated; only what carries this migration's stamp is ever removed.

import type {
  MarkMovedInput,
  NameMovedInput,
  NameMovedResult,
  PrepareMoveInput,
  PrepareMoveResult,
  UndoMoveInput,
  UndoMoveResult,
} from '../../model/move-activities.js';
import { migrationName } from '../../model/names.js';
import { stampMetadata, stampOf, type Stamp, type StampedWork } from '../../model/stamp.js';
import type { CollectionRef } from '../../model/collections.js';
import type { ClusterControl, Controls } from '../../transfer/control-port.js';
import { lookAt } from '../../transfer/look.js';
import { prepareTarget } from '../../transfer/prepare-target.js';
import { shardsToCapture } from '../capture/plan-capture.js';
import { placeShards } from './move-places.js';
import { pointAliases } from '../point-aliases.js';

export async function prepareMove(
  controls: Controls,
  { source, target, plan }: PrepareMoveInput,
  signal?: AbortSignal,
): Promise<PrepareMoveResult> {
  const { sourcePin, targetState, heldBack } = plan;
  const onExisting = targetState === 'recreate' ? 'recreate' : 'fail';
  const input = { source, target, onExisting, sourcePin, targetState, heldBack } as const;
  const prepared = await prepareTarget(controls, input, signal);
  const from = controls.of(source.cluster);
  const { layout } = await lookAt(from, source, signal);
  const shards = shardsToCapture(layout, (await from.peers(signal)).length > 0);
  const made = await controls.of(target.cluster).layout(target.collection, signal);
  return { ...prepared, shards: placeShards(shards, target, made) };
}

export async function markMoved(
  controls: Controls,
  { source, target: ref }: MarkMovedInput,
  signal?: AbortSignal,
): Promise<void> {
  const target = controls.of(ref.cluster);
  const stamp = await ownStamp(target, source, ref, signal);
  if (!stamp) return; // a Qdrant that keeps no metadata: the next attempt moves everything again
  const metadata = stampMetadata({ ...stamp, work: { ...stamp.work, isMoved: true } });
  await target.change(ref.collection, { metadata }, signal);
}

export async function nameMoved(
  controls: Controls,
  { source, target: asked, writes, onExisting, copyAliases }: NameMovedInput,
  signal?: AbortSignal,
): Promise<NameMovedResult> {
  const all = copyAliases ? await controls.of(source.cluster).aliases(signal) : [];
  const wanted = all.filter((one) => one.collection === source.collection).map((one) => one.alias);
  const swapped = onExisting === 'swap' ? asked.collection : undefined;
  return pointAliases(controls.of(asked.cluster), { writes, wanted, swapped }, signal);
}

export async function undoMove(
  controls: Controls,
  { source, target: ref }: UndoMoveInput,
  signal?: AbortSignal,
): Promise<UndoMoveResult> {
  const target = controls.of(ref.cluster);
  if (!(await target.collections(signal)).includes(ref.collection)) return { removed: true };
  const stamp = await ownStamp(target, source, ref, signal);
  if (stamp?.work.heldBack === undefined) return { removed: false };
  await target.remove(ref.collection, signal);
  return { removed: true };
}

async function ownStamp(
  target: ClusterControl,
  source: CollectionRef,
  ref: CollectionRef,
  signal?: AbortSignal,
): Promise<(Stamp & { work: StampedWork }) | undefined> {
  const { creation, work } = stampOf((await target.info(ref.collection, signal)).config) ?? {};
  if (creation === undefined || work?.kind !== 'migration') return undefined;
  return work.name === migrationName(source, ref) ? { creation, work } : undefined;
}
