// Codes of what goes wrong at a Qdrant cluster: reaching it, its answers, its collections.

import type { ErrorEntry } from './job-errors.js';

export const clusterErrors = {
  ClusterUnreachable: {
    retryable: true,
    remedy: 'Check `url` and `grpcUrl` in ferry.yaml, the network, and the node.',
  },
  NodeDown: {
    retryable: false,
    remedy:
      'Nothing was written. Start the node again. Or remove its address from ferry.yaml while it is down (workers reload the file): if every shard has a replica on another node, the job can use those nodes.',
  },
  GrpcMissing: {
    retryable: false,
    remedy:
      'Nothing was written. If this cluster has REST only, set `grpc: false` for it in ferry.yaml: points are then read and written over REST as text, bit for bit but more slowly. Otherwise correct `grpcUrl`. Workers reload ferry.yaml; then start the job again.',
  },
  ClusterUnauthorized: {
    retryable: false,
    remedy: 'Check `apiKey` in ferry.yaml and the permissions of that key.',
  },
  ClusterKeyRefused: {
    retryable: false,
    isCuredByKeys: true,
    remedy:
      'Put the right key into ferry.yaml (`apiKey`) or into the file that it names (`apiKeyFile`). Workers reload both. Then send `retry`, or start the job again.',
  },
  ClusterUntrusted: {
    retryable: false,
    remedy:
      'Check the certificate, or set its authority as `ca` in ferry.yaml. If the cluster requires a client certificate, set `certFile` and `keyFile`.',
  },
  ClusterChanged: {
    retryable: false,
    remedy:
      'Nothing was written to that cluster. Correct the address in ferry.yaml. If you mean the other cluster, choose another name with `as` (`--as`), or set `onExisting: "recreate"` (`--on-existing recreate`), which deletes the target collection first.',
  },
  CollectionNotFound: { retryable: false, remedy: 'Check the name on the source cluster.' },
  CollectionChanged: {
    retryable: false,
    remedy: 'Nothing was written to the new collection. Find out who replaced it, then start a new job.',
  },
  SourceVanished: {
    retryable: false,
    remedy: 'Find out who deleted it. If it was deleted on purpose, start the job again without its name.',
  },
  SourceUnfinished: {
    retryable: false,
    remedy:
      'Wait until that job has finished, or start it again. To take the collection as it is, set `allowUnfinished: true` (`--allow-unfinished`); a backup of it is then partial.',
  },
  IdentityUnknown: {
    retryable: false,
    remedy:
      'Nothing was changed. Allow `GET /collections/{name}/cluster` or `GET /telemetry` on both clusters, or use a key that may create a collection on the target.',
  },
  TargetChanged: {
    retryable: false,
    isDifference: true,
    remedy:
      'If the source leads, set `deleteExtras: true` (`--delete-extras`): it deletes what the source does not have. Otherwise choose another name with `as` (`--as`).',
  },
  IncompatibleTarget: {
    retryable: false,
    remedy:
      'Nothing was changed. A migration: choose another name with `as` (`--as`), or set `onExisting: "recreate"` (`--on-existing recreate`), which deletes the target collection first. A target without clustering: start it with QDRANT__CLUSTER__ENABLED=true. A verification cannot compare these two.',
  },
  TargetExists: {
    retryable: false,
    remedy:
      'Nothing was changed. Choose another name with `as` (`--as`), switch an alias to it with `--as ALIAS --on-existing swap`, or set `onExisting: "replace"` (`--on-existing replace`), which deletes the existing collection.',
  },
  TargetNotEmpty: {
    retryable: false,
    remedy:
      'Nothing was changed. Choose another name with `as` (`--as`), or set `onExisting` (`--on-existing`) to "merge", or to "recreate", which deletes the existing collection.',
  },
  CollectionExists: {
    retryable: false,
    remedy:
      'Set `replace: true` (`--replace`) if its content may be overwritten, or recover into another collection.',
  },
  NameTakenByAlias: {
    retryable: false,
    remedy:
      'Do not remove an alias that clients use. A migration or a recovery: choose another name with `as` (`--as`); a recovery can switch the alias after the proof with `onExisting: "swap"` (`--on-existing swap`). `ferry snapshots recover`: name the collection itself.',
  },
  NameTooLong: {
    retryable: false,
    isFinal: true,
    remedy:
      'Scroll migration (`ferry migrate --method scroll`) can copy this collection. To back it up, first migrate it to a shorter name with `as` (`--as`).',
  },
  ReshardingInProgress: {
    retryable: true,
    remedy: 'Wait until shard transfers and resharding have finished.',
  },
  UnknownPointField: {
    retryable: false,
    remedy:
      'This Qdrant is newer than this version of ferry. Nothing was dropped or written for this point. Update ferry.',
  },
  QdrantRejected: {
    retryable: false,
    remedy: 'A retry would not help. The message holds the reason that Qdrant gave.',
  },
  QdrantUnavailable: {
    retryable: true,
    remedy: 'A running job retries it automatically. If it persists, check the named node.',
  },
  QdrantThrottled: {
    retryable: true,
    remedy: 'A running job retries it after the time that Qdrant requested.',
  },
  QdrantDiskFull: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Points already written stay. Free space on the disk of the named node, or enlarge it. Then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantOutOfMemory: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Points already written stay. Give the named node more memory, or remove collections from it. Then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantOutOfFiles: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Raise the limit of open files of the named node (`ulimit -n`, `LimitNOFILE`, `--ulimit nofile`) and restart it. Then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantRecoveryMode: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'The named node neither reads nor writes points. Fix the cause that it reports and restart it without recovery mode. Then send `retry` (`ferry retry`), or start the job again.',
  },
  QdrantReadOnly: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Make the named node writable (unlock it, or mount its disk read-write). Then send `retry` (`ferry retry`), or start the job again.',
  },
  CollectionLimitReached: {
    retryable: false,
    isOfCluster: true,
    remedy:
      'Remove collections from the target, or raise `storage.max_collections` in its configuration and restart it. Then start the job again.',
  },
  StrictModeLimit: {
    retryable: false,
    remedy:
      "The same request would be refused again. Raise the named limit in the collection's `strict_mode_config`, or disable strict mode while the job runs; then send `retry` (`ferry retry`), or start the job again. If the limit must stay, abort the job and start it with a smaller `batchBytes` (`--batch-bytes`).",
  },
  VectorNotNumbers: {
    retryable: false,
    remedy:
      'Give the cluster a gRPC address (`grpcUrl`, without `grpc: false`), which carries these values. Or replace that vector, or delete the point.',
  },
  WriteNotCompleted: {
    retryable: true,
    remedy: 'A running job retries it automatically: Qdrant did not confirm the write.',
  },
  ReplicaNotActive: {
    retryable: true,
    remedy: 'A running job retries it automatically. If it persists, check the replica on the named node.',
  },
  ReplicasDiffer: {
    retryable: false,
    remedy:
      'No point was changed. Find out which replica is right, drop the other one, and let Qdrant copy the shard again. To continue with the replica that is read, set `allowReplicaDifference: true` (`--allow-replica-difference`).',
  },
  NodesUnknown: {
    retryable: false,
    remedy: 'List every node of the cluster under `nodes` in ferry.yaml, each with its own address.',
  },
  ClusterEmpty: {
    retryable: false,
    remedy:
      'Nothing was written. Check which cluster the alias leads to, and whether the node found its storage when it started. If the collections are lost, run `ferry restore`.',
  },
} as const satisfies Record<string, ErrorEntry>;
