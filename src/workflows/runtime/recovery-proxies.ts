// Time-outs and retries of the activities of a recovery. Planning and finding give up soon, so that wrong input is
// answered at once, but may read for long; shards try for ever and judge a stall themselves.

import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { WriteProofInput } from '../../model/contracts/backup-activities.js';
import type {
  LocateStoreInput,
  LocateStoreResult,
  RecoveryActivities,
  RecoveryControlActivities,
} from '../../model/contracts/recovery-activities.js';

type StoreActivities = RecoveryActivities & { writeProof(input: WriteProofInput): Promise<void> };

const PATIENT: ActivityOptions = {
  startToCloseTimeout: '30m',
  retry: { initialInterval: '1s', maximumInterval: '30s', maximumAttempts: 10 },
};
const LONG: ActivityOptions = { ...PATIENT, startToCloseTimeout: '7d' };

const table: Record<keyof StoreActivities, ActivityOptions> = {
  resolveRecovery: { ...PATIENT, retry: { initialInterval: '1s', maximumAttempts: 5 } },
  /** Reads every byte with `precheck: full`. */
  planRecovery: { ...LONG, retry: { initialInterval: '1s', maximumAttempts: 5 } },
  lookAtReplaced: PATIENT,
  /** Deletes what an earlier attempt made, and Qdrant waits then for what it still recovers. */
  prepareRecovery: LONG,
  recoverShard: { startToCloseTimeout: '7d', retry: { initialInterval: '2s', maximumInterval: '2m' } },
  /** Reads every id, and begins again after a failure. */
  removeReturned: LONG,
  replayRecall: { ...PATIENT, startToCloseTimeout: '2h' },
  finishRecovery: { ...PATIENT, startToCloseTimeout: '6h' },
  keepRecovered: PATIENT,
  undoRecovery: LONG,
  writeProof: PATIENT,
};

export interface StoreQueue {
  taskQueue: string;
  heartbeatSeconds: number;
}

export function runRecovery<K extends keyof StoreActivities>(
  name: K,
  input: Parameters<StoreActivities[K]>[0],
  summary: string,
  { taskQueue, heartbeatSeconds }: StoreQueue,
): ReturnType<StoreActivities[K]> {
  const activities = proxyActivities<Record<string, (input: unknown) => Promise<unknown>>>({
    ...table[name],
    taskQueue,
    summary,
    heartbeatTimeout: heartbeatSeconds * 1_000,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return activities[name]?.(input) as ReturnType<StoreActivities[K]>;
}

export function locateStore(input: LocateStoreInput): Promise<LocateStoreResult> {
  const activities = proxyActivities<RecoveryControlActivities>({
    startToCloseTimeout: '20s',
    retry: { initialInterval: '500ms', maximumAttempts: 5 },
    summary: 'which store, and who sees it',
  });
  return activities.locateStore(input);
}
