// Makes a snapshot on every node that holds a part of what is asked for, or on one, and waits. Nothing is made before all
// of these nodes were found to hold it as Active, and while a backup captures the collection: it would make a file of the
// same name in the same second. With `keepOnNode` the older ones that ferry recorded go, once every node has made its own.

import { isCancellation, setCurrentDetails } from '@temporalio/workflow';
import { parseInput } from '../../model/contracts/inputs.js';
import { captureLockId } from '../../model/format/backup-names.js';
import type {
  CreateSnapshotResult,
  FindHoldersResult,
  ListedSnapshot,
  SilentNode,
  SnapshotScope,
} from '../../model/contracts/snapshot-activities.js';
import { createSnapshotSchema, given, scopeOf } from '../../model/contracts/snapshot-inputs.js';
import { nodeCaptureLockId, scopeText } from '../../model/snapshot-names.js';
import { failure, surfacing, troubleOf } from '../runtime/failures.js';
import { runActivity, type DataQueue } from '../runtime/run-activity.js';
import { underLock } from '../steps/hold-lock.js';
import { openKeeping, type Keeping } from '../steps/keep-on-node.js';

export async function createSnapshot(input: unknown): Promise<CreateSnapshotResult> {
  return surfacing(async () => {
    const {
      cluster,
      node,
      onBusy,
      keepOnNode: keep,
      store,
      ...asked
    } = parseInput(createSnapshotSchema, input);
    const what = { cluster, ...scopeOf(asked), ...given({ node }) };
    const records = keep === undefined ? {} : { store: store ?? null, writes: true as const };
    const place = await runActivity('locateSnapshots', { cluster, ...records }, `where ${cluster} is`);
    const summary = `who holds ${scopeText(scopeOf(asked))}`;
    const found = await runActivity('findHolders', what, summary);
    const keeping = keep === undefined ? undefined : await openKeeping({ cluster, keep }, place);
    const lock = {
      workflowId: lockOf(cluster, found),
      summary: `snapshot of ${scopeText(found)} on ${cluster}`,
      onBusy,
    };
    const queue = { taskQueue: place.dataQueue, heartbeatSeconds: 30 };
    return underLock(lock, () => createOnEach(cluster, found, queue, keeping));
  });
}

function lockOf(cluster: string, { collection }: SnapshotScope): string {
  return collection === undefined ? nodeCaptureLockId(cluster) : captureLockId(cluster, collection);
}

/** One node after the other: where nodes share a bucket, files of one second would have one name. */
async function createOnEach(
  cluster: string,
  { holders, notes, ...scope }: FindHoldersResult,
  queue: DataQueue,
  keeping: Keeping | undefined,
): Promise<CreateSnapshotResult> {
  const startedAt = Date.now();
  const made: ListedSnapshot[] = [];
  const failed: SilentNode[] = [];
  for (const [at, holder] of holders.entries()) {
    const what = `make a snapshot of ${scopeText(scope)} on ${holder.node}`;
    setCurrentDetails(`${what} (${at + 1} of ${holders.length})`);
    try {
      const one = { what, cluster, ...holder, ...scope };
      const done = await runActivity('createOnNode', one, { ...queue, summary: what });
      made.push(done.made);
      notes.push(...done.notes);
      await keeping?.record(done.made, scope);
    } catch (error) {
      if (isCancellation(error)) throw error;
      failed.push({ node: holder.node, ...troubleOf(error) });
    }
  }
  if (failed.length > 0) throw notAll(made, failed);
  const kept = await keeping?.removeOlder(made, scope);
  const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
  return { cluster, ...scope, made, ...kept, notes: [...notes, ...(kept?.notes ?? [])], seconds };
}

function notAll(made: readonly ListedSnapshot[], failed: readonly SilentNode[]) {
  const [first] = failed;
  const more = failed.length - 1;
  const others = more > 0 ? ` ${more} other ${more === 1 ? 'node' : 'nodes'} failed too.` : '';
  const names = made.map(({ name, node }) => `${name} on ${node}`).join(', ');
  const there = made.length > 0 ? ` Made: ${names}.` : '';
  return failure(first?.code ?? 'Internal', `${first?.message ?? ''}${others}${there}`);
}
