// Makes the collection that the shards go into, as every migration makes its target, and says which shard goes where.
// Also the marks that a move leaves on it, its names after the proof, and its removal after a failure. All of it may be
// repeated; only what carries this job's open stamp is ever removed.

import type {
  LookAtReplacedTargetInput,
  MarkMovedInput,
  AssignAliasesInput,
  AssignAliasesResult,
  PrepareMoveInput,
  PrepareMoveResult,
  UndoMoveInput,
  UndoMoveResult,
} from '../model/contracts/move-activities.js';
import type { LookAtReplacedResult } from '../model/contracts/recovery-activities.js';
import { workIn } from '../model/stamp.js';
import type { Controls } from '../cluster/control-port.js';
import { lookAt, lookIfThere, type Look } from '../cluster/look.js';
import { createCheckPin } from '../cluster/pin.js';
import { removeMade } from '../target/make-parts.js';
import { pointAliases } from '../target/point-aliases.js';
import { prepareTarget } from '../target/prepare-target.js';
import { changeStamp } from '../target/stamp-life.js';
import { shardsToCapture } from '../cluster/shard-layout.js';
import type { SnapshotNodes } from '../cluster/snapshots-port.js';
import { describeReplaced, requireReplaceable } from '../target/replaced.js';
import { placeShards } from '../cluster/shard-places.js';

export interface PrepareMoveDeps {
  controls: Controls;
  /** Of the collection that is replaced. */
  nodes: SnapshotNodes;
}

export async function lookAtReplacedTarget(
  { controls, nodes }: PrepareMoveDeps,
  { target: ref, job }: LookAtReplacedTargetInput,
  signal: AbortSignal,
): Promise<LookAtReplacedResult> {
  const target = controls.of(ref.cluster);
  const there = await lookIfThere(target, ref, signal);
  if (!there || isMadeBy(job, there)) return {};
  return { replaced: await describeReplaced({ target, nodes }, ref, there, signal) };
}

export async function prepareMove(
  { controls, nodes }: PrepareMoveDeps,
  { source, target, plan, job, deleteExtras, replaced }: PrepareMoveInput,
  signal: AbortSignal,
): Promise<PrepareMoveResult> {
  if (replaced) {
    const room = { target: controls.of(target.cluster), nodes };
    const there = await lookIfThere(room.target, target, signal);
    if (there && !isMadeBy(job, there)) await requireReplaceable(room, target, replaced, there, signal);
  }
  const { sourcePin, targetState, replaced: planned, heldBack } = plan;
  const onExisting = targetState === 'recreate' ? 'recreate' : 'fail';
  const extras = {
    ...(deleteExtras === undefined ? {} : { deleteExtras }),
    ...(planned === undefined ? {} : { replaced: planned }),
  };
  const input = { source, target, onExisting, sourcePin, targetState, heldBack, job, ...extras } as const;
  const prepared = await prepareTarget(controls, input, signal);
  const from = controls.of(source.cluster);
  const { layout } = await lookAt(from, source, signal);
  const shards = shardsToCapture(layout, (await from.peers(signal)).length > 0);
  const made = await controls.of(target.cluster).layout(target.collection, signal);
  return { ...prepared, shards: placeShards(shards, target, made) };
}

function isMadeBy(job: string, { info }: Pick<Look, 'info'>): boolean {
  const work = workIn(info.config);
  return work?.kind === 'migration' && work.job === job && work.state === 'open' && work.isAdopted !== true;
}

/** Where Qdrant keeps no metadata nothing is noted, and the next attempt moves everything again. */
export async function markMoved(
  controls: Controls,
  input: MarkMovedInput,
  signal?: AbortSignal,
): Promise<void> {
  await changeStamp(controls, input, (work) => ({ ...work, isMoved: true }), signal);
}

export async function assignAliases(
  controls: Controls,
  { source, target: asked, writes, targetPin, onExisting, swappedFrom, copyAliases }: AssignAliasesInput,
  signal?: AbortSignal,
): Promise<AssignAliasesResult> {
  await createCheckPin(controls)(asked.cluster, writes, targetPin, signal);
  const all = copyAliases ? await controls.of(source.cluster).aliases(signal) : [];
  const wanted = all.filter((one) => one.collection === source.collection).map((one) => one.alias);
  const swapped = onExisting === 'swap' ? { alias: asked.collection, from: swappedFrom } : undefined;
  return pointAliases(controls.of(asked.cluster), { writes, wanted, swapped }, signal);
}

export async function undoMove(
  controls: Controls,
  { target: ref, targetPin, job }: UndoMoveInput,
  signal?: AbortSignal,
): Promise<UndoMoveResult> {
  const target = controls.of(ref.cluster);
  const isOurs = async () => {
    if (targetPin) await createCheckPin(controls)(ref.cluster, ref.collection, targetPin, signal);
    return isMadeBy(job, { info: await target.info(ref.collection, signal) });
  };
  return removeMade(target, ref.collection, isOurs, signal);
}
