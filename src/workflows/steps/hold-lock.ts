// The lock on a collection for work that no child of its own does: a workflow that does nothing, under the id of the job that
// it keeps away. It ends on the signal `letGo`, and when the workflow that started it has ended. Promises that the holder of a
// lock is named, or waited for, and that a cancelled workflow keeps its lock until `body` has ended.

import {
  CancellationScope,
  condition,
  defineSignal,
  setCurrentDetails,
  setHandler,
  type ChildWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import { captureLockId } from '../../model/format/backup-names.js';
import type { CollectionRef } from '../../model/collections.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure } from '../runtime/failures.js';
import { startCollection, type Child, type Waiting } from '../runtime/start-collection.js';

const letGoSignal = defineSignal('letGo');

export async function holdLock(): Promise<void> {
  let held = true;
  setHandler(letGoSignal, () => void (held = false), { description: 'The work is done.' });
  await condition(() => !held);
}

export type Lock = Pick<Child, 'workflowId' | 'summary' | 'onBusy'>;

/** For a workflow that works on no collection as a job. */
export async function underLock<T>(lock: Lock, body: () => Promise<T>): Promise<T> {
  const waitsFor = (holder: string) => setCurrentDetails(`Waits for ${holder}`);
  const held = await hold(lock, { givenUp: () => false, waitsFor });
  if (!held) throw failure('Internal', 'A lock was given up.');
  setCurrentDetails(lock.summary);
  return whileHeld(held, body);
}

/** Runs `body` while nobody else captures the collection. Does nothing when the job was aborted while it waited. */
export async function withCaptureLock(
  job: CollectionJob,
  { cluster, collection }: CollectionRef,
  onBusy: Lock['onBusy'],
  body: () => Promise<void>,
): Promise<void> {
  const summary = `snapshots of ${collection} on ${cluster}`;
  const lock = await hold(
    { workflowId: captureLockId(cluster, collection), summary, onBusy },
    { givenUp: () => job.mustStop(), waitsFor: (holder) => job.waitsFor(holder) },
  );
  if (!lock) return;
  job.waitsFor(undefined);
  await whileHeld(lock, body);
}

type Held = ChildWorkflowHandle<Workflow>;

function hold(lock: Lock, waiting: Waiting): Promise<Held | undefined> {
  return startCollection({ ...lock, type: 'holdLock', input: () => ({}), outlivesCancel: true }, waiting);
}

async function whileHeld<T>(lock: Held, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } finally {
    await CancellationScope.nonCancellable(async () => {
      await lock.signal(letGoSignal).catch(() => undefined);
      await lock.result().catch(() => undefined);
    });
  }
}
