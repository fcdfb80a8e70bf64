// The lock of a capture for jobs that take snapshots without making a backup: a workflow that does nothing, under the id
// that a backup of the collection would have. It ends on the signal `letGo`, and with its parent.

import {
  CancellationScope,
  condition,
  defineSignal,
  setHandler,
  type ChildWorkflowHandle,
  type Workflow,
} from '@temporalio/workflow';
import { captureLockId } from '../../model/format/backup-names.js';
import type { CollectionRef } from '../../model/collections.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { startCollection } from '../runtime/start-collection.js';

const letGoSignal = defineSignal('letGo');

export async function holdCapture(): Promise<void> {
  let held = true;
  setHandler(letGoSignal, () => void (held = false), { description: 'The snapshots are taken.' });
  await condition(() => !held);
}

/** Runs `body` while nobody else captures the collection. Does nothing when the job was aborted while it waited. */
export async function withCaptureLock(
  job: CollectionJob,
  source: CollectionRef,
  onBusy: 'fail' | 'wait',
  body: () => Promise<void>,
): Promise<void> {
  const lock = await startCollection(
    {
      workflowId: captureLockId(source.cluster, source.collection),
      type: 'holdCapture',
      input: () => ({}),
      summary: `snapshots of ${source.collection} on ${source.cluster}`,
      onBusy,
    },
    {
      givenUp: () => job.mustStop(),
      waitsFor: (holder) => job.waitsFor(holder),
    },
  );
  if (!lock) return;
  job.waitsFor(undefined);
  try {
    await body();
  } finally {
    await CancellationScope.nonCancellable(() => letGo(lock));
  }
}

/** A lock that was cancelled with its job has already ended. */
async function letGo(lock: ChildWorkflowHandle<Workflow>): Promise<void> {
  await lock.signal(letGoSignal).catch(() => undefined);
  await lock.result().catch(() => undefined);
}
