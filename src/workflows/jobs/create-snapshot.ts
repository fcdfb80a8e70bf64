// Makes a snapshot on every node that holds a part of what is asked for, or on one, and waits. Nothing is made before all
// of these nodes were found to hold it as Active. The work is done by a child that has the lock on captures of the
// collection, so that no backup makes a file of the same name in the same second.

import { parseInput } from '../../model/contracts/inputs.js';
import { captureLockId } from '../../model/format/backup-names.js';
import type {
  CreateSnapshotResult,
  ListedSnapshot,
  SilentNode,
  SnapshotScope,
} from '../../model/contracts/snapshot-activities.js';
import {
  createOnNodesSchema,
  createSnapshotSchema,
  given,
  scopeOf,
  type CreateOnNodesInput,
} from '../../model/contracts/snapshot-inputs.js';
import { nodeCaptureLockId, scopeText } from '../../model/snapshot-names.js';
import { isCancellation, setCurrentDetails } from '@temporalio/workflow';
import { failure, surfacing, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { underLock } from '../steps/under-lock.js';

export async function createSnapshot(input: unknown): Promise<CreateSnapshotResult> {
  return surfacing(async () => {
    const { cluster, node, onBusy, ...asked } = parseInput(createSnapshotSchema, input);
    const what = { cluster, ...scopeOf(asked), ...given({ node }) };
    const { dataQueue } = await runActivity('locateSnapshots', { cluster }, `where ${cluster} is`);
    const summary = `who holds ${scopeText(scopeOf(asked))}`;
    const { holders, notes, ...scope } = await runActivity('findHolders', what, summary);
    const child: CreateOnNodesInput = { cluster, ...scope, holders, notes, dataQueue };
    return underLock<CreateSnapshotResult>({
      workflowId: lockOf(cluster, scope),
      type: 'createOnNodes',
      input: () => child,
      summary: `snapshot of ${scopeText(scope)} on ${cluster}`,
      onBusy,
    });
  });
}

function lockOf(cluster: string, { collection }: SnapshotScope): string {
  return collection === undefined ? nodeCaptureLockId(cluster) : captureLockId(cluster, collection);
}

/** One node after the other: where nodes share a bucket, files of one second would have one name. */
export async function createOnNodes(input: unknown): Promise<CreateSnapshotResult> {
  return surfacing(async () => {
    const startedAt = Date.now();
    const { cluster, holders, dataQueue, notes, ...asked } = parseInput(createOnNodesSchema, input);
    const scope = scopeOf(asked);
    const made: ListedSnapshot[] = [];
    const failed: SilentNode[] = [];
    for (const { node, peer } of holders) {
      const what = `make a snapshot of ${scopeText(scope)} on ${node}`;
      setCurrentDetails(`${what} (${made.length + failed.length + 1} of ${holders.length})`);
      try {
        const one = { what, cluster, node, ...given({ peer }), ...scope };
        const done = await runActivity('createOnNode', one, {
          summary: what,
          taskQueue: dataQueue,
          heartbeatSeconds: 30,
        });
        made.push(done.made);
        notes.push(...done.notes);
      } catch (error) {
        if (isCancellation(error)) throw error;
        failed.push({ node, ...troubleOf(error) });
      }
    }
    const seconds = Math.round((Date.now() - startedAt) / 100) / 10;
    const result = { cluster, ...scope, made, notes, seconds };
    if (failed.length > 0) throw notAll(result, failed);
    return result;
  });
}

function notAll(result: CreateSnapshotResult, failed: readonly SilentNode[]) {
  const [first] = failed;
  const { made } = result;
  const others = failed.length > 1 ? ` ${failed.length - 1} other nodes failed too.` : '';
  const names = made.map(({ name, node }) => `${name} on ${node}`).join(', ');
  const there = made.length > 0 ? ` Made: ${names}.` : '';
  return failure(first?.code ?? 'Internal', `${first?.message ?? ''}${others}${there}`, result);
}
