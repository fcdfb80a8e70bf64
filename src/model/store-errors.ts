// Codes of what goes wrong at a store, with a backup, or with a snapshot.

import type { ErrorEntry } from './job-errors.js';

export const storeErrors = {
  StoreAccessDenied: {
    retryable: false,
    remedy: 'Compare the permissions of the key or role of this worker with docs/permissions.md.',
  },
  StoreKeysExpired: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Renew the credentials at the place this worker reads them from (docs/permissions.md, "Credentials of a store"). It reads them again automatically. Then send `retry`, or start the job again.',
  },
  StoreKeysUnknown: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'The access key is unknown to the store, or the secret belongs to another key. Put the right pair where this worker reads it (docs/permissions.md, "Credentials of a store"). Then send `retry`, or start the job again.',
  },
  StoreKeysMissing: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Give this worker credentials: `accessKeyId` and `secretAccessKey`, or their files, in ferry.yaml, or through the AWS chain (environment, ~/.aws, a role). Then send `retry`, or start the job again.',
  },
  StoreClockSkewed: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      "The keys are not the cause. Correct the clock of this worker's machine, or of the store (NTP). Then send `retry`, or start the job again.",
  },
  StorePartsRefused: {
    retryable: false,
    remedy:
      'The upload was aborted; no object was written. Set the `profile` of this store in ferry.yaml, or its `partSizeBytes` and `maxParts`. Then start the job again.',
  },
  StoreUnreachable: {
    retryable: true,
    remedy:
      'A running job retries it automatically. If it persists, check `url`, `endpoint` and `region` in ferry.yaml, and the network.',
  },
  StoreThrottled: { retryable: true, remedy: 'A running job retries it automatically, more slowly.' },
  StoreRejected: {
    retryable: false,
    remedy: 'A retry would not help. The message holds the reason that the store gave.',
  },
  StoreFull: {
    retryable: false,
    remedy: 'Free space in the store, or remove old backups. Then start the job again.',
  },
  StoreReadOnly: {
    retryable: false,
    remedy:
      'Nothing was written or deleted. Use another store, or remove `readOnly` from this one in ferry.yaml.',
  },
  PruneBusy: {
    retryable: true,
    remedy:
      'A running job retries it automatically. The other prune, or `ferry backups forget`, holds the lease of the store until it has finished; the lease of one that was killed ends after a minute.',
  },
  BackupKept: {
    retryable: false,
    remedy:
      'Nothing was removed. `ferry backups unpin` removes a pin; a backup that another one is based on goes after that one.',
  },
  StoreOfAnotherCluster: {
    retryable: false,
    remedy:
      'Nothing was written. Correct the alias in ferry.yaml, or use another store. If this cluster replaces the old one, set `newCluster: true` (`ferry backup --new-cluster`). If this is the safety backup of `replace`, first run `ferry backup TARGET COLLECTION --new-cluster`, or recover beside the collection with `--as`.',
  },
  ObjectMissing: {
    retryable: false,
    remedy:
      'It was removed, or never written. Of a backup: choose another one (`--backup`; `ferry backups` lists them). Of a snapshot or another file: check its name and its store. An upload that disappeared: start the job again.',
  },
  ObjectArchived: {
    retryable: false,
    remedy:
      'Nothing is damaged. Restore the named objects from their archive tier (S3 RestoreObject; names without a bucket are relative to the `url` of the store). When the store reports them readable, start the job again.',
  },
  ObjectExists: {
    retryable: false,
    remedy: 'ferry never overwrites a finished object. Find out who wrote it, and start a new backup.',
  },
  ObjectDamaged: {
    retryable: false,
    remedy: 'Do not use this object. Choose another backup, and check the store.',
  },
  BackupNotFound: {
    retryable: false,
    remedy: '`ferry backups` lists the backups in the store and which of them are complete.',
  },
  ManifestInvalid: {
    retryable: false,
    remedy:
      'This backup of the collection does not count as complete. Recover another one, and keep this one for examination.',
  },
  ManifestTooNew: {
    retryable: false,
    remedy: 'A newer version of ferry wrote it. Use that version or a later one.',
  },
  VersionUnfit: {
    retryable: false,
    remedy: 'Recover into a Qdrant of the same or the next minor version, and upgrade it afterwards.',
  },
  AliasNeeded: {
    retryable: false,
    remedy:
      'Nothing was changed. "swap" switches an alias, and Qdrant cannot rename a collection. Write beside it with `as` (`--as NAME`), or in its place with `onExisting: "replace"` (`--on-existing replace`), which takes a backup of it and then deletes it.',
  },
  RecoveryDiffers: {
    retryable: false,
    remedy:
      'Do not use the recovered collection. If somebody writes to it, stop that, and recover again. If it differs again, choose another backup (`--backup`; `ferry backups` lists them).',
  },
  RecoveredEmpty: {
    retryable: false,
    remedy:
      'Use `ferry restore --from`, which creates the collection first and fills it shard by shard. If the snapshot is of an empty collection, set `allowEmpty: true` (`--allow-empty`).',
  },
  RecoveryUnsettled: {
    retryable: false,
    remedy:
      'Write nothing to the collection until the node has finished the recovery. To be sure, restart the node; delete the collection (Qdrant then waits for the recovery) only if this job created it. Then start the job again, without any proxy that times out on long calls, or with `via: "push"` (`--via push`).',
  },
  SafetyBackupStale: {
    retryable: false,
    remedy:
      'Nothing was deleted. Stop the writers, then send `retry`, or start the job again: it takes a new safety backup.',
  },
  ShardBusy: {
    retryable: true,
    remedy: 'A running job retries it automatically: Qdrant streams a shard to one reader at a time.',
  },
  SnapshotUnsettled: {
    retryable: false,
    remedy:
      'Look for the file with `ferry snapshots list`. Create another snapshot only when the node is no longer creating one (`running_snapshots` of GET /telemetry?details_level=2), and without any proxy that times out on long calls.',
  },
  SnapshotIncomplete: {
    retryable: true,
    remedy:
      'A running job retries it automatically, from the beginning. If it persists, check the node and its disk.',
  },
  SnapshotNotFound: {
    retryable: false,
    remedy: 'Nothing was changed. `ferry snapshots list` shows the names on each node.',
  },
  SnapshotCollision: {
    retryable: false,
    remedy: 'Qdrant names snapshots by the second. Find out who else creates them, then create another one.',
  },
  SnapshotUnrecorded: {
    retryable: false,
    remedy:
      'The snapshot stays on the node, and no older one was deleted. Leave `keepOnNode` (`--keep-on-node`) out; remove old snapshots with `ferry snapshots delete`, or by a lifecycle rule of the bucket.',
  },
  SnapshotDamaged: {
    retryable: false,
    remedy:
      'Do not use this file. A backup or a migration takes another snapshot automatically; otherwise get another copy of the file, or use another snapshot.',
  },
  SnapshotUnreadable: {
    retryable: false,
    remedy: 'Nothing can be recovered from this file. Download it again, or choose another one.',
  },
  SnapshotUnfit: {
    retryable: false,
    remedy:
      'Use scroll migration (`ferry migrate --method scroll`, workflow `scrollMigration`), which copies point by point. `method: "auto"` chooses it automatically.',
  },
  SnapshotsAmbiguous: {
    retryable: false,
    remedy:
      'Set with `map` (`--map`) which file belongs to which collection: {"file or pattern": "collection"}. Only those files are then used.',
  },
  SnapshotsIncomplete: {
    retryable: false,
    remedy:
      'Put the snapshots that the other nodes made at the same time into the same folder, or choose another backup.',
  },
} as const satisfies Record<string, ErrorEntry>;
