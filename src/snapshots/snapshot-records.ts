// What ferry remembers of the snapshots that it made with `keepOnNode`: an object for each, in a store, by which a later job
// knows its own from those of others. docs/decisions/0024-snapshots-on-nodes.md

import { FerryError } from '../model/errors.js';
import type { ListedSnapshot, SnapshotScope } from '../model/contracts/snapshot-activities.js';
import { given } from '../model/contracts/snapshot-inputs.js';
import { recordedName, snapshotRecordKey, snapshotRecords } from '../model/format/backup-names.js';
import { MANIFEST_VERSION } from '../model/format/fields.js';
import { parseDocument } from '../model/format/parse-document.js';
import { snapshotRecordSchema, type SnapshotRecord } from '../model/format/snapshot-record.js';
import { documentText } from '../model/format/document-text.js';
import { mapInOrder } from '../model/map-in-order.js';
import { readIfThere } from '../shards/read-text.js';
import type { ObjectStore } from '../storage/object-store.js';

const AT_ONCE = 8;
/** Of one object: the others are there. */
const UNREADABLE = ['ManifestInvalid', 'ManifestTooNew', 'ObjectArchived', 'ObjectDamaged'];

export type MadeBy = SnapshotScope & { cluster: string; made: ListedSnapshot; job: string };

/** Throws `SnapshotUnrecorded` where Qdrant gives no checksum, by which the file would be known again. */
export function recordOf({ cluster, made, job, ...scope }: MadeBy): SnapshotRecord {
  const { node, peer, name, bytes, sha256, createdAt } = made;
  if (sha256 === undefined) throw noChecksum(made);
  const at = new Date().toISOString();
  return {
    format: 'qdrant-ferry/snapshot',
    version: MANIFEST_VERSION,
    ...{ cluster, node, ...given({ peer }), ...scope, name, bytes, sha256: sha256.toLowerCase() },
    ...{ createdAt: createdAt === undefined ? at : new Date(createdAt).toISOString(), job, at },
  };
}

export async function writeRecord(store: ObjectStore, record: SnapshotRecord): Promise<void> {
  const body = Buffer.from(documentText(record));
  await store.put(keyOf(record), body, { contentType: 'application/json' });
}

export interface FoundRecords {
  records: SnapshotRecord[];
  /** Keys, with the code of what is wrong. */
  unreadable: string[];
}

/** Those of the same node and scope as this one. */
export async function recordsBeside(
  store: ObjectStore,
  made: SnapshotRecord,
  signal: AbortSignal,
): Promise<FoundRecords> {
  const keys: string[] = [];
  const folder = folderOf(made);
  for await (const { key } of store.list(folder)) if (recordedName(folder, key) !== undefined) keys.push(key);
  const unreadable: string[] = [];
  const records = await mapInOrder(keys, AT_ONCE, async (key) => {
    signal.throwIfAborted();
    try {
      return await readRecord(store, key, signal);
    } catch (error) {
      if (!(error instanceof FerryError) || !UNREADABLE.includes(error.code)) throw error;
      unreadable.push(`${key} (${error.code})`);
      return undefined;
    }
  });
  return { records: records.filter((one) => one !== undefined), unreadable: unreadable.sort() };
}

export async function removeRecord(store: ObjectStore, record: SnapshotRecord): Promise<void> {
  await store.delete(keyOf(record));
}

/** Undefined where another job has removed it. */
async function readRecord(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<SnapshotRecord | undefined> {
  const text = await readIfThere(store, key, signal);
  if (text === undefined) return undefined;
  const record = parseDocument(snapshotRecordSchema, text, key);
  if (keyOf(record) === key) return record;
  throw new FerryError('ManifestInvalid', 'The document is of another snapshot than its key', {
    context: { key },
  });
}

function keyOf(record: SnapshotRecord): string {
  return snapshotRecordKey(folderOf(record), record.name);
}

function folderOf({ cluster, peer, collection, shard }: SnapshotRecord): string {
  return snapshotRecords({ cluster, ...given({ peer }) }, given({ collection, shard }));
}

function noChecksum({ node, name }: ListedSnapshot): FerryError {
  const happened = `${name} was made on ${node} and cannot be recorded: Qdrant gives no checksum of it, as where it keeps snapshots in S3`;
  return new FerryError('SnapshotUnrecorded', happened, { context: { node } });
}
