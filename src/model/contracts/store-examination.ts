// What `examineStore` finds out about a store, through the workers that use it.

import * as z from 'zod';
import { alias } from './inputs.js';

export const examineStoreSchema = z.strictObject({ store: alias });

/** A worker as Temporal lists it. One that was killed stays listed for minutes. */
export interface QueueWorker {
  /** "ferry-data@host#pid" */
  worker: string;
  /** Since it last asked for work. A living one with a free place asks once a minute, or more often. */
  silentMs: number;
}

export interface LocateStoreWorkersInput {
  /** Absent: `defaults.store` of ferry.yaml. */
  store?: string | undefined;
}
export interface LocateStoreWorkersResult {
  store: string;
  kind: 's3' | 'file';
  /** Whether `taskQueue` is set for this store. */
  hasOwnQueue: boolean;
  /** ferry.yaml says that nothing is written in it. */
  isReadOnly?: true;
  queues: { queue: string; workers: QueueWorker[] }[];
}

/** A small object by which workers find out whether they see the same disk. */
export interface MarkerInput {
  store: string;
  /** The same for all that are asked; another one each time. */
  nonce: string;
}
export interface SeeMarkerResult {
  sees: boolean;
}

/**
 * `well`: reached, written, and, on a disk, the one marker seen. `failed`: `says` has the reason. `blind`: it sees
 * another disk. `silent`: it did not answer in time. `gone`: neither did it, nor has it asked for work for a minute.
 */
export type LookState = 'well' | 'failed' | 'blind' | 'silent' | 'gone';

export interface StoreLook {
  /** Queues of the store that it polls. */
  queues: string[];
  /** Absent: whichever worker of the queue took the question. */
  worker?: string;
  state: LookState;
  /** What the store lacks, and what is done instead; a sentence each. */
  limitations: string[];
  says?: string;
}

export interface StoreExamination extends Omit<LocateStoreWorkersResult, 'queues'> {
  queues: string[];
  /** None for a queue on which nobody works. */
  looks: StoreLook[];
  /** The worker that left the marker; absent where there was nobody to show it to. */
  markedBy?: string;
}

/** Queue ferry-control. */
export interface ExaminationControlActivities {
  locateStoreWorkers(input: LocateStoreWorkersInput): Promise<LocateStoreWorkersResult>;
}

/** The worker's own queue. */
export interface MarkerActivities {
  leaveMarker(input: MarkerInput): Promise<void>;
  seeMarker(input: MarkerInput): Promise<SeeMarkerResult>;
  removeMarker(input: MarkerInput): Promise<void>;
}
