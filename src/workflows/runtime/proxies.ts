// Every activity's time-outs and retries, in one table. Planning gives up within seconds, so that wrong input is
// answered at once; other control calls try for some minutes; data activities try for ever and judge a stall themselves.

import {
  ActivityCancellationType,
  ActivityFailure,
  TimeoutFailure,
  proxyActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { ControlActivities, DataActivities } from '../../model/contracts/activities.js';
import type { MoveActivities, MoveControlActivities } from '../../model/contracts/move-activities.js';
import type {
  BackupControlActivities,
  BackupStoreActivities,
} from '../../model/contracts/backup-activities.js';

/** For the lease: an attempt that lost Temporal stops writing before another one begins. */
const LEASED: ActivityOptions = { heartbeatTimeout: '30s' };
const AT_ONCE: ActivityOptions = {
  ...LEASED,
  startToCloseTimeout: '20s',
  retry: { initialInterval: '500ms', maximumAttempts: 2 },
};
const PATIENT: ActivityOptions = {
  ...LEASED,
  startToCloseTimeout: '5m',
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 10 },
};

type ShortActivities = ControlActivities & BackupControlActivities & MoveControlActivities;
type HeldActivities = BackupStoreActivities & MoveActivities;

const control: Record<keyof ShortActivities, ActivityOptions> = {
  resolveBackup: AT_ONCE,
  /** It counts exactly, and looks again when shards are on their way. */
  planCapture: { ...PATIENT, startToCloseTimeout: '15m' },
  /** Its start-to-close is the wait that was asked for, see below. */
  awaitOptimizers: { ...PATIENT, heartbeatTimeout: '30s' },
  resolveCollections: AT_ONCE,
  /** Seconds of looking, and exact counts where something differs. */
  compareReplicas: { ...AT_ONCE, startToCloseTimeout: '5m' },
  planCollection: AT_ONCE,
  planMove: AT_ONCE,
  /** It counts exactly, and asks every shard. */
  lookAtReplacedTarget: { ...PATIENT, startToCloseTimeout: '15m' },
  prepareMove: { ...PATIENT, startToCloseTimeout: '15m' },
  markMoved: PATIENT,
  assignAliases: PATIENT,
  undoMove: PATIENT,
  planVerification: AT_ONCE,
  describeHolder: { ...AT_ONCE, startToCloseTimeout: '10s' },
  prepareTarget: PATIENT,
  renewStamp: PATIENT,
  closeStamp: PATIENT,
  releaseTarget: PATIENT,
  planSlices: PATIENT,
  compareConfigurations: PATIENT,
  copyAliases: PATIENT,
  /** An exact count of a large collection is slow. */
  countPoints: { ...PATIENT, startToCloseTimeout: '15m' },
  /** Its start-to-close is the wait asked for, see below. */
  awaitReady: PATIENT,
};

const CLAIM_MARGIN_MS = 15 * 60_000;

type Input<F> = F extends (input: infer I) => unknown ? I : never;
type Output<F> = F extends (input: never) => Promise<infer R> ? R : never;

/** A worker that dies in a call shall not use up the few attempts that planning has. */
const DEATHS_SURVIVED = 5;

export async function runControl<K extends keyof ShortActivities>(
  name: K,
  input: Input<ShortActivities[K]>,
  summary: string,
): Promise<Output<ShortActivities[K]>> {
  for (let deaths = 0; ; deaths += 1) {
    try {
      return await callControl(name, input, summary);
    } catch (error) {
      const timedOut = error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
      if (!timedOut || control[name] !== AT_ONCE || deaths === DEATHS_SURVIVED) throw error;
    }
  }
}

function callControl<K extends keyof ShortActivities>(
  name: K,
  input: Input<ShortActivities[K]>,
  summary: string,
): Promise<Output<ShortActivities[K]>> {
  const waited = 'waitMs' in input ? { startToCloseTimeout: input.waitMs + 5 * 60_000 } : {};
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    ...control[name],
    ...waited,
    summary,
  });
  return activities[name]?.(input) as Promise<Output<ShortActivities[K]>>;
}

export function runData<K extends keyof DataActivities>(
  name: K,
  input: Input<DataActivities[K]>,
  where: { taskQueue: string; heartbeatSeconds: number },
): Promise<Output<DataActivities[K]>> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    taskQueue: where.taskQueue,
    summary: input.what,
    heartbeatTimeout: where.heartbeatSeconds * 1_000,
    startToCloseTimeout: input.budgetMs + CLAIM_MARGIN_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { initialInterval: '2s', maximumInterval: '2m' },
  });
  return activities[name]?.(input) as Promise<Output<DataActivities[K]>>;
}

/** Days for a shard: it ends when it ends, and a dead worker is known by its silence. */
const AS_LONG_AS_IT_TAKES: ActivityOptions = {
  startToCloseTimeout: '30d',
  retry: { initialInterval: '2s', maximumInterval: '2m' },
};

const held: Record<keyof HeldActivities, ActivityOptions> = {
  /** Access refused is said at once; a store that is away may come back. */
  probeStore: { startToCloseTimeout: '5m', retry: { initialInterval: '1s', maximumAttempts: 5 } },
  captureShard: AS_LONG_AS_IT_TAKES,
  captureNode: AS_LONG_AS_IT_TAKES,
  writeIdSet: AS_LONG_AS_IT_TAKES,
  readOperations: { ...PATIENT, startToCloseTimeout: '1h' },
  moveShard: AS_LONG_AS_IT_TAKES,
  placeBackup: PATIENT,
  findLeftoverSnapshots: { ...AT_ONCE, startToCloseTimeout: '2m' },
  checkObjects: AS_LONG_AS_IT_TAKES,
  /** Five minutes of searches, and the last of them; a store that stays away is no reason to search for ever. */
  writeRecall: {
    ...PATIENT,
    startToCloseTimeout: '30m',
    retry: { initialInterval: '1s', maximumAttempts: 5 },
  },
  writeManifest: { ...PATIENT, startToCloseTimeout: '1h' },
  writeComplete: PATIENT,
  /** Another cluster is said at once; a store that is away may come back. */
  openBackup: { startToCloseTimeout: '15m', retry: { initialInterval: '1s', maximumAttempts: 5 } },
  writeBackup: { ...PATIENT, startToCloseTimeout: '1h' },
  writeProof: PATIENT,
  listBackups: { ...PATIENT, startToCloseTimeout: '1h' },
  showBackup: { ...PATIENT, startToCloseTimeout: '1h' },
};

export function runStore<K extends keyof HeldActivities>(
  name: K,
  input: Input<HeldActivities[K]>,
  where: { taskQueue: string; heartbeatSeconds: number; summary: string },
): Promise<Output<HeldActivities[K]>> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    ...held[name],
    taskQueue: where.taskQueue,
    summary: where.summary,
    heartbeatTimeout: where.heartbeatSeconds * 1_000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return activities[name]?.(input) as Promise<Output<HeldActivities[K]>>;
}
