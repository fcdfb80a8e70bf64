// The administration of snapshots, as Temporal calls it: cancellation becomes a signal, held calls heartbeat, the work is
// done in snapshots/.

import { Context } from '@temporalio/activity';
import { createOnNode, findHolders } from '../snapshots/create-snapshot.js';
import { deleteOnNode } from '../snapshots/delete-snapshot.js';
import { abandonDownload, freshDownload } from '../shards/store-snapshot.js';
import { downloadToStore } from '../snapshots/snapshot-file.js';
import { listOnNodes, shortened } from '../snapshots/list-snapshots.js';
import type { SnapshotDeps } from '../snapshots/named-node.js';
import { removeOlder } from '../snapshots/remove-older.js';
import { recordOf, writeRecord } from '../snapshots/snapshot-records.js';
import {
  lookAtRecovered,
  planSnapshotRecovery,
  recoverOnNode,
  removeEmpty,
} from '../snapshots/recover-snapshot.js';
import type { Flight } from '../shards/settled-call.js';
import type { CreateFlight } from '../snapshots/settled-create.js';
import { FerryError } from '../model/errors.js';
import { DATA_QUEUE } from '../model/names.js';
import type {
  CreateOnNodeResult,
  RecordSnapshotInput,
  RecoverOnNodeResult,
  RemoveOlderResult,
  SnapshotControlActivities,
  SnapshotDataActivities,
} from '../model/contracts/snapshot-activities.js';
import { scopeOf } from '../model/contracts/snapshot-inputs.js';
import type { ObjectStore } from '../storage/object-store.js';
import { flightLog, heldCall, runTransfer, type FlightState } from './attempt.js';
import { attemptSignal } from './lease.js';

export interface SnapshotControlDependencies extends SnapshotDeps {
  /** Throws `UnknownAlias`, naming those that exist. */
  storeOf(alias?: string): { alias: string; taskQueue?: string | undefined; readOnly?: boolean | undefined };
}

export interface SnapshotDataDependencies extends SnapshotDeps {
  openStore(alias: string): ObjectStore;
}

export function createSnapshotControlActivities(
  dependencies: SnapshotControlDependencies,
): SnapshotControlActivities {
  const { controls, storeOf } = dependencies;
  const signal = (): AbortSignal => attemptSignal();
  return {
    locateSnapshots: async ({ cluster, store, writes }) => {
      const dataQueue = controls.taskQueueOf(cluster) ?? DATA_QUEUE;
      const place = store === undefined ? undefined : storeOf(store ?? undefined);
      if (place?.readOnly && writes) throw readOnly(place.alias);
      return {
        dataQueue,
        ...(place === undefined ? {} : { store: place.alias, storeQueue: place.taskQueue ?? dataQueue }),
      };
    },
    listOnNodes: async (input) => shortened(await listOnNodes(dependencies, input, signal())),
    findHolders: (input) => findHolders(dependencies, input, signal()),
    deleteOnNode: (input) => {
      const isRepeated = Context.current().info.attempt > 1;
      return deleteOnNode(dependencies, input, { isRepeated, signal: signal() });
    },
    planSnapshotRecovery: (input) => planSnapshotRecovery(dependencies, input, signal()),
    lookAtRecovered: (input) => lookAtRecovered(dependencies, input, signal()),
    removeEmpty: (input) => removeEmpty(dependencies, input, signal()),
  };
}

function readOnly(store: string): FerryError {
  const happened = `ferry.yaml marks the store "${store}" as \`readOnly\`, and \`keepOnNode\` records there what was made`;
  return new FerryError('StoreReadOnly', happened, { context: { store } });
}

/** Attempts without progress before the download is given up. */
const STALL_AFTER_ATTEMPTS = 10;

export function createSnapshotDataActivities(dependencies: SnapshotDataDependencies): SnapshotDataActivities {
  const { open, openStore } = dependencies;
  return {
    createOnNode: (input) =>
      heldCall<CreateOnNodeResult, FlightState<CreateFlight>>(input, (held) =>
        createOnNode(open, input, { signal: held.signal, log: flightLog(held) }),
      ),
    recoverOnNode: (input) =>
      heldCall<RecoverOnNodeResult, FlightState<Flight>>(input, (held) =>
        recoverOnNode({ open, openStore }, input, { ...held, log: flightLog(held) }),
      ),
    downloadToStore: (input) => {
      const store = openStore(input.store);
      return runTransfer(
        { what: input.what, stallAfterAttempts: STALL_AFTER_ATTEMPTS },
        () => Promise.resolve(freshDownload()),
        (attempt) => downloadToStore({ ...dependencies, store }, input, attempt),
        (state) => abandonDownload(store, input.object, state),
      );
    },
    recordSnapshot: (input) =>
      heldCall(input, () =>
        writeRecord(openStore(input.store), recordOf({ ...placeOf(input), job: thisJob() })),
      ),
    removeOlder: (input) =>
      heldCall<RemoveOlderResult, { begun: string[] }>(input, ({ state, remember, signal }) => {
        const begin = (begun: string[]) => remember({ begun });
        const attempt = { job: thisJob(), begun: state?.begun ?? [], begin, signal };
        return removeOlder({ open, store: openStore(input.store) }, input, attempt);
      }),
  };
}

function thisJob(): string {
  return Context.current().info.workflowExecution?.workflowId ?? '';
}

function placeOf({ cluster, made, ...asked }: RecordSnapshotInput) {
  return { cluster, made, ...scopeOf(asked) };
}
