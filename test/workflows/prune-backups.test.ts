// The workflow of a prune: where its activity runs, and what it makes of failures.

import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PruneStoreInput, PruneStoreResult } from '../../src/model/contracts/prune-activities.js';
import { exportOneOfEach, wantsHistories } from '../support/histories.js';
import { WorkflowLab } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(async () => {
  if (wantsHistories()) await exportOneOfEach(lab.env.client);
  await lab.close();
});

const PRUNED: PruneStoreResult = {
  store: 'offsite',
  dryRun: false,
  kept: 30,
  removed: 1,
  removedBytes: 7,
  backups: [],
  swept: { objects: 0, bytes: 0, uploads: 0 },
  left: [],
};

async function prune(
  input: object,
  pruneStore: (input: PruneStoreInput) => Promise<PruneStoreResult>,
): Promise<PruneStoreResult> {
  const [control, data] = [`control-${randomUUID()}`, `data-${randomUUID()}`];
  const workers = [{ worker: 'a worker', silentMs: 1 }];
  const locateStoreWorkers = async () => ({
    ...{ store: 'offsite', kind: 's3', hasOwnQueue: false },
    queues: [
      { queue: 'nobody polls it', workers: [] },
      { queue: data, workers },
    ],
  });
  const { nativeConnection: connection, client } = lab.env;
  const options = { connection, workflowBundle: lab.bundle };
  const first = await Worker.create({ ...options, taskQueue: control, activities: { locateStoreWorkers } });
  const second = await Worker.create({ connection, taskQueue: data, activities: { pruneStore } });
  const running = second.run();
  const asked = { taskQueue: control, workflowId: randomUUID(), args: [input] };
  try {
    return await first.runUntil(client.workflow.execute('pruneBackups', asked) as Promise<PruneStoreResult>);
  } finally {
    second.shutdown();
    await running;
  }
}

it('prunes on a queue that has workers, and waits for another prune to end', async () => {
  const asked: PruneStoreInput[] = [];
  const result = await prune({ keepDays: 30 }, async (input) => {
    asked.push(input);
    if (asked.length === 1) throw ApplicationFailure.retryable('Somebody is pruning it', 'PruneBusy');
    return PRUNED;
  });
  expect(result).toEqual(PRUNED);
  const defaults = { minimum: 2, timezone: 'UTC', unusableAfterDays: 7, dryRun: false };
  expect(asked).toEqual([0, 1].map(() => ({ store: 'offsite', keepDays: 30, ...defaults })));
});

it('fails at once, by its code, where the store is readOnly', async () => {
  let attempts = 0;
  const failing = prune({ keepLast: 7 }, async () => {
    attempts += 1;
    throw ApplicationFailure.nonRetryable('ferry.yaml marks it', 'StoreReadOnly');
  });
  await expect(failing).rejects.toMatchObject({ cause: { type: 'StoreReadOnly' } });
  expect(attempts).toBe(1);
});

it('refuses an input that says nothing to keep before it asks anybody', async () => {
  const failing = prune({ minimum: 3 }, async () => PRUNED);
  await expect(failing).rejects.toBeInstanceOf(WorkflowFailedError);
  await expect(failing).rejects.toMatchObject({ cause: { type: 'InvalidInput' } });
});
