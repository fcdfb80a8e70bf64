// What `ferry snapshots` prints for people. Pure.

import type {
  CreateSnapshotResult,
  DeleteSnapshotResult,
  DownloadSnapshotResult,
  ListedSnapshot,
  ListSnapshotsResult,
  NodeRef,
  RecoverSnapshotResult,
} from '../../model/contracts/snapshot-activities.js';
import { scopeText } from '../../model/snapshot-names.js';
import { bytes, columns, count, plural, seconds } from '../terminal/formatting.js';

export function listText(result: ListSnapshotsResult): string[] {
  const { cluster, snapshots, silent, notes } = result;
  const none = `No snapshots of ${scopeText(result)} on ${cluster}.`;
  const unanswered = silent.map(({ node, code, message }) => `${node} did not answer: ${code}: ${message}`);
  return [...(snapshots.length === 0 ? [none] : table(snapshots)), ...notes, ...unanswered];
}

export function createText(result: CreateSnapshotResult): string[] {
  const { made, removed, notOurs = [], notes, seconds: took } = result;
  const gone = removed?.map((one) => `removed ${one.name} on ${nodeText(one)}`) ?? [];
  const others = notOurs
    .filter(({ count: some }) => some > 0)
    .map((one) => `${plural(one.count, 'snapshot')} on ${nodeText(one)} not recorded by ferry: not touched`);
  const older = removed === undefined ? '' : `, ${count(removed.length)} older removed`;
  const total = `${plural(made.length, 'snapshot')} made${older} in ${seconds(took)}`;
  return [...table(made), ...gone, ...others, ...notes, total];
}

export function deleteText(result: DeleteSnapshotResult): string[] {
  return [`deleted ${result.name} of ${scopeText(result)} on ${nodeText(result)}`];
}

export function recoverText(result: RecoverSnapshotResult): string[] {
  const { cluster, points, notes, sha256, seconds: took } = result;
  const before = points.before === undefined ? '' : ` (${count(points.before)} before)`;
  const size = result.bytes === undefined ? '' : `, ${bytes(result.bytes)}`;
  return [
    `recovered ${scopeText(result)} on ${nodeText(result)} of ${cluster}${size}, ${seconds(took)}`,
    `${result.collection} holds ${plural(points.after, 'point')}${before}; counted, not compared with anything`,
    ...(sha256 === undefined ? [] : [`SHA-256 ${sha256}`]),
    ...notes,
  ];
}

export type Downloaded = Pick<DownloadSnapshotResult, 'name' | 'bytes' | 'sha256' | 'checksum'>;

export function downloadText(result: Downloaded, to: string): string[] {
  const { name, sha256, checksum } = result;
  const compared =
    checksum === 'equal' ? "the same as Qdrant's own" : 'Qdrant reports none to compare it with';
  return [`${name} is in ${to}, ${bytes(result.bytes)}`, `SHA-256 ${sha256}: ${compared}`];
}

/** Node by node. */
function table(snapshots: readonly ListedSnapshot[]): string[] {
  const rows = columns(
    snapshots.map((one) => [
      `  ${one.name}`,
      bytes(one.bytes),
      one.createdAt ?? '',
      one.sha256 ?? 'no checksum',
    ]),
    [1],
  );
  return snapshots.flatMap((one, at) => {
    const isFirst = at === 0 || snapshots[at - 1]?.node !== one.node;
    return [...(isFirst ? [nodeText(one)] : []), rows[at] ?? ''];
  });
}

function nodeText({ node, peer }: NodeRef): string {
  return peer === undefined ? node : `${node} (peer ${peer})`;
}
