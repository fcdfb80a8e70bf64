// The last object of a backup. Promises to name every collection, failed ones too, and that those it calls complete had
// a manifest in the store at that moment; takes away the uploads that nobody will complete. Written once: who finds it
// leaves it.

import type { WriteBackupInput, WriteBackupResult } from '../../model/backup-activities.js';
import {
  backupFolder,
  backupKey,
  isPartsKey,
  manifestKey,
  nodeSnapshotName,
  partsKey,
} from '../../model/backup-names.js';
import { FerryError } from '../../model/errors.js';
import {
  MANIFEST_VERSION,
  backupDocumentSchema,
  collectionManifestSchema,
  nodeDocumentSchema,
  parseDocument,
  type BackupDocument,
} from '../../model/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';
import { requireOwn } from '../catalogue/check-objects.js';
import { readIfThere, sha256OfText } from '../read-text.js';

type Line = BackupDocument['collections'][number];

export async function writeBackup(
  { store, ferryVersion }: { store: ObjectStore; ferryVersion: string },
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
  const document = await documentOf(store, input, ferryVersion, signal);
  const body = Buffer.from(`${JSON.stringify(document, null, 1)}\n`);
  await store.put(key, body, { ifAbsent: true, contentType: 'application/json' });
  return resultOf(document, abortedUploads);
}

async function documentOf(
  store: ObjectStore,
  input: WriteBackupInput,
  ferryVersion: string,
  signal?: AbortSignal,
): Promise<BackupDocument> {
  const { cluster, backup, startedAt, qdrantVersion, workflowId } = input;
  const failed = new Map(input.collections.map((line) => [line.collection, line]));
  const names = new Set(failed.keys());
  for await (const name of store.folders(backupFolder(cluster, backup))) names.add(name);
  const collections: Line[] = [];
  for (const collection of [...names].sort()) {
    const line = failed.get(collection);
    collections.push(
      line?.outcome === 'failed'
        ? failedLine(line)
        : await lineOf(store, { cluster, backup, collection }, signal),
    );
  }
  const nodeSnapshot = await nodeSnapshotOf(store, input, signal);
  return {
    format: 'qdrant-ferry/backup',
    version: MANIFEST_VERSION,
    backup,
    kind: 'full',
    cluster,
    startedAt,
    finishedAt: new Date().toISOString(),
    qdrantVersion,
    ferryVersion,
    workflowId,
    collections,
    ...(nodeSnapshot === undefined ? {} : { nodeSnapshot }),
  };
}

function failedLine({ collection, error }: WriteBackupInput['collections'][number]): Line {
  return { collection, outcome: 'failed', ...(error === undefined ? {} : { error }) };
}

async function lineOf(
  store: ObjectStore,
  ref: { cluster: string; backup: string; collection: string },
  signal?: AbortSignal,
): Promise<Line> {
  const { collection } = ref;
  const key = manifestKey(ref.cluster, ref.backup, collection);
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return failedLine({ collection, outcome: 'failed', error: 'It has no manifest' });
  const manifest = believable(() => {
    const parsed = parseDocument(collectionManifestSchema, text, key);
    requireOwn(parsed, ref, key);
    return parsed;
  });
  if (manifest instanceof FerryError) {
    return failedLine({ collection, outcome: 'failed', error: manifest.happened.slice(0, 200) });
  }
  const bytes = manifest.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  return {
    collection,
    outcome: 'complete',
    manifestSha256: sha256OfText(text),
    bytes,
    points: manifest.points,
  };
}

function believable<T>(read: () => T): T | FerryError {
  try {
    return read();
  } catch (error) {
    if (error instanceof FerryError) return error;
    throw error;
  }
}

async function nodeSnapshotOf(store: ObjectStore, input: WriteBackupInput, signal?: AbortSignal) {
  const { cluster, backup, startedAt } = input;
  const snapshot = `${backupFolder(cluster, backup)}${nodeSnapshotName(cluster, new Date(startedAt))}`;
  const key = partsKey(snapshot);
  const text = isPartsKey(key) ? await readIfThere(store, key, signal) : undefined;
  return text === undefined ? undefined : parseDocument(nodeDocumentSchema, text, key).node;
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
