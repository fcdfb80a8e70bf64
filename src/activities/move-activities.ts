// The activities of snapshot migration, as Temporal calls them: the work is done in move/ and shards/.

import { namesBefore } from '../shards/capture-shard.js';
import { findLeftoverSnapshots, freshCapture } from '../shards/node-file.js';
import { placeBackup } from '../move/move-backup.js';
import { planMove } from '../move/move-plan.js';
import {
  lookAtReplacedTarget,
  markMoved,
  assignAliases,
  prepareMove,
  undoMove,
  type PrepareMoveDeps,
} from '../move/move-prepare.js';
import { abandonMove, isStreamed, moveShard, type MoveDeps, type MoveState } from '../shards/move-shard.js';
import type { RecoverySource } from '../shards/recoverable-collection.js';
import type {
  MoveActivities,
  MoveControlActivities,
  MoveShardInput,
  MoveShardResult,
} from '../model/contracts/move-activities.js';
import { markCollection } from '../cluster/mark-collection.js';
import { betweenChecks } from '../cluster/pin.js';
import type { CheckPin } from '../cluster/points-port.js';
import { attemptSignal } from './lease.js';
import { freshKnowing } from './backup-activities.js';
import { heldCall, runTransfer } from './attempt.js';

export interface MoveDependencies extends MoveDeps {
  backups: RecoverySource;
  checkPin: CheckPin;
}

export function createMoveControlActivities(room: PrepareMoveDeps): MoveControlActivities {
  const { controls } = room;
  const signal = (): AbortSignal => attemptSignal();
  return {
    planMove: async (input) => {
      const { source } = input;
      const notes = await markCollection(controls.of(source.cluster), source, signal());
      const plan = await planMove(controls, input, new Date(), signal());
      if (plan.collection) plan.collection.notes.unshift(...notes);
      return plan;
    },
    lookAtReplacedTarget: (input) => lookAtReplacedTarget(room, input, signal()),
    prepareMove: (input) => prepareMove(room, input, signal()),
    markMoved: (input) => markMoved(controls, input, signal()),
    assignAliases: (input) => assignAliases(controls, input, signal()),
    undoMove: (input) => undoMove(controls, input, signal()),
  };
}

export function createMoveActivities(dependencies: MoveDependencies): MoveActivities {
  return {
    moveShard: (input) => runMove(dependencies, input),
    findLeftoverSnapshots: (input) =>
      heldCall(`look for snapshots of ${input.source.collection}`, ({ signal }) =>
        findLeftoverSnapshots(dependencies.nodes, input, signal),
      ),
    placeBackup: (input) =>
      heldCall(`read the backup of ${input.from.collection}`, ({ signal }) =>
        placeBackup(dependencies.backups, input, signal),
      ),
  };
}

function runMove(dependencies: MoveDependencies, input: MoveShardInput): Promise<MoveShardResult> {
  const { checkPin } = dependencies;
  const { source, target, sourcePin, targetPin } = input;
  return runTransfer(
    input,
    () => freshMove(dependencies, input),
    (attempt) => {
      const check = async () => {
        await checkPin(source.cluster, source.collection, sourcePin, attempt.signal);
        await checkPin(target.cluster, target.collection, targetPin, attempt.signal);
      };
      return betweenChecks(check, () => moveShard(dependencies, input, attempt));
    },
    (state) => abandonMove(dependencies, input, state, attemptSignal()),
  );
}

async function freshMove({ nodes }: MoveDeps, input: MoveShardInput): Promise<MoveState> {
  if (isStreamed(input)) return freshCapture();
  const of = { ...input.source, shard: input.placed.shard };
  return freshKnowing(namesBefore(nodes, of, attemptSignal()));
}
