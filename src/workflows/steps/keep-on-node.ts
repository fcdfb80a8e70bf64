// `keepOnNode`: what a job records of the snapshots that it has made, and the older ones that it then deletes. Promises that
// nothing is made where it could not be recorded, that also a cancelled job records what it has made, and that nothing is
// deleted unless every node has made its own: the snapshots of several nodes hold a collection only together.

import { CancellationScope, isCancellation, setCurrentDetails } from '@temporalio/workflow';
import type {
  CreateSnapshotResult,
  ListedSnapshot,
  LocateSnapshotsResult,
  SilentNode,
  SnapshotScope,
} from '../../model/contracts/snapshot-activities.js';
import { given } from '../../model/contracts/snapshot-inputs.js';
import { scopeText } from '../../model/snapshot-names.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { runActivity, type DataQueue } from '../runtime/run-activity.js';

export type Kept = Required<Pick<CreateSnapshotResult, 'removed' | 'notOurs' | 'notes'>>;

export interface Keeping {
  /** Throws where the snapshot was made and is not recorded. */
  record(made: ListedSnapshot, scope: SnapshotScope): Promise<void>;
  removeOlder(made: readonly ListedSnapshot[], scope: SnapshotScope): Promise<Kept>;
}

export async function openKeeping(
  { cluster, keep }: { cluster: string; keep: number },
  { store = '', storeQueue, dataQueue }: LocateSnapshotsResult,
): Promise<Keeping> {
  const queue = { taskQueue: storeQueue ?? dataQueue, heartbeatSeconds: 30 };
  await runActivity('probeStore', { store }, { ...queue, summary: `probe ${store}` });
  return {
    record: (made, scope) => record({ cluster, store, made, ...scope }, queue),
    removeOlder: (made, scope) => removeOlder(made, { cluster, store, keep, ...scope }, queue),
  };
}

type Of = SnapshotScope & { cluster: string; store: string };

async function record(one: Of & { made: ListedSnapshot }, queue: DataQueue): Promise<void> {
  const what = `record ${one.made.name} in ${one.store}`;
  await CancellationScope.nonCancellable(async () => {
    try {
      await runActivity('recordSnapshot', { what, ...one }, { ...queue, summary: what });
    } catch (error) {
      const { code, message } = troubleOf(error);
      if (code === 'SnapshotUnrecorded') throw error;
      const { name, node } = one.made;
      throw failure(
        code,
        `${name} on ${node} is made and not recorded, so no job will delete it: ${message}`,
      );
    }
  });
}

async function removeOlder(
  all: readonly ListedSnapshot[],
  { keep, ...of }: Of & { keep: number },
  queue: DataQueue,
): Promise<Kept> {
  const kept: Kept = { removed: [], notOurs: [], notes: [] };
  const failed: SilentNode[] = [];
  for (const made of all) {
    const place = { node: made.node, ...given({ peer: made.peer }) };
    const what = `keep ${keep} snapshots of ${scopeText(of)} on ${made.node}`;
    setCurrentDetails(what);
    try {
      const done = await runActivity('removeOlder', { what, ...of, made, keep }, { ...queue, summary: what });
      kept.removed.push(...done.removed.map((name) => ({ ...place, name })));
      kept.notOurs.push({ ...place, count: done.notOurs });
      kept.notes.push(...done.notes);
    } catch (error) {
      if (isCancellation(error)) throw error;
      failed.push({ node: made.node, ...troubleOf(error) });
    }
  }
  if (failed.length > 0) throw notRemoved(all, kept, failed);
  return kept;
}

function notRemoved(made: readonly ListedSnapshot[], { removed }: Kept, failed: readonly SilentNode[]) {
  const [first] = failed;
  const nodes = failed.map(({ node }) => node).join(', ');
  const on = (some: readonly { name: string; node: string }[]) =>
    some.map(({ name, node }) => `${name} on ${node}`).join(', ');
  const gone = removed.length > 0 ? ` Removed: ${on(removed)}.` : '';
  const happened = `The older snapshots on ${nodes} may not all be removed: ${first?.message ?? ''}`;
  return failure(first?.code ?? 'Internal', `${happened} Made: ${on(made)}.${gone}`);
}
