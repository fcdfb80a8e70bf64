// One shard into the store, by the node that holds it. Promises that an attempt returns what the one before it had
// finished, as far as its heartbeat was heard, and that the document beside the object says from which peer it came. The
// result names the snapshot: a manifest is made of the named ones, whatever else lies beside them. A failure that another
// attempt would not cure takes its traces with it.

import type {
  CaptureNodeInput,
  CaptureNodeResult,
  CaptureShardInput,
  CaptureShardResult,
} from '../model/contracts/backup-activities.js';
import {
  backupFolder,
  collectionFolder,
  nodeSnapshotName,
  partsKey,
  snapshotName,
} from '../model/format/backup-names.js';
import { FerryError } from '../model/errors.js';
import {
  nodeDocumentSchema,
  shardDocumentSchema,
  type ShardDocument,
  type NodeDocument,
} from '../model/format/manifest.js';
import { MANIFEST_VERSION } from '../model/format/fields.js';
import { parseDocument } from '../model/format/parse-document.js';
import type { ObjectStore } from '../storage/object-store.js';
import { captureStored, captureStreamed, giveUp, type Capture, type Captured } from './capture-snapshot.js';
import { leaveNode, namesOn, type CaptureState } from './node-file.js';
import { wantedShard } from '../cluster/shard-layout.js';
import type { SnapshotNode, SnapshotNodes } from '../cluster/snapshots-port.js';
import { bytesOf, earlierDocument, writeDocument, type SnapshotObject } from './snapshot-object.js';

export interface CaptureAttempt {
  state: CaptureState;
  onProgress(state: CaptureState, moved?: boolean): void;
  /** The attempt is to end; another will follow. */
  signal: AbortSignal;
  /** Nobody wants it any more. */
  stop: AbortSignal;
}

export interface CaptureDeps {
  store: ObjectStore;
  nodes: SnapshotNodes;
}

export async function captureShard(
  { store, nodes }: CaptureDeps,
  input: CaptureShardInput,
  attempt: CaptureAttempt,
): Promise<CaptureShardResult> {
  const { cluster, collection, shard } = input;
  const objectOf = shardObjects(store, input);
  const read = (key: string) => (text: string) => parseDocument(shardDocumentSchema, text, key);
  const earlier = await documentOfEarlier(attempt.state, objectOf, read, (one) => one.shard.bytes);
  const wanted = wantedShard(collection, shard);
  return withNode(await nodes.holding(cluster, wanted, attempt.signal), async (node) => {
    const capture = captureOf(input, objectOf, node, { collection, shard: shard.id }, attempt);
    if (earlier)
      return { ...summaryOf(earlier.shard), ...peerOf(earlier.shard), leftOnNode: await leaveNode(capture) };
    const startedAt = new Date().toISOString();
    const stored = await captured(capture, input.mode, attempt.stop);
    const { object } = stored;
    const document = shardDocument(input, stored, startedAt, node.peer);
    const { shard: written } = await writeDocument(object, document, read(object.documentKey));
    return { ...summaryOf(written), ...peerOf(written), leftOnNode: await leaveNode(capture) };
  });
}

/** Qdrant's own full storage snapshot: it exists as a file on the node only. */
export async function captureNode(
  { store, nodes }: CaptureDeps,
  input: CaptureNodeInput,
  attempt: CaptureAttempt,
): Promise<CaptureNodeResult> {
  const { cluster, backup } = input;
  const objectOf = (nonce: string) =>
    objectAt(
      store,
      `${backupFolder(cluster, backup)}${nodeSnapshotName(cluster, new Date(input.startedAt), nonce)}`,
    );
  const read = (key: string) => (text: string) => parseDocument(nodeDocumentSchema, text, key);
  const earlier = await documentOfEarlier(attempt.state, objectOf, read, (one) => one.node.bytes);
  return withNode(await nodes.only(cluster, attempt.signal), async (node) => {
    const capture = captureOf(input, objectOf, node, 'storage', attempt);
    if (earlier) return { ...summaryOf(earlier.node), leftOnNode: await leaveNode(capture) };
    const { object, parts } = await captured(capture, 'stored', attempt.stop);
    const document: NodeDocument = {
      format: 'qdrant-ferry/node',
      version: MANIFEST_VERSION,
      backup,
      cluster,
      node: { name: nameOf(object.key), bytes: bytesOf(parts), parts },
    };
    const { node: written } = await writeDocument(object, document, read(object.documentKey));
    return { ...summaryOf(written), leftOnNode: await leaveNode(capture) };
  });
}

/** After the last attempt: takes its traces away, or says what stays on a node. */
export async function abandonCapture(
  { store, nodes }: CaptureDeps,
  input: CaptureShardInput,
  state: CaptureState,
  signal: AbortSignal,
): Promise<string[]> {
  const { cluster, collection, shard } = input;
  const objectOf = shardObjects(store, input);
  const source = { collection, shard: shard.id };
  try {
    return await withNode(await nodes.holding(cluster, wantedShard(collection, shard), signal), (node) =>
      giveUp({ state, node, source, objectOf }),
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
    // A worker presumed dead completed this upload; the next attempt looks for its document.
    throw new FerryError('ObjectExists', error.happened, { cause: error, retryable: true });
  }
}

function captureOf(
  input: CaptureShardInput | CaptureNodeInput,
  objectOf: Capture['objectOf'],
  node: SnapshotNode,
  source: Capture['source'],
  { state, onProgress, signal, stop }: CaptureAttempt,
): Capture {
  const { what, maxMegabytesPerSecond } = input;
  const ends = AbortSignal.any([signal, stop]);
  return { what, source, node, objectOf, state, onProgress, signal: ends, maxMegabytesPerSecond };
}

function shardDocument(
  { backup, cluster, collection, shard }: CaptureShardInput,
  { object, parts, sha256 }: Captured,
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
      name: nameOf(object.key),
      bytes: bytesOf(parts),
      ...(sha256 === undefined ? {} : { sha256 }),
      parts,
      startedAt,
      finishedAt: new Date().toISOString(),
    },
  };
}

/** Where a shard's snapshot lies in the store: another place for each upload. */
function shardObjects(store: ObjectStore, input: CaptureShardInput): Capture['objectOf'] {
  const { cluster, backup, collection, shard, startedAt } = input;
  const folder = collectionFolder(cluster, backup, collection);
  return (nonce) =>
    objectAt(store, `${folder}${snapshotName(collection, new Date(startedAt), shard.id, nonce)}`);
}

async function documentOfEarlier<T>(
  { nonce }: CaptureState,
  objectOf: Capture['objectOf'],
  read: (key: string) => (text: string) => T,
  bytesIn: (document: T) => number,
): Promise<T | undefined> {
  if (nonce === undefined) return undefined;
  const object = objectOf(nonce);
  return earlierDocument(object, read(object.documentKey), bytesIn);
}

function objectAt(store: ObjectStore, key: string): SnapshotObject {
  return { store, key, documentKey: partsKey(key) };
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

function peerOf({ peer }: { peer?: string | undefined }): { peer?: string } {
  return peer === undefined ? {} : { peer };
}

function summaryOf({ name, bytes, parts }: { name: string; bytes: number; parts: readonly unknown[] }) {
  return { name, bytes, parts: parts.length };
}

async function withNode<T>(node: SnapshotNode, use: (node: SnapshotNode) => Promise<T>): Promise<T> {
  try {
    return await use(node);
  } finally {
    await node.close().catch(() => undefined);
  }
}
