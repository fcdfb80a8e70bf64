// Which snapshots of a node `keepOnNode` deletes: a function of what ferry recorded there, and of what the node lists now.
// Promises that nothing goes whose name, size and checksum are not the recorded ones, and never the one just made.
//
// The order is that of the times at which the node made them. One that is dated in the future stays, and takes the place of
// another one: there is no better clock, for a store that is copied dates all its objects anew.

import type { SnapshotRecord } from './format/snapshot-record.js';

type File = Pick<SnapshotRecord, 'name' | 'bytes'> & { sha256?: string };

export interface SortedSnapshots {
  /** They go, the oldest first. */
  older: SnapshotRecord[];
  /** The node has no file of that name. */
  gone: SnapshotRecord[];
  /** Another file has the name. */
  replaced: SnapshotRecord[];
  /** How many files agree with no record. */
  notOurs: number;
}

/** `made`: the record of the one just made. All of them are of one node and scope. */
export function sortSnapshots(
  files: readonly File[],
  records: readonly SnapshotRecord[],
  { made, keep }: { made: SnapshotRecord; keep: number },
): SortedSnapshots {
  const byName = new Map(files.map((file) => [file.name, file]));
  const all = [made, ...records.filter(({ name }) => name !== made.name)];
  const isThere = (one: SnapshotRecord) => isRecorded(byName.get(one.name), one);
  const ours = all.filter(isThere).sort((a, b) => newestFirst(a, b, made));
  return {
    older: ours.slice(keep).reverse(),
    gone: all.filter((one) => !byName.has(one.name) && isSameNode(one, made)),
    replaced: all.filter((one) => byName.has(one.name) && !isThere(one)),
    notOurs: files.length - ours.length,
  };
}

/** Whether this is the very file. */
export function isRecorded(file: File | undefined, { bytes, sha256 }: SnapshotRecord): boolean {
  return file?.bytes === bytes && file.sha256?.toLowerCase() === sha256;
}

function newestFirst(a: SnapshotRecord, b: SnapshotRecord, made: SnapshotRecord): number {
  if (a === made || b === made) return a === made ? -1 : 1;
  const [left, right] = [a, b].map(({ createdAt, name }) => `${new Date(createdAt).toISOString()} ${name}`);
  return (left ?? '') < (right ?? '') ? 1 : -1;
}

/** Without a peer id, another address may be another Qdrant, on which the file still lies. */
function isSameNode(one: SnapshotRecord, made: SnapshotRecord): boolean {
  return one.peer !== undefined || one.node === made.node;
}
