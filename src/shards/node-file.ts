// The file that a node keeps for us: made, known again by a later attempt, and taken off the node when it is over. Qdrant
// names files by the second, and others make some too: promises to remove none but ours, and to name what stays.

import { FerryError } from '../model/errors.js';
import { isNamedAs } from '../model/snapshot-names.js';
import type {
  FindLeftoverSnapshotsInput,
  FindLeftoverSnapshotsResult,
} from '../model/contracts/move-activities.js';
import { wantedShard } from '../cluster/shard-layout.js';
import type { NodeFile, SnapshotNode, SnapshotNodes, SnapshotSource } from '../cluster/snapshots-port.js';
import type { TarState } from './snapshot-check.js';

export interface StoredFile {
  node: string;
  name: string;
  bytes: number;
  etag?: string;
  sha256?: string;
}

/** Small enough for a heartbeat; enough to go on from. */
export interface CaptureState {
  /** In the store, of this attempt. */
  bytes: number;
  /** The most that any attempt reached. */
  best: number;
  /** Of the upload that this attempt, or the one before it, has begun: a part of the object's key. */
  nonce?: string;
  uploadId?: string;
  /** The file that we had the node make. */
  file?: StoredFile;
  /** Names on that node before we made any. */
  known?: { node: string; names: string[] };
  /** Parts in the store, from the first, and how the check stood behind them. */
  parts?: { confirmed: number; tar: TarState };
}

export function freshCapture(): CaptureState {
  return { bytes: 0, best: 0 };
}

/** What takes a snapshot off a node. */
export interface OnNode {
  state: CaptureState;
  node: SnapshotNode;
  source: SnapshotSource;
}

type Listing = Pick<OnNode, 'node' | 'source'> & { signal: AbortSignal };

/** The one that an earlier attempt had the node make, or a new one. */
export async function makeOrReuseFile(
  capture: OnNode & { signal: AbortSignal; onProgress(state: CaptureState, moved: boolean): void },
): Promise<StoredFile> {
  const { state, node, source, signal } = capture;
  if (state.file?.node === node.url) return state.file;
  const before = await namesOn(capture);
  if (state.known?.node !== node.url) state.known = { node: node.url, names: before };
  capture.onProgress(state, false);
  const made: NodeFile = await node.create(source, signal);
  if (before.includes(made.name)) {
    const happened = `${made.name} was already on ${node.url}: somebody else made a snapshot in the same second`;
    throw new FerryError('SnapshotIncomplete', happened);
  }
  forgetUpload(state);
  const sha256 = made.sha256 === undefined ? {} : { sha256: made.sha256 };
  state.file = { node: node.url, name: made.name, bytes: made.bytes, ...sha256 };
  capture.onProgress(state, true);
  return state.file;
}

/** Removes the file that nobody will come back for; names what stays. */
export async function dropFile({ state, node, source }: OnNode): Promise<string[]> {
  const { file } = state;
  if (file === undefined) return [];
  const name = `${file.name} on ${file.node}`;
  if (file.node !== node.url) return [name];
  const removed = removeOurs(file, { node, source, signal: AbortSignal.timeout(30_000) });
  return removed.then(
    () => [],
    () => [name],
  );
}

async function removeOurs(file: StoredFile, listing: Listing): Promise<void> {
  if (await isOurs(file, listing)) await listing.node.remove(listing.source, file.name, listing.signal);
}

/** Qdrant names files by the second: another one of that second took the place of ours, and is somebody else's. */
export async function isOurs(file: StoredFile, { node, source, signal }: Listing): Promise<boolean> {
  const found = (await node.list(source, signal)).find(({ name }) => name === file.name);
  if (found?.bytes !== file.bytes) return false;
  return found.sha256 === undefined || file.sha256 === undefined || found.sha256 === file.sha256;
}

/** Removes our file, and names what stays: what could not be removed, and what came up since the beginning. */
export async function leaveNode({
  state,
  node,
  source,
  signal,
}: OnNode & { signal: AbortSignal }): Promise<string[]> {
  const { file, known } = state;
  if (known === undefined) return [];
  const left: string[] = [];
  if (file?.node === node.url) await removeOurs(file, { node, source, signal }).catch(() => undefined);
  else if (file !== undefined) left.push(`${file.name} on ${file.node}`);
  if (known.node !== node.url) return left;
  try {
    const since = (await namesOn({ node, source, signal })).filter((name) => !known.names.includes(name));
    return [...left, ...since.map((name) => `${name} on ${node.url}`)];
  } catch (error) {
    // The snapshot is in the store: a node that has gone since is no reason to take another one.
    if (signal.aborted || !(error instanceof FerryError)) throw error;
    return file === undefined ? left : [...left, `perhaps ${file.name} on ${node.url}, which did not answer`];
  }
}

/** Of this source alone: where Qdrant keeps snapshots in S3 its lists mix everything. */
export async function filesOn({ node, source, signal }: Listing): Promise<NodeFile[]> {
  const files = await node.list(source, signal);
  return source === 'storage' ? files : files.filter(({ name }) => isNamedAs(source, name));
}

export async function namesOn(listing: Listing): Promise<string[]> {
  return (await filesOn(listing)).map(({ name }) => name);
}

export function noLongerThere(node: SnapshotNode, file: StoredFile): FerryError {
  const happened = `${node.url} no longer has the snapshot ${file.name}, or has another file of that name`;
  return new FerryError('SnapshotIncomplete', happened);
}

export function forgetUpload(state: CaptureState): void {
  delete state.uploadId;
  delete state.parts;
  state.bytes = 0;
}

const MOST_NAMED = 10;

/**
 * What a move that failed may have left on the source's nodes: a file whose attempt nobody continued. Found by its time,
 * and only named: it may belong to somebody else.
 */
export async function findLeftoverSnapshots(
  nodes: SnapshotNodes,
  { source: { cluster, collection }, shards, since }: FindLeftoverSnapshotsInput,
  signal: AbortSignal,
): Promise<FindLeftoverSnapshotsResult> {
  const left: string[] = [];
  for (const shard of shards) {
    const node = await nodes.holding(cluster, wantedShard(collection, shard), signal);
    try {
      left.push(...(await namesSince(node, { collection, shard: shard.id }, since, signal)));
    } finally {
      await node.close();
    }
  }
  return { left: left.slice(0, MOST_NAMED) };
}

async function namesSince(
  node: SnapshotNode,
  source: { collection: string; shard: number },
  since: string,
  signal: AbortSignal,
): Promise<string[]> {
  const files = await filesOn({ node, source, signal });
  const isNew = (createdAt: string | undefined) =>
    createdAt !== undefined && Date.parse(createdAt) >= Date.parse(since);
  return files.flatMap(({ name, createdAt }) => (isNew(createdAt) ? [`${name} on ${node.url}`] : []));
}
