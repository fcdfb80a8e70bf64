// Who works for a store: ferry.yaml says on which queues, Temporal says who polls them.

import type { Client } from '@temporalio/client';
import type { ExaminationDependencies } from '../activities/examination-activities.js';
import { isDisk, queuesOfStore, requireStore, type FerryConfig } from '../model/ferry-config.js';
import type { QueueWorker } from '../model/contracts/store-examination.js';

/** temporal.api.enums.v1.TaskQueueType */
const TYPES = { workflow: 1, activity: 2 } as const;

export function examinationDependencies(config: FerryConfig, client: Client): ExaminationDependencies {
  return {
    placeOf: (alias) => {
      const store = requireStore(config, alias);
      return {
        store: store.alias,
        kind: isDisk(store) ? 'file' : 's3',
        hasOwnQueue: store.taskQueue !== undefined,
        ...(store.readOnly ? { isReadOnly: true as const } : {}),
        queues: queuesOfStore(config, store),
      };
    },
    workersOf: (queue) => workersOf(client, queue),
  };
}

/** In order of when they last asked. */
export async function workersOf(
  client: Client,
  queue: string,
  of: keyof typeof TYPES = 'activity',
): Promise<QueueWorker[]> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: TYPES[of],
  });
  const now = Date.now();
  const listed = (pollers ?? []).map(({ identity, lastAccessTime }) => ({
    worker: identity ?? '',
    silentMs: Math.max(0, now - Number(lastAccessTime?.seconds ?? 0) * 1_000),
  }));
  return listed.filter(({ worker }) => worker !== '').sort((a, b) => a.silentMs - b.silentMs);
}
