// The order in which snapshots are made and recovered, over activities that answer at once: who is asked first, what is
// locked, and what is put right after a failure.

import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureLockId } from '../../src/model/format/backup-names.js';
import { writeLockId } from '../../src/model/names.js';
import type {
  CreateOnNodeInput,
  LocateSnapshotsInput,
  RecordSnapshotInput,
  RecoverSnapshotResult,
  RemoveOlderInput,
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
    locateSnapshots: ({ store }: LocateSnapshotsInput) =>
      store === undefined ? { dataQueue: queue } : { dataQueue: queue, store: 'offsite', storeQueue: queue },
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

describe('with keepOnNode', () => {
  const nodes = ['http://n0', 'http://n1'];
  const madeOn = (node: string) => ({ node, name: `of-${node.slice(-2)}.snapshot`, bytes: 1, sha256: 'ab' });
  /** What each of them was asked about, in order. */
  const keeping = (log: string[], more: Record<string, (input: never) => unknown> = {}) => ({
    findHolders: () => ({ collection: 'docs', holders: nodes.map((node) => ({ node })), notes: ['A note.'] }),
    probeStore: ({ store }: { store: string }) => void log.push(`probe ${store}`),
    createOnNode: ({ node }: CreateOnNodeInput) => {
      log.push(`create ${node}`);
      return { made: madeOn(node), notes: [] };
    },
    recordSnapshot: ({ made }: RecordSnapshotInput) => void log.push(`record ${made.node}`),
    removeOlder: ({ made, keep }: RemoveOlderInput) => {
      log.push(`keep ${keep} on ${made.node}`);
      return { removed: [`old-${made.node.slice(-2)}.snapshot`], notOurs: 1, notes: [`Of ${made.node}.`] };
    },
    ...more,
  });
  const asked = { collection: 'docs', keepOnNode: 2 };
  const create = (log: string[], more: Record<string, (input: never) => unknown> = {}) =>
    run('createSnapshot', { cluster: cluster(), ...asked }, keeping(log, more));

  it('records each where it was made, and removes older ones when all are made', async () => {
    const log: string[] = [];
    const { result } = await create(log);
    expect(log).toEqual([
      'probe offsite',
      ...['create http://n0', 'record http://n0', 'create http://n1', 'record http://n1'],
      ...['keep 2 on http://n0', 'keep 2 on http://n1'],
    ]);
    expect(result).toMatchObject({
      made: nodes.map(madeOn),
      removed: nodes.map((node) => ({ node, name: `old-${node.slice(-2)}.snapshot` })),
      notOurs: nodes.map((node) => ({ node, count: 1 })),
      notes: ['A note.', 'Of http://n0.', 'Of http://n1.'],
    });
  });

  it('asks for no store, and says nothing of older ones, without it', async () => {
    const { called, result } = await run(
      'createSnapshot',
      { cluster: cluster(), collection: 'docs' },
      keeping([]),
    );
    expect(called).toEqual(['locateSnapshots', 'findHolders', 'createOnNode', 'createOnNode']);
    expect(Object.keys(result as object).sort()).toEqual([
      'cluster',
      'collection',
      'made',
      'notes',
      'seconds',
    ]);
  });

  it.each([
    ['there is no store', 'locateSnapshots', 'UnknownAlias', ['locateSnapshots']],
    ['the store cannot be written', 'probeStore', 'StoreAccessDenied', undefined],
  ])('makes nothing where %s', async (_, activity, code, only) => {
    const log: string[] = [];
    const { called, failure } = await create(log, { [activity]: () => refuse(code) });
    expect([failure?.type, log]).toEqual([code, []]);
    expect(called).toEqual(only ?? ['locateSnapshots', 'findHolders', 'probeStore']);
  });

  it('removes nothing anywhere when one node made none, and has recorded those made', async () => {
    const log: string[] = [];
    const { failure } = await create(log, {
      createOnNode: ({ node }: CreateOnNodeInput) =>
        node === 'http://n0' ? refuse('SnapshotCollision', 'n0 collided') : { made: madeOn(node), notes: [] },
    });
    expect([failure?.type, log]).toEqual(['SnapshotCollision', ['probe offsite', 'record http://n1']]);
  });

  it('removes nothing when one is not recorded, and names it', async () => {
    const log: string[] = [];
    const { failure } = await create(log, { recordSnapshot: () => refuse('StoreFull', 'No room.') });
    expect([failure?.type, log.filter((line) => line.startsWith('keep'))]).toEqual(['StoreFull', []]);
    expect(failure?.message).toBe(
      'of-n0.snapshot on http://n0 is made and not recorded, so no job will delete it: No room. 1 other node failed too. Made: of-n0.snapshot on http://n0, of-n1.snapshot on http://n1.',
    );
  });

  it('tries again to record, and to remove, and goes on with the other nodes', async () => {
    const log: string[] = [];
    let [records, removals] = [0, 0];
    const ordinary = keeping(log);
    const { failure } = await create(log, {
      recordSnapshot: (input: RecordSnapshotInput) => {
        if (++records === 1) throw ApplicationFailure.retryable('away', 'StoreUnreachable');
        return ordinary.recordSnapshot(input);
      },
      removeOlder: (input: RemoveOlderInput) => {
        if (input.made.node === 'http://n0') refuse('StoreAccessDenied', 'Not allowed.');
        if (++removals === 1) throw ApplicationFailure.retryable('killed between', 'Internal');
        return ordinary.removeOlder(input);
      },
    });
    expect([records, removals, log.at(-1)]).toEqual([3, 2, 'keep 2 on http://n1']);
    expect(failure?.type).toBe('StoreAccessDenied');
    expect(failure?.message).toBe(
      'The older snapshots on http://n0 may not all be removed: Not allowed. Made: of-n0.snapshot on http://n0, of-n1.snapshot on http://n1. Removed: old-n1.snapshot on http://n1.',
    );
  });

  it('records what is made also when it is cancelled, and removes nothing', async () => {
    const log: string[] = [];
    const { called, failure } = await create(log, {
      createOnNode: async ({ node }: CreateOnNodeInput) => {
        const { info, heartbeat, cancelled } = Context.current();
        await lab.env.client.workflow.getHandle(info.workflowExecution?.workflowId ?? '').cancel();
        const beats = setInterval(() => heartbeat(), 100);
        await cancelled.catch(() => undefined).finally(() => clearInterval(beats));
        return { made: madeOn(node), notes: [] };
      },
    });
    expect(failure?.name).toBe('CancelledFailure');
    expect(log).toEqual(['probe offsite', 'record http://n0']);
    expect(called).not.toContain('removeOlder');
  });
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
