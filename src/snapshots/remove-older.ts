// After a job has made a snapshot with `keepOnNode`: deletes the older ones that ferry recorded on the same node, of the same
// scope. Promises that a file goes only while the node lists it as it was recorded, and that an attempt which ends anywhere
// leaves nothing that the next one does not finish.
//
//   1. The records are read before the node is asked for its list. Another installation writes a record after its file is
//      there, so what the list lacks then is gone.
//   2. A file goes before its record: without a record it would be nobody's.

import { isRecorded, sortSnapshots } from '../model/kept-snapshots.js';
import { FerryError } from '../model/errors.js';
import type { RemoveOlderInput, RemoveOlderResult } from '../model/contracts/snapshot-activities.js';
import { scopeOf } from '../model/contracts/snapshot-inputs.js';
import type { SnapshotRecord } from '../model/format/snapshot-record.js';
import type { ClusterNode, ClusterNodes } from '../cluster/snapshots-port.js';
import type { ObjectStore } from '../storage/object-store.js';
import { nodeNamed, samePeer, sourceOf, withNodes } from './named-node.js';
import { recordOf, recordsBeside, removeRecord } from './snapshot-records.js';

const MOST_NAMED = 5;

export interface RemovingAttempt {
  job: string;
  /** Names whose deletion earlier attempts have begun. */
  begun: string[];
  /** Resolves when the next attempt is sure to know them. */
  begin(names: string[]): Promise<void>;
  signal: AbortSignal;
}

export async function removeOlder(
  { open, store }: { open: ClusterNodes; store: ObjectStore },
  { cluster, made, keep, ...asked }: RemoveOlderInput,
  { job, begun, begin, signal }: RemovingAttempt,
): Promise<RemoveOlderResult> {
  const scope = scopeOf(asked);
  const ours = recordOf({ cluster, made, job, ...scope });
  const { records, unreadable } = await recordsBeside(store, ours, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = samePeer(cluster, nodeNamed(cluster, whole, made.node), made.peer);
    const files = await there.snapshots.list(sourceOf(scope), signal);
    const sorted = sortSnapshots(files, records, { made: ours, keep });
    const names = sorted.older.map(({ name }) => name);
    const earlier = begun.filter((name) => !files.some((file) => file.name === name));
    if (names.length > 0) await begin([...new Set([...begun, ...names])]);
    const forget = forgetting(store);
    for (const one of sorted.gone) await forget.record(one);
    const { removed, replaced } = await removeEach(there, sorted.older, forget.record, signal);
    const others = [...sorted.replaced, ...replaced];
    const notes = [...notesOn(there, others, unreadable), ...forget.notes(store.alias)];
    return { removed: [...earlier, ...removed], notOurs: sorted.notOurs + replaced.length, notes };
  });
}

async function removeEach(
  { snapshots }: ClusterNode,
  older: readonly SnapshotRecord[],
  forget: (one: SnapshotRecord) => Promise<void>,
  signal: AbortSignal,
): Promise<{ removed: string[]; replaced: SnapshotRecord[] }> {
  const removed: string[] = [];
  const replaced: SnapshotRecord[] = [];
  for (const one of older) {
    const source = sourceOf(scopeOf(one));
    // A large file takes a while, and the list was made before the first of them.
    const file = (await snapshots.list(source, signal)).find(({ name }) => name === one.name);
    if (file !== undefined && !isRecorded(file, one)) {
      replaced.push(one);
      continue;
    }
    if (file !== undefined) await snapshots.remove(source, one.name, signal);
    removed.push(one.name);
    await forget(one);
  }
  return { removed, replaced };
}

/** That a record cannot be deleted is no reason to leave the files: the next job finds it again. */
function forgetting(store: ObjectStore) {
  const left = { count: 0, code: '' };
  return {
    record: async (one: SnapshotRecord) => {
      try {
        await removeRecord(store, one);
      } catch (error) {
        if (!(error instanceof FerryError) || error.retryable) throw error;
        left.count += 1;
        left.code = error.code;
      }
    },
    notes: (alias: string) =>
      left.count === 0
        ? []
        : [
            `The records of ${left.count} snapshots that are gone could not be deleted from the store "${alias}" (${left.code}). The next job tries again.`,
          ],
  };
}

function notesOn(
  { url }: ClusterNode,
  replaced: readonly SnapshotRecord[],
  unreadable: readonly string[],
): string[] {
  const notes: string[] = [];
  if (replaced.length > 0) {
    const names = listed(replaced.map(({ name }) => name));
    notes.push(`On ${url} another file has the name of a recorded snapshot, and stays: ${names}.`);
  }
  if (unreadable.length > 0)
    notes.push(
      `${unreadable.length} records of snapshots on ${url} cannot be read; they stay, and so do their files: ${listed(unreadable)}.`,
    );
  return notes;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ', …' : ''}`;
}
