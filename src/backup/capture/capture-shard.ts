// One shard into the store, by the node that holds it. Promises that a repeated call returns what an earlier one had
// finished, and that the document beside the object says from which peer it came. What the attempt does not mend by
// being tried again takes its traces with it.

import type {
  CaptureNodeInput,
  CaptureNodeResult,
  CaptureShardInput,
  CaptureShardResult,
} from '../../model/backup-activities.js';
import {
  backupFolder,
  collectionFolder,
  nodeSnapshotName,
  partsKey,
  snapshotName,
} from '../../model/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  MANIFEST_VERSION,
  nodeDocumentSchema,
  parseDocument,
  shardDocumentSchema,
  type ManifestPart,
  type ShardDocument,
  type NodeDocument,
} from '../../model/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { captureStored, captureStreamed, giveUp, type Capture, type Captured } from './capture-snapshot.js';
import { leaveNode, namesOn, type CaptureState } from './node-file.js';
import { wantedShard } from './plan-capture.js';
import type { SnapshotNode, SnapshotNodes } from '../ports.js';
import { bytesOf, earlierDocument, writeDocument, type SnapshotObject } from './snapshot-object.js';
import { SHARD_ENTRIES, STORAGE_ENTRIES } from '../tar-check.js';

export interface CaptureAttempt {
  state: CaptureState;
  onProgress(state: CaptureState, moved?: boolean): void;
  /** The attempt is to end; another will follow. */
  signal: AbortSignal;
  /** Nobody wants it any more. */
  stop: AbortSignal;
}

export interface CaptureRoom {
  store: ObjectStore;
  nodes: SnapshotNodes;
}

export async function captureShard(
  { store, nodes }: CaptureRoom,
  input: CaptureShardInput,
  attempt: CaptureAttempt,
): Promise<CaptureShardResult> {
  const { cluster, collection, shard } = input;
  const { name, object } = placeOf(store, input);
  const read = (text: string) => parseDocument(shardDocumentSchema, text, object.documentKey);
  const earlier = await earlierDocument(object, read, (one) => one.shard.bytes);
  const wanted = wantedShard(collection, shard);
  return withNode(await nodes.holding(cluster, wanted, attempt.signal), async (node) => {
    const capture = captureOf(input, object, node, { collection, shard: shard.id }, SHARD_ENTRIES, attempt);
    if (earlier) return { ...summaryOf(name, earlier.shard.parts), leftOnNode: await leaveNode(capture) };
    const startedAt = new Date().toISOString();
    const stored = await captured(capture, input.mode, attempt.stop);
    await writeDocument(object, shardDocument(input, name, stored, startedAt, node.peer));
    return { ...summaryOf(name, stored.parts), leftOnNode: await leaveNode(capture) };
  });
}

/** Qdrant's own full storage snapshot: it exists as a file on the node only. */
export async function captureNode(
  { store, nodes }: CaptureRoom,
  input: CaptureNodeInput,
  attempt: CaptureAttempt,
): Promise<CaptureNodeResult> {
  const { cluster, backup } = input;
  const name = nodeSnapshotName(cluster, new Date(input.startedAt));
  const object = objectAt(store, `${backupFolder(cluster, backup)}${name}`);
  const read = (text: string) => parseDocument(nodeDocumentSchema, text, object.documentKey);
  const earlier = await earlierDocument(object, read, (one) => one.node.bytes);
  return withNode(await nodes.only(cluster, attempt.signal), async (node) => {
    const capture = captureOf(input, object, node, 'storage', STORAGE_ENTRIES, attempt);
    const parts = earlier?.node.parts ?? (await captured(capture, 'stored', attempt.stop)).parts;
    const document: NodeDocument = {
      format: 'qdrant-ferry/node',
      version: MANIFEST_VERSION,
      backup,
      cluster,
      node: { name, bytes: bytesOf(parts), parts },
    };
    if (!earlier) await writeDocument(object, document);
    return { ...summaryOf(name, parts), leftOnNode: await leaveNode(capture) };
  });
}

/** After the last attempt: takes its traces away, or says what stays on a node. */
export async function abandonCapture(
  { store, nodes }: CaptureRoom,
  input: CaptureShardInput,
  state: CaptureState,
  signal: AbortSignal,
): Promise<string[]> {
  const { cluster, collection, shard } = input;
  const { object } = placeOf(store, input);
  const source = { collection, shard: shard.id };
  try {
    return await withNode(await nodes.holding(cluster, wantedShard(collection, shard), signal), (node) =>
      giveUp({ state, node, source, object }),
    );
  } catch {
    return state.file === undefined ? [] : [`${state.file.name} on ${state.file.node}`];
  }
}

/** Names on the node before anything is made there: what the first heartbeat has to hold. */
export async function namesBefore(
  nodes: SnapshotNodes,
  { cluster, collection, shard }: Pick<CaptureShardInput, 'cluster' | 'collection' | 'shard'>,
  signal: AbortSignal,
): Promise<CaptureState['known']> {
  return withNode(await nodes.holding(cluster, wantedShard(collection, shard), signal), async (node) => {
    const source = { collection, shard: shard.id };
    return { node: node.url, names: await namesOn({ node, source, signal }) };
  });
}

/** The same for the storage of a whole node. */
export async function nodeNamesBefore(
  nodes: SnapshotNodes,
  { cluster }: CaptureNodeInput,
  signal: AbortSignal,
): Promise<CaptureState['known']> {
  return withNode(await nodes.only(cluster, signal), async (node) => {
    return { node: node.url, names: await namesOn({ node, source: 'storage', signal }) };
  });
}

async function captured(
  capture: Capture,
  mode: CaptureShardInput['mode'],
  stop: AbortSignal,
): Promise<Captured> {
  try {
    return await (mode === 'stream' ? captureStreamed(capture) : captureStored(capture));
  } catch (error) {
    const lost = error instanceof FerryError && error.code === 'ObjectExists';
    const final = stop.aborted || (error instanceof FerryError && !error.retryable && !lost);
    if (final) await giveUp(capture);
    if (!lost) throw error;
    // A man believed dead was quicker. What he left is judged by the next attempt.
    throw new FerryError('ObjectExists', error.happened, { cause: error, retryable: true });
  }
}

function captureOf(
  input: CaptureShardInput | CaptureNodeInput,
  object: SnapshotObject,
  node: SnapshotNode,
  source: Capture['source'],
  entries: readonly string[],
  { state, onProgress, signal, stop }: CaptureAttempt,
): Capture {
  const { what, maxMegabytesPerSecond } = input;
  const ends = AbortSignal.any([signal, stop]);
  return { what, source, node, object, entries, state, onProgress, signal: ends, maxMegabytesPerSecond };
}

function shardDocument(
  { backup, cluster, collection, shard }: CaptureShardInput,
  name: string,
  { parts, sha256 }: Captured,
  startedAt: string,
  peer: string | undefined,
): ShardDocument {
  return {
    format: 'qdrant-ferry/shard',
    version: MANIFEST_VERSION,
    backup,
    cluster,
    collection,
    shard: {
      id: shard.id,
      ...(shard.shardKey === undefined ? {} : { shardKey: shard.shardKey }),
      ordinal: shard.ordinal,
      ...(peer === undefined ? {} : { peer }),
      name,
      bytes: bytesOf(parts),
      ...(sha256 === undefined ? {} : { sha256 }),
      parts,
      startedAt,
      finishedAt: new Date().toISOString(),
    },
  };
}

/** Where a shard's snapshot lies in the store, the same at every attempt. */
function placeOf(store: ObjectStore, { cluster, backup, collection, shard, startedAt }: CaptureShardInput) {
  const name = snapshotName(collection, new Date(startedAt), shard.id);
  return { name, object: objectAt(store, `${collectionFolder(cluster, backup, collection)}${name}`) };
}

function objectAt(store: ObjectStore, key: string): SnapshotObject {
  return { store, key, documentKey: partsKey(key) };
}

function summaryOf(name: string, parts: ManifestPart[]) {
  return { name, bytes: bytesOf(parts), parts: parts.length };
}

async function withNode<T>(node: SnapshotNode, use: (node: SnapshotNode) => Promise<T>): Promise<T> {
  try {
    return await use(node);
  } finally {
    await node.close().catch(() => undefined);
  }
}
