// Keys of a backup's objects and the ids of backups, made here and nowhere else. docs/backup-format.md lists them.
//
//   {cluster}/{backupId}/started.json
//   {cluster}/{backupId}/{collection}/{collection}_{YYYYMMDD_HHMMSS}.shard-{id}.{nonce}.snapshot
//   {cluster}/{backupId}/{collection}/{the same name}.parts.json
//   {cluster}/{backupId}/{collection}/ids.{nonce}.gz
//   {cluster}/{backupId}/{collection}/slice-{position}.{nonce}.json  and .ids.gz, .points, .digests
//   {cluster}/{backupId}/{collection}/recall.json
//   {cluster}/{backupId}/{collection}/manifest.json
//   {cluster}/{backupId}/{collection}/complete.json
//   {cluster}/{backupId}/{collection}/proof-{kind}_{YYYYMMDD_HHMMSS}.json
//   {cluster}/{backupId}/{collection}/pin.json
//   {cluster}/{backupId}/{collection}/pruned.json
//   {cluster}/{backupId}/{cluster}_{YYYYMMDD_HHMMSS}.node.{nonce}.snapshot   (and its .parts.json)
//   {cluster}/{backupId}/backup.json
//   .ferry-marker-{nonce}                                            for seconds only, while a disk is examined
//   .ferry-prune/{number}.json                                       the lease of whoever prunes
//   .ferry-readers/{cluster}/{backupId}/{collection}/{hash}.json     a job that reads this backup
//   .ferry-snapshots/{cluster}/{node}/{scope}/{snapshot}.json        one that `keepOnNode` may delete from the node
//
// A nonce is eight random hex digits, another one for each upload.

import { shortenedName } from '../name-lengths.js';

/** "20261123_021500": UTC, sorts by time. */
export function stamp(at: Date): string {
  const iso = at.toISOString();
  return `${iso.slice(0, 10).replaceAll('-', '')}_${iso.slice(11, 19).replaceAll(':', '')}`;
}

/** `run` tells two backups of one second apart: the last digits of the workflow's run id (the first ones are a time). */
export function backupIdOf(startedAt: Date, run: string): string {
  return `${stamp(startedAt)}-${run.replaceAll('-', '').slice(-8)}`;
}

const BACKUP_ID = /^(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/;

export function isBackupId(name: string): boolean {
  return BACKUP_ID.test(name);
}

/** When the backup began. */
export function timeOfBackup(backupId: string): Date | undefined {
  const [, year, month, day, hour, minute, second] = BACKUP_ID.exec(backupId) ?? [];
  if (year === undefined) return undefined;
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

export function clusterFolder(cluster: string): string {
  return `${cluster}/`;
}

export function backupFolder(cluster: string, backupId: string): string {
  return `${cluster}/${backupId}/`;
}

export function collectionFolder(cluster: string, backupId: string, collection: string): string {
  return `${backupFolder(cluster, backupId)}${collection}/`;
}

export function snapshotName(collection: string, startedAt: Date, shard: number, nonce: string): string {
  return `${collection}_${stamp(startedAt)}.shard-${shard}.${nonce}.snapshot`;
}

/** Qdrant's own full storage snapshot of a node. */
export function nodeSnapshotName(cluster: string, startedAt: Date, nonce: string): string {
  return `${cluster}_${stamp(startedAt)}.node.${nonce}.snapshot`;
}

/** The document beside a snapshot that lists its parts. */
export function partsKey(snapshotKey: string): string {
  return `${snapshotKey}.parts.json`;
}

export function manifestKey(cluster: string, backupId: string, collection: string): string {
  return `${collectionFolder(cluster, backupId, collection)}manifest.json`;
}

/** Written after the objects of the manifest were checked. */
export function completeKey(cluster: string, backupId: string, collection: string): string {
  return `${collectionFolder(cluster, backupId, collection)}complete.json`;
}

/** Ids of the living points, per shard key. */
export function idsKey(cluster: string, backupId: string, collection: string, nonce: string): string {
  return `${collectionFolder(cluster, backupId, collection)}ids.${nonce}.gz`;
}

/** Of a slice of points; `name` is what `sliceName` gives. */
export function sliceKey(
  cluster: string,
  backupId: string,
  collection: string,
  name: string,
  what: 'ids.gz' | 'points' | 'digests' | 'json',
): string {
  return `${collectionFolder(cluster, backupId, collection)}${name}.${what}`;
}

export function sliceName(position: number, nonce: string): string {
  return `slice-${position}.${nonce}`;
}

/** The searches that a rehearsal replays. */
export function recallKey(cluster: string, backupId: string, collection: string): string {
  return `${collectionFolder(cluster, backupId, collection)}recall.json`;
}

export function proofKey(
  cluster: string,
  backupId: string,
  collection: string,
  kind: string,
  at: Date,
): string {
  return `${collectionFolder(cluster, backupId, collection)}proof-${kind}_${stamp(at)}.json`;
}

/** No prune removes what has one. */
export function pinKey(cluster: string, backupId: string, collection: string): string {
  return `${collectionFolder(cluster, backupId, collection)}pin.json`;
}

/** Written before the manifest is deleted; goes with the run. */
export function prunedKey(cluster: string, backupId: string, collection: string): string {
  return `${collectionFolder(cluster, backupId, collection)}pruned.json`;
}

export function startedKey(cluster: string, backupId: string): string {
  return `${backupFolder(cluster, backupId)}started.json`;
}

export function backupKey(cluster: string, backupId: string): string {
  return `${backupFolder(cluster, backupId)}backup.json`;
}

/** Names of documents beside the collections' folders: a disk has no folder of the same name. */
export const RUN_DOCUMENTS = ['started.json', 'backup.json'];

/** In no folder: a disk's client may remember for a while that a folder was not there. */
export function markerKey(nonce: string): string {
  return `.ferry-marker-${nonce}`;
}

export const PRUNE_LEASES = '.ferry-prune/';

/** Sorts by number. */
export function pruneLeaseKey(number: number): string {
  return `${PRUNE_LEASES}${String(number).padStart(12, '0')}.json`;
}

/** Undefined for any other key. */
export function numberOfPruneLease(key: string): number | undefined {
  const digits = /^\.ferry-prune\/(\d{12})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Of a backup of one collection; without a backup, of all of the cluster. */
export function readersFolder(cluster: string, backupId?: string, collection?: string): string {
  const rest = backupId === undefined ? '' : `${backupId}/${collection}/`;
  return `.ferry-readers/${cluster}/${rest}`;
}

/** `hash`: of who reads. */
export function readerKey(cluster: string, backupId: string, collection: string, hash: string): string {
  return `${readersFolder(cluster, backupId, collection)}${hash}.json`;
}

/** Undefined for any other key. */
export function readBackupOf(key: string): { backup: string; collection: string } | undefined {
  const [, backup, collection] = /^\.ferry-readers\/[^/]+\/([^/]+)\/([^/]+)\/[^/]+\.json$/.exec(key) ?? [];
  return backup === undefined || collection === undefined ? undefined : { backup, collection };
}

/**
 * Of the snapshots on one node that ferry made, of the same collection, shard, or whole storage. No collection and no shard
 * is in the folder of another.
 */
export function snapshotRecords(
  { cluster, peer }: { cluster: string; peer?: string },
  { collection, shard }: { collection?: string; shard?: number },
): string {
  const what = shard === undefined ? 'collection' : `shard-${shard}`;
  const scope = collection === undefined ? 'storage' : `${what}/${collection}`;
  return `.ferry-snapshots/${cluster}/${peer ?? 'single'}/${scope}/`;
}

export function snapshotRecordKey(folder: string, name: string): string {
  return `${folder}${name}.json`;
}

/** The snapshot of a key below `snapshotRecords`; undefined for any other. */
export function recordedName(folder: string, key: string): string | undefined {
  const name = key.slice(folder.length);
  return name.endsWith('.json') && !name.includes('/') ? name.slice(0, -'.json'.length) : undefined;
}

export function captureLockId(cluster: string, collection: string): string {
  return `ferry/${cluster}/${collection}/backup`;
}

/** The collection that `swap` writes, behind the alias. */
export function swapName(alias: string, at: Date): string {
  return `${alias}_${stamp(at)}`;
}

export function isSwapName(name: string, alias: string): boolean {
  return swapAlias(name) === alias;
}

/** The alias for which a collection may have been made by `swap`: its lock is under that name. */
export function swapAlias(name: string): string | undefined {
  return /^(.+)_\d{8}_\d{6}$/s.exec(name)?.[1];
}

/** So that every version of Qdrant recovers into it, whatever the number of shards. */
const LONGEST_REHEARSAL_NAME = 220;

/** The collection that a rehearsal makes and removes. */
export function rehearsalName(collection: string, at: Date): string {
  const head = `rehearsal_${stamp(at)}_`;
  return `${head}${shortenedName(collection, LONGEST_REHEARSAL_NAME - head.length)}`;
}

export function isRehearsalName(name: string): boolean {
  return /^rehearsal_\d{8}_\d{6}_/.test(name);
}
