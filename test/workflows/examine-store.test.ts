// The examination of a store, with workers that are there, dead, or unable: it ends soon, and tells them apart.

import { randomUUID } from 'node:crypto';
import { Worker } from '@temporalio/worker';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ownQueueOf } from '../../src/model/names.js';
import type {
  LocateStoreWorkersResult,
  StoreExamination,
} from '../../src/model/contracts/store-examination.js';
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

/** A disk of a worker: markers by their nonce. */
function witness(disk: Set<string>, more: object = {}) {
  return {
    probeStore: async () => ({ limitations: [] }),
    leaveMarker: async ({ nonce }: { nonce: string }) => void disk.add(nonce),
    seeMarker: async ({ nonce }: { nonce: string }) => ({ sees: disk.has(nonce) }),
    removeMarker: async ({ nonce }: { nonce: string }) => void disk.delete(nonce),
    ...more,
  };
}

async function examine(
  place: Omit<LocateStoreWorkersResult, 'store'>,
  living: Record<string, object>,
): Promise<StoreExamination> {
  const queue = `test-${randomUUID()}`;
  const locateStoreWorkers = async () => ({ store: 'disk', ...place });
  const open = (taskQueue: string, activities: object, more: object = {}) =>
    Worker.create({ connection: lab.env.nativeConnection, taskQueue, activities, ...more });
  const control = await open(queue, { locateStoreWorkers }, { workflowBundle: lab.bundle });
  const others = await Promise.all(
    Object.entries(living).map(([name, activities]) => open(name, activities)),
  );
  const running = others.map((worker) => worker.run());
  const examination = await control.runUntil(
    lab.env.client.workflow.execute('examineStore', {
      taskQueue: queue,
      workflowId: randomUUID(),
      args: [{ store: 'disk' }],
    }) as Promise<StoreExamination>,
  );
  for (const worker of others) worker.shutdown();
  await Promise.all(running);
  return examination;
}

const statesOf = ({ looks }: StoreExamination) =>
  Object.fromEntries(looks.map(({ worker, queues, state }) => [worker ?? queues.join(), state]));

it('reports which workers see the marker, have another disk, do not answer, or have stopped', async () => {
  const [disk, elsewhere] = [new Set<string>(), new Set<string>()];
  const names = ['first', 'second', 'blind', 'silent', 'gone'].map((name) => `${name}-${randomUUID()}`);
  const [first, second, blind, silent, gone] = names as [string, string, string, string, string];
  const workers = names.map((worker) => ({ worker, silentMs: worker === gone ? 70_000 : 1_000 }));
  const examination = await examine(
    {
      kind: 'file',
      hasOwnQueue: true,
      queues: [
        { queue: 'of the disk', workers },
        { queue: 'another', workers: workers.slice(0, 1) },
      ],
    },
    {
      [ownQueueOf(first)]: witness(disk),
      [ownQueueOf(second)]: witness(disk),
      [ownQueueOf(blind)]: witness(elsewhere),
    },
  );
  expect(statesOf(examination)).toEqual({
    [first]: 'well',
    [second]: 'well',
    [blind]: 'blind',
    [silent]: 'silent',
    [gone]: 'gone',
  });
  expect(examination.markedBy).toBe(first);
  expect(examination.looks[0]?.queues).toEqual(['of the disk', 'another']);
  expect(disk.size + elsewhere.size).toBe(0);
});

it('removes the marker, and reports it, also when a later step fails', async () => {
  const disk = new Set<string>();
  const [first, second] = [`first-${randomUUID()}`, `second-${randomUUID()}`];
  const refuse = async () => {
    throw ApplicationFailure.nonRetryable('the disk failed', 'StoreUnreachable');
  };
  const workers = [first, second].map((worker) => ({ worker, silentMs: 0 }));
  const examination = await examine(
    { kind: 'file', hasOwnQueue: true, queues: [{ queue: 'of the disk', workers }] },
    { [ownQueueOf(first)]: witness(disk), [ownQueueOf(second)]: witness(disk, { seeMarker: refuse }) },
  );
  expect(examination.looks[1]).toMatchObject({
    state: 'failed',
    says: 'StoreUnreachable: the disk failed',
  });
  expect(disk.size).toBe(0);
});

it('examines one worker of each queue of a bucket, and does not wait for a queue without workers', async () => {
  const [served, busy] = [`served-${randomUUID()}`, `busy-${randomUUID()}`];
  const workers = [{ worker: 'listed', silentMs: 0 }];
  const examination = await examine(
    {
      kind: 's3',
      hasOwnQueue: false,
      queues: [
        { queue: served, workers },
        { queue: busy, workers },
        { queue: 'nobody is listed here', workers: [] },
      ],
    },
    { [served]: { probeStore: async () => ({ limitations: ['It lacks something.'] }) } },
  );
  expect(statesOf(examination)).toEqual({ [served]: 'well', [busy]: 'silent' });
  expect(examination.looks[0]?.limitations).toEqual(['It lacks something.']);
  expect(examination.queues).toContain('nobody is listed here');
  expect(examination.markedBy).toBeUndefined();
});
