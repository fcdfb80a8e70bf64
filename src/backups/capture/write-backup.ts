// The last object of a run. Promises to name every collection that the run was to cover, each as the store's own
// documents say it, whatever the job remembers of it; and to take away the uploads that nobody will complete. Written
// once: an attempt that finds one leaves it.

import type { WriteBackupInput, WriteBackupResult } from '../../model/contracts/backup-activities.js';
import { backupFolder, backupKey, partsKey } from '../../model/format/backup-names.js';
import { nodeDocumentSchema, storedBytes, type CollectionManifest } from '../../model/format/manifest.js';
import { MANIFEST_VERSION } from '../../model/format/fields.js';
import { parseDocument } from '../../model/format/parse-document.js';
import { backupDocumentSchema, type BackupDocument } from '../../model/format/run-documents.js';
import { documentText } from '../../model/format/document-text.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { mapInOrder } from '../../model/map-in-order.js';
import { objectsIn } from '../catalogue/catalogue.js';
import { startedDocument } from '../catalogue/read-run.js';
import { readBackup } from '../read-backup.js';
import { readIfThere, readText } from '../../shards/read-text.js';

type Line = BackupDocument['collections'][number];

const COLLECTIONS_AT_ONCE = 8;

export async function writeBackup(
  store: ObjectStore,
  input: WriteBackupInput,
  signal?: AbortSignal,
): Promise<WriteBackupResult> {
  const { cluster, backup } = input;
  const key = backupKey(cluster, backup);
  const abortedUploads = await abortUploads(store, backupFolder(cluster, backup));
  const there = await readIfThere(store, key, signal);
  if (there !== undefined) {
    return resultOf(parseDocument(backupDocumentSchema, there, key), abortedUploads);
  }
  const document = await documentOf(store, input, signal);
  const body = Buffer.from(documentText(document));
  await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  return resultOf(document, abortedUploads);
}

async function documentOf(
  store: ObjectStore,
  input: WriteBackupInput,
  signal?: AbortSignal,
): Promise<BackupDocument> {
  const { cluster, backup } = input;
  const { collections, ...run } = await startedDocument(store, cluster, backup, signal);
  const errors = new Map(input.failed.map(({ collection, error }) => [collection, error]));
  const skipped = input.skipped ?? [];
  const meant = collections.filter((name) => !skipped.includes(name));
  const names = new Set([...meant, ...errors.keys()]);
  for await (const name of store.folders(backupFolder(cluster, backup))) names.add(name);
  const sizes = new Map(
    (await objectsIn(store, backupFolder(cluster, backup))).map(({ key, bytes }) => [key, { bytes }]),
  );
  const options = { head: (key: string) => sizes.get(key), identity: run.clusterIdentity, signal };
  const kinds: CollectionManifest['kind'][] = [];
  const lineOf = async (collection: string): Promise<Line> => {
    const { state, found, reason } = await readBackup(store, { cluster, backup, collection }, options);
    const error = errors.get(collection) ?? reason ?? state;
    if ((state !== 'complete' && state !== 'partial') || !found)
      return { collection, outcome: 'failed', error };
    const { manifest, sha256 } = found;
    kinds.push(manifest.kind);
    const bytes = storedBytes(manifest);
    return { collection, outcome: state, manifestSha256: sha256, bytes, points: manifest.points };
  };
  const lines = await mapInOrder([...names].sort(), COLLECTIONS_AT_ONCE, lineOf);
  // An incremental run in which one collection began a new chain holds mostly that: it counts as full.
  const isIncrement = kinds.length > 0 && kinds.every((kind) => kind === 'increment');
  const nodeSnapshot = await nodeSnapshotOf(store, input, signal);
  return {
    ...run,
    format: 'qdrant-ferry/backup',
    version: MANIFEST_VERSION,
    kind: isIncrement ? 'increment' : 'full',
    finishedAt: new Date().toISOString(),
    ...(input.interrupted ? { interrupted: true as const } : {}),
    ...(skipped.length > 0 ? { skipped } : {}),
    collections: lines,
    ...(nodeSnapshot === undefined ? {} : { nodeSnapshot }),
  };
}

async function nodeSnapshotOf(
  store: ObjectStore,
  { cluster, backup, nodeSnapshot }: WriteBackupInput,
  signal?: AbortSignal,
) {
  if (nodeSnapshot === undefined) return undefined;
  const key = partsKey(`${backupFolder(cluster, backup)}${nodeSnapshot}`);
  return parseDocument(nodeDocumentSchema, await readText(store, key, signal), key).node;
}

/** Below a backup's folder every upload is of this backup, and its captures have ended. */
async function abortUploads(store: ObjectStore, folder: string): Promise<number> {
  let aborted = 0;
  for await (const { key, id } of store.uploads(folder)) {
    const upload = await store.resumeUpload(key, id);
    await upload?.abort();
    if (upload) aborted += 1;
  }
  return aborted;
}

function resultOf(document: BackupDocument, abortedUploads: number): WriteBackupResult {
  const complete = document.collections.filter((line) => line.outcome === 'complete').length;
  return { complete, abortedUploads };
}
