// Time-outs of an examination: short, and one attempt each. Whoever asks is waiting, and no answer is an answer.

import {
  ActivityFailure,
  ActivityCancellationType,
  TimeoutFailure,
  proxyActivities,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { ProbeStoreInput, ProbeStoreResult } from '../../model/contracts/backup-activities.js';
import type {
  ExaminationControlActivities,
  LocateStoreWorkersResult,
  MarkerActivities,
} from '../../model/contracts/store-examination.js';

export type Asked = MarkerActivities & { probeStore(input: ProbeStoreInput): Promise<ProbeStoreResult> };

const ONCE: ActivityOptions = { startToCloseTimeout: '10s', retry: { maximumAttempts: 1 } };
/** On a shared queue a question may stand behind work. */
const WITHIN = { own: '5s', shared: '10s' } as const;

export function locateStoreWorkers(store: string): Promise<LocateStoreWorkersResult> {
  const activities = proxyActivities<ExaminationControlActivities>({
    ...ONCE,
    scheduleToStartTimeout: '5s',
    retry: { initialInterval: '500ms', maximumAttempts: 2 },
    summary: `who works for ${store}`,
  });
  return activities.locateStoreWorkers({ store });
}

export function ask(taskQueue: string, kind: keyof typeof WITHIN, summary: string): Asked {
  return proxyActivities<Asked>({
    ...ONCE,
    taskQueue,
    summary,
    scheduleToStartTimeout: WITHIN[kind],
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/** Nobody took the question, or whoever took it did not come back with an answer. */
export function isSilence(error: unknown): boolean {
  return error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
}
