// Time-outs and retries of the activities that administer snapshots. What only looks or removes gives up soon, so that
// who waits is answered; what makes, moves or recovers a file takes as long as it takes, and a dead worker is known by
// its silence.

import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type {
  SnapshotControlActivities,
  SnapshotDataActivities,
} from '../../model/contracts/snapshot-activities.js';

const SOON: ActivityOptions = {
  heartbeatTimeout: '30s',
  startToCloseTimeout: '5m',
  retry: { initialInterval: '500ms', maximumInterval: '5s', maximumAttempts: 4 },
};
/** An exact count of a large collection is slow. */
const COUNTING: ActivityOptions = { ...SOON, startToCloseTimeout: '15m' };

const control: Record<keyof SnapshotControlActivities, ActivityOptions> = {
  locateSnapshots: { ...SOON, startToCloseTimeout: '20s' },
  listOnNodes: SOON,
  findHolders: SOON,
  deleteOnNode: { ...SOON, startToCloseTimeout: '10m' },
  planSnapshotRecovery: COUNTING,
  lookAtRecovered: COUNTING,
  removeEmpty: COUNTING,
};

const AS_LONG_AS_IT_TAKES: ActivityOptions = {
  startToCloseTimeout: '7d',
  retry: { initialInterval: '2s', maximumInterval: '2m' },
};

const data: Record<keyof SnapshotDataActivities, ActivityOptions> = {
  /** Each attempt may leave a file on the node. */
  createOnNode: {
    ...AS_LONG_AS_IT_TAKES,
    retry: { initialInterval: '2s', maximumInterval: '30s', maximumAttempts: 4 },
  },
  recoverOnNode: {
    ...AS_LONG_AS_IT_TAKES,
    retry: { initialInterval: '2s', maximumInterval: '30s', maximumAttempts: 6 },
  },
  downloadToStore: AS_LONG_AS_IT_TAKES,
};

export function runSnapshotControl<K extends keyof SnapshotControlActivities>(
  name: K,
  input: Parameters<SnapshotControlActivities[K]>[0],
  summary: string,
): ReturnType<SnapshotControlActivities[K]> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    ...control[name],
    summary,
  });
  return activities[name]?.(input) as ReturnType<SnapshotControlActivities[K]>;
}

export function runSnapshotData<K extends keyof SnapshotDataActivities>(
  name: K,
  input: Parameters<SnapshotDataActivities[K]>[0],
  where: { taskQueue: string; heartbeatSeconds: number },
): ReturnType<SnapshotDataActivities[K]> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    ...data[name],
    taskQueue: where.taskQueue,
    summary: input.what,
    heartbeatTimeout: where.heartbeatSeconds * 1_000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return activities[name]?.(input) as ReturnType<SnapshotDataActivities[K]>;
}
