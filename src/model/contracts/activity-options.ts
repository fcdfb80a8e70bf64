// Time-outs, retries and lease of every activity: one table, one row each. The workflows call activities by it, and the
// workers read from it which activity may start before its lease is confirmed.
//
// Planning gives up within seconds, so that wrong input is answered at once. Other control calls retry for some minutes.
// Activities that move data retry without end, and give up themselves when they no longer make progress.

import type { ControlActivities } from './activities.js';
import type { DataActivities } from './slice-activities.js';
import type { BackupControlActivities, BackupStoreActivities } from './backup-activities.js';
import type { PointBackupActivities } from './point-backup-activities.js';
import type { CheckControlActivities, CheckStoreActivities, DiskActivities } from './check-activities.js';
import type { HealthActivities } from './health-activities.js';
import type { MoveActivities, MoveControlActivities } from './move-activities.js';
import type { PruneActivities } from './prune-activities.js';
import type { RecoveryActivities, RecoveryControlActivities } from './recovery-activities.js';
import type { SnapshotControlActivities, SnapshotDataActivities } from './snapshot-activities.js';
import type { ExaminationControlActivities, MarkerActivities } from './store-examination.js';

/** Every activity of every worker. */
export type Activities = ControlActivities &
  DataActivities &
  BackupControlActivities &
  BackupStoreActivities &
  PointBackupActivities &
  MoveControlActivities &
  MoveActivities &
  RecoveryControlActivities &
  RecoveryActivities &
  SnapshotControlActivities &
  SnapshotDataActivities &
  ExaminationControlActivities &
  MarkerActivities &
  PruneActivities &
  CheckControlActivities &
  CheckStoreActivities &
  DiskActivities &
  HealthActivities;

export type ActivityName = keyof Activities;

export interface ActivityRow {
  /** `control`: beside the workflows. `data`: on the queue whose workers see the cluster, the store, or the disk. */
  queue: 'control' | 'data';
  /**
   * `input`: the job's `heartbeatSeconds`. A heartbeat time-out also means a lease: an attempt that has lost Temporal stops
   * writing before the next one starts. Without one, only start-to-close limits what an attempt may still write.
   */
  heartbeat: 'none' | 'input' | number;
  startToCloseMs: number;
  /** A field of the input, added to start-to-close: how long the activity is meant to wait or work. */
  plus?: 'waitMs' | 'budgetMs';
  scheduleToStartMs?: number;
  /** Without `attempts`: no limit. */
  retry: { firstMs: number; longestMs?: number; attempts?: number };
  /** Starts again after a time-out, beyond `attempts`: a worker that dies shall not use up the few attempts of planning. */
  survivesTimeouts?: true;
  /** Writes nothing anywhere, so it starts before its lease is confirmed. */
  readsOnly?: true;
  /**
   * `WAIT_CANCELLATION_COMPLETED`: a cancelled call is waited for until the activity has ended; what it returns counts.
   * Always explicit, for without it the SDK uses `TRY_CANCEL`, whatever its documentation says.
   */
  cancellation: 'TRY_CANCEL' | 'WAIT_CANCELLATION_COMPLETED';
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const FOR_MINUTES = { firstMs: SECOND, longestMs: 30 * SECOND, attempts: 10 } as const;
const WITHOUT_END = { firstMs: 2 * SECOND, longestMs: 2 * MINUTE } as const;
/** Wrong input and refused access fail at once by their code; an unavailable store may come back. */
const FIVE_TIMES = { firstMs: SECOND, attempts: 5 } as const;

const beside = { queue: 'control', heartbeat: 30 * SECOND, cancellation: 'TRY_CANCEL' } as const;
const planning = {
  ...beside,
  startToCloseMs: 20 * SECOND,
  retry: { firstMs: 500, attempts: 2 },
} as const;
const quickPlanning = { ...planning, survivesTimeouts: true } as const;
const control = { ...beside, startToCloseMs: 5 * MINUTE, retry: FOR_MINUTES } as const;
/** It counts exactly, which is slow in a large collection. */
const counting = { ...control, startToCloseMs: 15 * MINUTE } as const;
/** Somebody waits for the answer of a snapshot command. */
const administration = {
  ...control,
  retry: { firstMs: 500, longestMs: 5 * SECOND, attempts: 4 },
} as const;

const data = {
  queue: 'data',
  heartbeat: 'input',
  cancellation: 'WAIT_CANCELLATION_COMPLETED',
} as const;
const slice = { ...data, startToCloseMs: 15 * MINUTE, plus: 'budgetMs', retry: WITHOUT_END } as const;
/** It takes as long as it takes; a dead worker is noticed by its missing heartbeats. */
const endless = { ...data, startToCloseMs: 30 * DAY, retry: WITHOUT_END } as const;
const week = { ...data, startToCloseMs: 7 * DAY } as const;
const document = { ...data, startToCloseMs: 5 * MINUTE, retry: FOR_MINUTES } as const;
const longDocument = { ...document, startToCloseMs: HOUR } as const;
/** For a report: no worker in time, or a store that stays unavailable, is what it reports. */
const reading = {
  ...data,
  scheduleToStartMs: 5 * MINUTE,
  retry: { firstMs: SECOND, attempts: 3 },
  readsOnly: true,
} as const;
const recovery = { ...data, startToCloseMs: 30 * MINUTE, retry: FOR_MINUTES } as const;

/** Of an examination: it reports within seconds, and a worker that does not answer is a finding. */
export const EXAMINATION = {
  queue: 'data',
  heartbeat: 'none',
  startToCloseMs: 10 * SECOND,
  scheduleToStartMs: 5 * SECOND,
  retry: { firstMs: SECOND, attempts: 1 },
  cancellation: 'TRY_CANCEL',
} as const satisfies ActivityRow;

export const activityOptions = {
  // what every job over collections does
  resolveCollections: { ...quickPlanning, readsOnly: true },
  /** Seconds, and exact counts where replicas differ. */
  compareReplicas: { ...planning, startToCloseMs: 5 * MINUTE, readsOnly: true },
  describeHolder: { ...planning, startToCloseMs: 10 * SECOND, readsOnly: true },
  awaitReady: { ...control, plus: 'waitMs' },
  countPoints: { ...counting, readsOnly: true },

  // migration and verification
  planCollection: quickPlanning,
  planVerification: { ...quickPlanning, readsOnly: true },
  prepareTarget: control,
  renewStamp: control,
  closeStamp: control,
  releaseTarget: control,
  planSlices: { ...control, readsOnly: true },
  compareConfigurations: { ...control, readsOnly: true },
  copyAliases: control,
  copySlice: slice,
  digestSlice: { ...slice, readsOnly: true },
  compareSlice: slice,

  // snapshot migration
  planMove: quickPlanning,
  /** It also asks every shard. */
  lookAtReplacedTarget: counting,
  prepareMove: counting,
  markMoved: control,
  assignAliases: control,
  undoMove: control,
  moveShard: endless,
  placeBackup: { ...document, readsOnly: true },
  findLeftoverSnapshots: {
    ...data,
    startToCloseMs: 2 * MINUTE,
    retry: planning.retry,
    readsOnly: true,
  },

  // backup
  resolveBackup: { ...quickPlanning, readsOnly: true },
  /** It counts exactly, and waits for shards that are being transferred. */
  planCapture: counting,
  awaitOptimizers: { ...control, plus: 'waitMs', readsOnly: true },
  probeStore: { ...data, startToCloseMs: 5 * MINUTE, retry: FIVE_TIMES },
  openBackup: { ...data, startToCloseMs: 15 * MINUTE, retry: FIVE_TIMES },
  captureShard: endless,
  captureNode: endless,
  writeIdSet: endless,
  planPoints: longDocument,
  captureSlice: endless,
  writePointsManifest: longDocument,
  readOperations: { ...longDocument, readsOnly: true },
  /** Five minutes of searches, and the last of them; an unavailable store is no reason to search without end. */
  writeRecall: { ...data, startToCloseMs: 30 * MINUTE, retry: FIVE_TIMES },
  writeManifest: longDocument,
  checkObjects: { ...endless, readsOnly: true },
  writeComplete: document,
  writeBackup: longDocument,
  writeProof: recovery,
  listBackups: { ...longDocument, readsOnly: true },
  showBackup: { ...longDocument, readsOnly: true },

  // retention
  /** Another prune may hold the lease of the store, and a worker may die: what is removed stays removed. */
  pruneStore: { ...week, retry: FOR_MINUTES, survivesTimeouts: true },

  // checks
  /** Wrong aliases fail at once; every schedule and queue is asked for. */
  surveyCheck: { ...planning, startToCloseMs: 5 * MINUTE, readsOnly: true },
  listProtected: { ...planning, startToCloseMs: MINUTE, readsOnly: true },
  checkProtection: { ...reading, startToCloseMs: 2 * HOUR },
  measureStore: { ...reading, startToCloseMs: 2 * HOUR },
  lookAtDisks: EXAMINATION,
  /** Its last attempt returns what failed: a check does not fail because nobody could be told. */
  announceHealth: { ...control, retry: { firstMs: 2 * SECOND, attempts: 4 } },

  // recovery
  locateStore: { ...planning, heartbeat: 'none', retry: { firstMs: 500, attempts: 5 } },
  resolveRecovery: { ...recovery, retry: FIVE_TIMES },
  /** Reads every byte with `precheck: full`. */
  planRecovery: { ...week, retry: FIVE_TIMES },
  lookAtReplaced: recovery,
  /** Deletes what an earlier attempt made, and Qdrant then waits for what it is still recovering. */
  prepareRecovery: { ...week, retry: FOR_MINUTES },
  recoverShard: { ...week, retry: WITHOUT_END },
  recoverSlice: endless,
  /** Reads every id, and begins again after a failure. */
  removeReturned: { ...week, retry: FOR_MINUTES },
  replayRecall: { ...recovery, startToCloseMs: 2 * HOUR },
  finishRecovery: { ...recovery, startToCloseMs: 6 * HOUR },
  keepRecovered: recovery,
  undoRecovery: { ...week, retry: FOR_MINUTES },

  // administration of Qdrant's own snapshots
  locateSnapshots: { ...administration, startToCloseMs: 20 * SECOND },
  listOnNodes: administration,
  findHolders: administration,
  deleteOnNode: { ...administration, startToCloseMs: 10 * MINUTE },
  planSnapshotRecovery: { ...administration, startToCloseMs: 15 * MINUTE },
  lookAtRecovered: { ...administration, startToCloseMs: 15 * MINUTE },
  removeEmpty: { ...administration, startToCloseMs: 15 * MINUTE },
  /** Each attempt may leave a file on the node. */
  createOnNode: { ...week, retry: { firstMs: 2 * SECOND, longestMs: 30 * SECOND, attempts: 4 } },
  recoverOnNode: { ...week, retry: { firstMs: 2 * SECOND, longestMs: 30 * SECOND, attempts: 6 } },
  downloadToStore: { ...week, retry: WITHOUT_END },
  /** For an hour: what is not recorded is never deleted. Not without end, for the lock is held meanwhile. */
  recordSnapshot: { ...document, retry: { firstMs: SECOND, longestMs: 2 * MINUTE, attempts: 35 } },
  removeOlder: longDocument,

  // examination of a store
  locateStoreWorkers: {
    ...planning,
    heartbeat: 'none',
    startToCloseMs: 10 * SECOND,
    scheduleToStartMs: 5 * SECOND,
  },
  leaveMarker: EXAMINATION,
  seeMarker: EXAMINATION,
  removeMarker: EXAMINATION,
} as const satisfies Record<ActivityName, ActivityRow>;

/** Of an activity by the name that Temporal gives. */
export function startsBeforeItsLease(activityType: string): boolean {
  const rows: Partial<Record<string, ActivityRow>> = activityOptions;
  return rows[activityType]?.readsOnly === true;
}
