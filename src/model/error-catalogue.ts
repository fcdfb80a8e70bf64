// One catalogue for everything that can go wrong, so that a code means the same in a log, in the Temporal UI,
// in an exit status, and in docs/runbook.md (a test holds the two together).
// `retryable` is decided here and by the adapter that threw, never by reading a message. The error class is in errors.ts.

export const catalogue = {
  InvalidInput: { retryable: false, remedy: 'Correct the input and start the job again.' },
  InvalidConfig: { retryable: false, remedy: 'Correct ferry.yaml or the environment and start again.' },
  UnknownAlias: { retryable: false, remedy: 'Use an alias that ferry.yaml defines.' },
  CollectionNotFound: { retryable: false, remedy: 'Check the name on the source cluster.' },
  SourceVanished: {
    retryable: false,
    remedy: 'If it is to be there, find out who deleted it; otherwise start the job without it.',
  },
  ClusterUnreachable: {
    retryable: true,
    remedy: 'Check url and grpcUrl in ferry.yaml, the network, and the node.',
  },
  NodeDown: {
    retryable: false,
    remedy:
      'Nothing was written. Start the node again; or take its address out of ferry.yaml while it is down (workers read the file again by themselves): where every shard has another replica, the job can go on with the other nodes.',
  },
  GrpcMissing: {
    retryable: false,
    remedy:
      'Nothing was written. If this cluster has REST only, set `grpc: false` for it in ferry.yaml: its points then go over REST as text, to the same bits and more slowly. Otherwise correct `grpcUrl`. Workers read ferry.yaml again by themselves; then start the job again.',
  },
  ClusterUnauthorized: { retryable: false, remedy: 'Check apiKey in ferry.yaml and the rights of that key.' },
  ClusterKeyRefused: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Put the right key into ferry.yaml (`apiKey`) or into the file that it names (`apiKeyFile`); workers read both again by themselves. Then send `retry`, or start the job again.',
  },
  ClusterUntrusted: {
    retryable: false,
    remedy:
      'Check the certificate, or name its authority as `ca` in ferry.yaml; where the cluster asks for a client certificate, name one with `certFile` and `keyFile`.',
  },
  ClusterChanged: {
    retryable: false,
    remedy:
      'Nothing was written to that cluster. Correct the address in ferry.yaml. If the other cluster is meant, choose another name with `as` (`--as`), or set `onExisting: "recreate"` (`--on-existing recreate`), which deletes the target collection first.',
  },
  CollectionChanged: {
    retryable: false,
    remedy:
      'Nothing was written to the one that is there now. Find out who replaced it, then start a new job.',
  },
  IdentityUnknown: {
    retryable: false,
    remedy:
      'Nothing was changed. Give ferry an address of both clusters at which `GET /collections/{name}/cluster` or `/telemetry` is allowed, or a key that may create a collection on the target.',
  },
  SourceUnfinished: {
    retryable: false,
    remedy:
      'Wait until that job has ended, or start it again. To take the collection as it is, set `allowUnfinished: true` (`--allow-unfinished`); a backup is then partial.',
  },
  TargetMovedOn: {
    retryable: false,
    isDifference: true,
    remedy:
      'If the source leads and what it does not have may be deleted, set `deleteExtras: true` (`--delete-extras`); if not, choose another name with `as` (`--as`).',
  },
  IncompatibleTarget: {
    retryable: false,
    remedy: 'Choose another name with `as`, or `onExisting: "recreate"` to replace the target collection.',
  },
  TargetExists: {
    retryable: false,
    remedy:
      'Nothing was changed. Choose another name with `as` (`--as`), or set `onExisting` (`--on-existing`) to "swap", or to "replace", which deletes what is there.',
  },
  TargetNotEmpty: {
    retryable: false,
    remedy:
      'Nothing was changed. Choose another name with `as` (`--as`), or set `onExisting` (`--on-existing`) to "merge", or to "recreate", which deletes what is there.',
  },
  NameTakenByAlias: {
    retryable: false,
    remedy: 'Remove that alias on the target, or choose another name with `as`.',
  },
  ReshardingInProgress: { retryable: true, remedy: 'Wait until shard transfers and resharding have ended.' },
  CollectionBusy: {
    retryable: false,
    remedy: 'Wait for the named job or abort it; `onBusy: "wait"` waits by itself.',
  },
  UnknownPointField: {
    retryable: false,
    remedy:
      'This Qdrant is newer than this ferry: update ferry. Nothing was dropped or written for this point.',
  },
  QdrantRejected: {
    retryable: false,
    remedy: 'Qdrant refused the request for good; its reason is in the message.',
  },
  QdrantUnavailable: {
    retryable: true,
    remedy: 'Tried again by itself while the job runs. If it stays, look at the named node.',
  },
  QdrantThrottled: { retryable: true, remedy: 'Retried by itself after the time Qdrant asked for.' },
  QdrantDiskFull: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'What was written stays. Make room on the disk of the named node, or enlarge it, then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantOutOfMemory: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'What was written stays. Give the named node more memory, or remove collections from it, then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantOutOfFiles: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Raise the limit of open files of the named node (`ulimit -n`, `LimitNOFILE`, `--ulimit nofile`) and restart it, then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantRecoveryMode: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'The named node reads and writes no points. Fix what it says, restart it without recovery mode, then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantReadOnly: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Let the named node write again (unlock it, or mount its disk for writing), then send `retry` (`ferry retry`), or start the job again.',
  },
  CollectionLimitReached: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Remove collections from the target, or raise `storage.max_collections` of its configuration and restart it, then start the job again.',
  },
  StrictModeLimit: {
    retryable: false,
    remedy:
      "Raise the named limit in the collection's `strict_mode_config`, or switch strict mode off while the job runs, then send `retry` (`ferry retry`), or start the job again.",
  },
  NameTooLong: {
    retryable: false,
    isFinal: true,
    remedy:
      'Scroll migration (`ferry migrate --method scroll`) copies such a collection; under a shorter name, with `as` (`--as`), it can be backed up there.',
  },
  LeaseLost: {
    retryable: true,
    remedy: 'Retried by itself: the next attempt goes on from the last acknowledged heartbeat.',
  },
  SafetyBackupStale: {
    retryable: false,
    remedy:
      'Nothing was deleted. Stop the writers, then send `retry`, or start the job again: it takes another safety backup.',
  },
  RecoveryUnheard: {
    retryable: false,
    remedy:
      'Write nothing to the collection until the node has ended the recovery. To be sure, delete the collection (Qdrant then waits for the recovery) or restart the node. Then start the job again, past any proxy that gives up on long calls, or with `via: "push"` (`--via push`).',
  },
  SnapshotUnheard: {
    retryable: false,
    remedy:
      'Look for the file with `ferry snapshots list`. Create another one only when the node makes none any more (`running_snapshots` of GET /telemetry?details_level=2); without a proxy that gives up on long calls, where there is one.',
  },
  VectorNotNumbers: {
    retryable: false,
    remedy:
      'Give the cluster a gRPC address (`grpcUrl`, without `grpc: false`), which carries these bits; or replace that vector, or delete the point.',
  },
  WriteNotCompleted: {
    retryable: true,
    remedy: 'Retried by itself: the write was not confirmed as applied.',
  },
  ReplicaNotActive: {
    retryable: true,
    remedy: 'Retried by itself; if it stays, look at the replica on the named node.',
  },
  ReplicasDiffer: {
    retryable: false,
    remedy:
      'No point was changed. Find out which replica is right, drop the other one and let Qdrant copy the shard again. To go on with what is read, set `allowReplicaDifference: true` (`--allow-replica-difference`).',
  },
  StoreAccessDenied: {
    retryable: false,
    remedy: 'Check the keys or role of this worker and the rights that docs/permissions.md lists.',
  },
  StoreKeysExpired: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Renew the credentials where this worker takes them from (docs/permissions.md, "Credentials of a store"); they are read again by themselves. Then send `retry`, or start the job again.',
  },
  StoreKeysUnknown: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'The store does not know the access key, or the secret is of another one: put the right pair where this worker takes it from (docs/permissions.md, "Credentials of a store"). Then send `retry`, or start the job again.',
  },
  StoreKeysMissing: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Give this worker credentials: `accessKeyId` and `secretAccessKey`, or their files, in ferry.yaml, or what the AWS chain finds (environment, ~/.aws, a role). Then send `retry`, or start the job again.',
  },
  StoreClockSkewed: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'The keys are not the cause. Set the clock of the machine of this worker, or of the store (NTP). Then send `retry`, or start the job again.',
  },
  StorePartsRefused: {
    retryable: false,
    remedy:
      'The store takes other parts than it was sent. Name whose S3 it is with `profile`, or set `partSizeBytes` and `maxParts` for this store in ferry.yaml, then start the job again.',
  },
  StoreUnreachable: {
    retryable: true,
    remedy: 'Retried by itself; if it stays, check url, endpoint and region in ferry.yaml and the network.',
  },
  StoreThrottled: { retryable: true, remedy: 'Retried by itself, more slowly.' },
  StoreRejected: {
    retryable: false,
    remedy: 'The store refused the request for good; its reason is in the message.',
  },
  StoreFull: { retryable: false, remedy: 'Make room in the store, or prune backups, then start again.' },
  ObjectMissing: {
    retryable: false,
    remedy: 'Something else removed it, or it was never written. Choose another backup.',
  },
  ObjectArchived: {
    retryable: false,
    remedy:
      'Nothing is damaged. Restore the named objects from their archive tier (S3 RestoreObject; without a bucket, names are below the `url` of the store), wait until the store says that they are readable, then start the job again.',
  },
  ObjectExists: {
    retryable: false,
    remedy: 'What is written once is never overwritten: see who wrote it, and begin a new backup.',
  },
  ObjectDamaged: {
    retryable: false,
    remedy: 'Do not trust this object. Choose another backup and check the store.',
  },
  Stalled: {
    retryable: false,
    remedy: 'The cursor no longer moves. Fix the cause in the message, then send `retry`.',
  },
  SidesDiffer: {
    retryable: false,
    isDifference: true,
    remedy:
      'Stop whoever writes to the source or the target, and run it again. A target that was verified before, and has changed or holds more than the source, is repaired only with `deleteExtras: true` (`--delete-extras`).',
  },
  SettingsDiffer: {
    retryable: false,
    isDifference: true,
    remedy:
      'The points are equal: no writer is to blame. Set what is named with `PATCH /collections/{name}`, or name the wanted values in `overrides`, and start the same job again, which compares. Payload indexes are created and deleted under `/collections/{name}/index`.',
  },
  CollectionsFailed: {
    retryable: false,
    remedy: 'Fix what each collection reports and start the same job again.',
  },
  Aborted: { retryable: false, remedy: 'Start the same job again to go on from what is on the target.' },
  JobNotFound: {
    retryable: false,
    remedy:
      '`ferry status` lists the jobs that run; finished ones stay for the retention period of Temporal.',
  },
  JobNotRunning: { retryable: false, remedy: '`ferry status` lists the jobs that run.' },
  TemporalRefused: {
    retryable: false,
    remedy: 'Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the key or certificate of this command.',
  },
  ManifestInvalid: {
    retryable: false,
    remedy:
      'This backup of the collection does not count as complete: recover another one, and keep this for examination.',
  },
  ManifestTooNew: {
    retryable: false,
    remedy: 'A newer ferry wrote it: recover with that version or a later one.',
  },
  ShardBusy: {
    retryable: true,
    remedy: 'Retried by itself: Qdrant streams a shard to one reader at a time.',
  },
  SnapshotIncomplete: {
    retryable: true,
    remedy: 'Retried by itself, from the beginning; if it stays, look at the node and at its disk.',
  },
  SnapshotNotFound: {
    retryable: false,
    remedy: '`ferry snapshots list` shows the names on each node. Nothing was changed.',
  },
  SnapshotCollision: {
    retryable: false,
    remedy: 'Qdrant names snapshots by the second: see who else makes them, then make another one.',
  },
  SnapshotDamaged: {
    retryable: false,
    remedy: 'Do not use this file: take another copy of it, or another snapshot.',
  },
  CollectionExists: {
    retryable: false,
    remedy: 'Say `replace: true` (`--replace`) if its content may go, or recover into another collection.',
  },
  RecoveredEmpty: {
    retryable: false,
    remedy:
      'Recover with `ferry restore --from`, which makes the collection first and fills it shard by shard. If the snapshot is of an empty collection, say `allowEmpty: true` (`--allow-empty`).',
  },
  NodesUnknown: {
    retryable: false,
    remedy: 'List every node of the cluster under `nodes` in ferry.yaml, each by its own address.',
  },
  StoreOfAnotherCluster: {
    retryable: false,
    remedy:
      'Nothing was written. Correct the alias in ferry.yaml, or use another store. If this cluster replaces the old one, set `newCluster: true` (`ferry backup --new-cluster`). If this is the safety backup of `replace`, set `safetyBackup: false` (`--no-safety-backup`) to delete what is there without one.',
  },
  ClusterEmpty: {
    retryable: false,
    remedy:
      'Nothing was written. Check where the alias leads and whether the node found its storage when it started. If the collections are lost: `ferry restore`.',
  },
  BackupNotFound: {
    retryable: false,
    remedy: '`ferry backups` lists what the store has, and what of it is complete.',
  },
  SnapshotsAmbiguous: {
    retryable: false,
    remedy:
      'Say with `map` which file is of which collection: {"file or pattern": "collection"}; only those files are then taken.',
  },
  SnapshotsIncomplete: {
    retryable: false,
    remedy: 'Put the snapshots of the other nodes beside it, of the same time, or choose another backup.',
  },
  SnapshotUnreadable: {
    retryable: false,
    remedy: 'Nothing can be recovered from this file: fetch it again, or choose another one.',
  },
  VersionUnfit: {
    retryable: false,
    remedy: 'Recover into a Qdrant of the same or the next minor version, and upgrade it afterwards.',
  },
  SnapshotUnfit: {
    retryable: false,
    remedy:
      'Use scroll migration (`ferry migrate --method scroll`, workflow `scrollMigration`), which goes point by point; `method: "auto"` chooses it by itself.',
  },
  AliasNeeded: {
    retryable: false,
    remedy:
      'Qdrant cannot rename a collection. Recover under another name with `as`, or say `onExisting: "replace"`.',
  },
  RecoveryDiffers: {
    retryable: false,
    remedy:
      'Do not use what was recovered. Recover it again with `onExisting: "replace"` (`--on-existing replace`), or choose another backup (`--backup`).',
  },
  StandaloneBusy: {
    retryable: false,
    remedy: 'Wait until that command has ended, or stop it with Ctrl-C: its job is kept.',
  },
  StackFailed: { retryable: false, remedy: 'Where a log file is named, it says more.' },
  Internal: { retryable: false, remedy: 'This is a defect of ferry: please report it with the stack trace.' },
} as const satisfies Record<string, CatalogueEntry>;

export interface CatalogueEntry {
  retryable: boolean;
  remedy: string;
  /** Nothing that an operator could do makes the same job succeed: it does not wait for one. */
  isFinal?: true;
  /** Every other collection of the job would meet it, too: no more of them are started. */
  isOfCluster?: true;
  /** New keys, or a clock that is right, cure it in the middle of a job: nothing that it did so far was wrong. */
  isCuredByKeys?: true;
  /** Two sides were compared and are not equal: no failure of the work. */
  isDifference?: true;
}

export type ErrorCode = keyof typeof catalogue;
