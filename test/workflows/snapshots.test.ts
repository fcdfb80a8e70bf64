// The order in which snapshots are made and recovered, over activities that answer at once: who is asked first, what is
// locked, and what is put right after a failure.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { captureLockId } from '../../src/model/format/backup-names.js';
import { writeLockId } from '../../src/model/names.js';
import type {
  CreateOnNodeInput,
  RecoverSnapshotResult,
} from '../../src/model/contracts/snapshot-activities.js';
import { WorkflowLab } from '../support/workflow-lab.js';

let lab: WorkflowLab;
beforeAll(async () => {
  lab = await WorkflowLab.open();
});
afterAll(async () => lab.close());

const refuse = (code: string, message = code) => {
  throw ApplicationFailure.nonRetryable(message, code);
};

/** Activities by name, on top of those that find nothing wrong; the names of all that were called. */
function activitiesOf(queue: string, more: Record<string, (input: never) => unknown>) {
  const called: string[] = [];
  const ordinary: typeof more = {
    locateSnapshots: () => ({ dataQueue: queue }),
    planSnapshotRecovery: () => ({ node: 'http://n0', exists: false, notes: [] }),
    recoverOnNode: () => ({ bytes: 5, sha256: 'ab' }),
    awaitReady: () => ({ ready: true }),
    lookAtRecovered: () => ({ points: 7 }),
    removeEmpty: () => ({ removed: true }),
    describeHolder: () => ({ holder: 'somebody' }),
    ...more,
  };
  const activities = Object.fromEntries(
    Object.entries(ordinary).map(([name, work]) => [
      name,
      async (input: never) => {
        called.push(name);
        return work(input);
      },
    ]),
  );
  return { called, activities };
}

async function run(type: string, input: object, more: Record<string, (input: never) => unknown>) {
  const queue = `test-${randomUUID()}`;
  const { called, activities } = activitiesOf(queue, more);
  const { client, nativeConnection: connection } = lab.env;
  const worker = await Worker.create({
    connection,
    taskQueue: queue,
    activities,
    workflowBundle: lab.bundle,
  });
  return worker.runUntil(async () => {
    const order = { taskQueue: queue, workflowId: randomUUID(), args: [input] };
    const handle = await client.workflow.start(type, order);
    const ended = await handle.result().then(
      (result: unknown) => ({ result }),
      (error: WorkflowFailedError) => ({ failure: error.cause as ApplicationFailure }),
    );
    return { called, result: undefined, failure: undefined, ...ended };
  });
}

const cluster = () => `c-${randomUUID().slice(0, 8)}`;
const recovery = (more: object = {}) => ({
  ...{ cluster: cluster(), collection: 'docs', object: 'x.snapshot', priority: 'snapshot' },
  ...more,
});

it('creates one node’s snapshot after the other, and reports those created when one fails', async () => {
  const nodes = ['http://n0', 'http://n1', 'http://n2'];
  const running: string[] = [];
  const { failure } = await run(
    'createSnapshot',
    { cluster: cluster(), collection: 'docs' },
    {
      findHolders: () => ({ collection: 'docs', holders: nodes.map((node) => ({ node })), notes: [] }),
      createOnNode: async ({ node }: CreateOnNodeInput) => {
        running.push(node);
        expect(running).toHaveLength(1);
        await new Promise((resolve) => setTimeout(resolve, 50));
        running.pop();
        if (node === 'http://n1') refuse('SnapshotCollision', 'n1 collided');
        return { made: { node, name: `of-${node.slice(-2)}.snapshot`, bytes: 1 }, notes: [] };
      },
    },
  );
  expect(failure?.type).toBe('SnapshotCollision');
  expect(failure?.message).toBe(
    'n1 collided Made: of-n0.snapshot on http://n0, of-n2.snapshot on http://n2.',
  );
});

it('creates nothing when one of the nodes does not answer', async () => {
  const { called, failure } = await run(
    'createSnapshot',
    { cluster: cluster() },
    { findHolders: () => refuse('ClusterUnreachable') },
  );
  expect([failure?.type, called]).toEqual(['ClusterUnreachable', ['locateSnapshots', 'findHolders']]);
});

it.each([
  ['createSnapshot', captureLockId],
  ['recoverSnapshot', writeLockId],
])('%s does nothing while another job has the lock, and names it', async (type, lockOf) => {
  const { object: _object, priority: _priority, ...place } = recovery();
  const input = type === 'createSnapshot' ? place : recovery();
  const holder = await lab.env.client.workflow.start('examineStore', {
    taskQueue: 'nobody works here',
    workflowId: lockOf(input.cluster, 'docs'),
    args: [{ store: 's' }],
  });
  const findHolders = () => ({ collection: 'docs', holders: [{ node: 'http://n0' }], notes: [] });
  const { called, failure } = await run(type, input, { findHolders });
  expect([failure?.type, failure?.message]).toEqual(['CollectionBusy', expect.stringContaining('somebody')]);
  expect(called).not.toContain('createOnNode');
  expect(called).not.toContain('planSnapshotRecovery');
  await holder.terminate();
});

it('keeps the lock after a cancellation until the node was left and what is empty removed', async () => {
  const input = recovery({ heartbeatSeconds: 2 });
  const lock = lab.env.client.workflow.getHandle(writeLockId(input.cluster, 'docs'));
  const stateOfLock = async () => (await lock.describe()).status.name;
  const seen: string[] = [];
  const { failure } = await run('recoverSnapshot', input, {
    recoverOnNode: async () => {
      const { info, heartbeat, cancelled, sleep } = Context.current();
      await lab.env.client.workflow.getHandle(info.workflowExecution?.workflowId ?? '').cancel();
      const beats = setInterval(() => heartbeat(), 100);
      await cancelled.catch(() => undefined).finally(() => clearInterval(beats));
      seen.push(await stateOfLock());
      await sleep(0);
    },
    removeEmpty: async () => ({ removed: seen.push(await stateOfLock()) > 0 }),
  });
  expect(failure?.name).toBe('CancelledFailure');
  expect(seen).toEqual(['RUNNING', 'RUNNING']);
  expect(await stateOfLock()).toBe('COMPLETED');
});

it('recovers, waits for the replicas, and only then counts', async () => {
  const { called, result } = await run('recoverSnapshot', recovery(), {});
  expect(called).toEqual([
    'locateSnapshots',
    'planSnapshotRecovery',
    'recoverOnNode',
    'awaitReady',
    'lookAtRecovered',
  ]);
  expect((result as RecoverSnapshotResult).points).toEqual({ after: 7 });
});

it('refuses a recovery without points, unless the input allows it', async () => {
  const empty = { lookAtRecovered: () => ({ points: 0 }) };
  const { called, failure } = await run('recoverSnapshot', recovery(), empty);
  expect([failure?.type, called.at(-1)]).toEqual(['RecoveredEmpty', 'removeEmpty']);
  expect(failure?.message).toContain('was removed again');
  const allowed = await run('recoverSnapshot', recovery({ allowEmpty: true }), empty);
  expect((allowed.result as RecoverSnapshotResult).points).toEqual({ after: 0 });
});

it('counts the points of the shard when a shard was recovered', async () => {
  const look = { lookAtRecovered: () => ({ points: 7, shardPoints: 0 }) };
  const { failure } = await run('recoverSnapshot', recovery({ shard: 1, replace: true }), look);
  expect([failure?.type, failure?.message]).toEqual([
    'RecoveredEmpty',
    expect.stringContaining('shard 1 of "docs"'),
  ]);
});

it('removes nothing of a collection that was there before', async () => {
  const { called, failure } = await run('recoverSnapshot', recovery({ replace: true }), {
    planSnapshotRecovery: () => ({ node: 'http://n0', exists: true, before: 9, notes: [] }),
    recoverOnNode: () => refuse('SnapshotDamaged'),
  });
  expect([failure?.type, called.includes('removeEmpty')]).toEqual(['SnapshotDamaged', false]);
});
