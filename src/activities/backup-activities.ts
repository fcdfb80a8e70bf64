// Capture and catalogue, as Temporal calls them. The two that plan run beside the workflows; those that touch a store
// run where the store is seen.

import { Context } from '@temporalio/activity';
import type {
  BackupControlActivities,
  BackupStoreActivities,
  CaptureShardInput,
  CaptureShardResult,
  CheckObjectsResult,
  WriteIdSetInput,
  WriteIdSetResult,
} from '../model/contracts/backup-activities.js';
import {
  abandonCapture,
  captureNode,
  captureShard,
  namesBefore,
  nodeNamesBefore,
} from '../shards/capture-shard.js';
import { freshCapture, type CaptureState } from '../shards/node-file.js';
import { listBackups, showBackup } from '../backups/catalogue/catalogue.js';
import { checkObjects, freshCheck } from '../backups/catalogue/check-objects.js';
import { awaitOptimizers } from '../cluster/await-ready.js';
import { readOperations } from '../cluster/read-operations.js';
import { captureIds } from '../backups/ids/capture-ids.js';
import { planCapture } from '../backups/capture/plan-capture.js';
import type { SearchesOf, SnapshotNodes } from '../cluster/snapshots-port.js';
import { resolveBackup, type BackupPlaces } from '../backups/capture/resolve-backup.js';
import { openBackup } from '../backups/capture/open-backup.js';
import { writeBackup } from '../backups/capture/write-backup.js';
import { writeComplete } from '../backups/capture/write-complete.js';
import { writeManifest } from '../backups/capture/write-manifest.js';
import { writeRecall } from '../backups/capture/write-recall.js';
import { writeProof } from '../backups/proofs.js';
import type { ObjectStore } from '../storage/object-store.js';
import type { Controls } from '../cluster/control-port.js';
import { markCollection } from '../cluster/mark-collection.js';
import { betweenChecks } from '../cluster/pin.js';
import type { CheckPin, Clusters } from '../cluster/points-port.js';
import { heldCall, runSlice, runTransfer, type Attempt } from './attempt.js';
import { attemptSignal } from './lease.js';

export interface BackupControlDependencies extends BackupPlaces {
  searchAttributes?: boolean;
}

export interface BackupStoreDependencies {
  controls: Controls;
  nodes: SnapshotNodes;
  searchesOf: SearchesOf;
  connect: Clusters['connect'];
  checkPin: CheckPin;
  openStore(alias: string): ObjectStore;
  /** Finds out what a store can do; throws when it cannot be written. */
  probeStore(store: ObjectStore): Promise<{ limitations: readonly string[] }>;
  ferryVersion: string;
}

export function createBackupControlActivities(
  dependencies: BackupControlDependencies,
): BackupControlActivities {
  const { searchAttributes } = dependencies;
  const signal = (): AbortSignal => attemptSignal();
  return {
    resolveBackup: async (input) => ({
      ...(await resolveBackup(dependencies, input, signal())),
      ...(searchAttributes === undefined ? {} : { searchAttributes }),
    }),
    planCapture: async (input) => {
      const { controls } = dependencies;
      const notes = await markCollection(controls.of(input.source.cluster), input.source, signal());
      const plan = await planCapture(controls, input, signal());
      return { ...plan, notes: [...notes, ...plan.notes] };
    },
    awaitOptimizers: (input) => {
      const onProgress = (what: string): void => Context.current().heartbeat({ v: 1, what });
      return awaitOptimizers(dependencies.controls, input, onProgress, signal());
    },
  };
}

export function createBackupStoreActivities(dependencies: BackupStoreDependencies): BackupStoreActivities {
  const { controls, ferryVersion } = dependencies;
  const storeOf = ({ store }: { store: string }): ObjectStore => dependencies.openStore(store);
  return {
    probeStore: (input) =>
      heldCall(`probe ${input.store}`, async () => {
        const { limitations } = await dependencies.probeStore(storeOf(input));
        return { limitations: [...limitations] };
      }),
    captureShard: (input) => runCapture(dependencies, input),
    captureNode: (input) => {
      const { nodes } = dependencies;
      const fresh = () => freshKnowing(nodeNamesBefore(nodes, input, attemptSignal()));
      return runTransfer(input, fresh, (attempt) =>
        captureNode({ store: storeOf(input), nodes }, input, attempt),
      );
    },
    writeIdSet: (input) => runIdSet(dependencies, input),
    readOperations: (input) =>
      heldCall(`look at the shards of ${input.collection}`, async ({ signal }) => {
        const check = () => dependencies.checkPin(input.cluster, input.collection, input.pin, signal);
        return betweenChecks(check, () => readOperations(dependencies.nodes, input, signal));
      }),
    writeRecall: (input) =>
      heldCall(`search ${input.collection}`, async ({ signal }) => {
        await dependencies.checkPin(input.cluster, input.collection, input.pin, signal);
        const { cluster } = input;
        const searches = dependencies.searchesOf(cluster);
        return writeRecall({ store: storeOf(input), control: controls.of(cluster), searches }, input, signal);
      }),
    writeManifest: (input) =>
      heldCall(`write the manifest of ${input.collection}`, async ({ signal }) => {
        await dependencies.checkPin(input.cluster, input.collection, input.pin, signal);
        const confirm = () => dependencies.checkPin(input.cluster, input.collection, input.pin, signal);
        const room = { store: storeOf(input), control: controls.of(input.cluster), ferryVersion, confirm };
        return writeManifest(room, input, signal);
      }),
    checkObjects: (input): Promise<CheckObjectsResult> =>
      runSlice({ what: input.what }, freshCheck(input.cursor), (attempt) =>
        checkObjects(storeOf(input), input, attempt),
      ),
    writeComplete: (input) =>
      heldCall(`write complete.json of ${input.collection}`, ({ signal }) =>
        writeComplete(storeOf(input), input, signal),
      ),
    openBackup: (input) =>
      heldCall(`open the backup ${input.backup}`, ({ signal }) => {
        const room = { store: storeOf(input), control: controls.of(input.cluster), ferryVersion };
        return openBackup(room, input, signal);
      }),
    writeBackup: (input) =>
      heldCall('write backup.json', ({ signal }) => writeBackup(storeOf(input), input, signal)),
    writeProof: (input) =>
      heldCall(`write the proof of ${input.collection}`, ({ signal }) =>
        writeProof(storeOf(input), input, signal),
      ),
    listBackups: (input) =>
      heldCall(`list ${input.store}`, ({ signal }) => listBackups(storeOf(input), input, signal)),
    showBackup: (input) =>
      heldCall(`look at ${input.backup}`, ({ signal }) => showBackup(storeOf(input), input, signal)),
  };
}

async function runIdSet(
  { controls, connect, checkPin, openStore }: BackupStoreDependencies,
  input: WriteIdSetInput,
): Promise<WriteIdSetResult> {
  const { cluster, collection, lanes = [], stallAfterAttempts } = input;
  const what = `write the ids of ${collection}`;
  return heldCall({ what, stallAfterAttempts }, async ({ signal, onBytes }) => {
    const [first = 0, ...others] = lanes;
    const [one, ...more] = [
      connect(cluster, first),
      ...others.map((lane) => connect(cluster, lane)),
    ] as const;
    try {
      const room = {
        store: openStore(input.store),
        control: controls.of(cluster),
        readers: [one, ...more] as const,
      };
      const check = () => checkPin(cluster, collection, input.pin, signal);
      return await betweenChecks(check, () => captureIds(room, input, onBytes, signal));
    } finally {
      for (const connection of [one, ...more]) connection.close();
    }
  });
}

function runCapture(
  { nodes, checkPin, openStore }: BackupStoreDependencies,
  input: CaptureShardInput,
): Promise<CaptureShardResult> {
  const room = { store: openStore(input.store), nodes };
  const fresh = async (): Promise<CaptureState> => {
    if (input.mode === 'stream') return freshCapture();
    return freshKnowing(namesBefore(nodes, input, attemptSignal()));
  };
  const capture = (attempt: Attempt<CaptureState>) => {
    const check = () => checkPin(input.cluster, input.collection, input.pin, attempt.signal);
    return betweenChecks(check, () => captureShard(room, input, attempt));
  };
  return runTransfer(input, fresh, capture, (state) => abandonCapture(room, input, state, attemptSignal()));
}

/** What is on the node before anything is made there is in the very first heartbeat. */
export async function freshKnowing(names: Promise<CaptureState['known']>): Promise<CaptureState> {
  const known = await names;
  return known === undefined ? freshCapture() : { ...freshCapture(), known };
}
