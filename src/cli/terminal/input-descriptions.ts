// A sentence for every field of the inputs, as `--help` shows it.

export const inputDescriptions: Record<string, string> = {
  as: 'another name on the target; with several collections old=new for each',
  overrides: "settings of the target that shall differ, in Qdrant's own words",
  method:
    'point by point (scroll), as snapshots of shards, or auto: as snapshots where versions and settings allow',
  through: 'as snapshots by way of this store, which keeps the backup',
  onExisting:
    'what to do with a collection of that name that this job did not make. merge: write into it; recreate, replace: DELETE it (replace: after a backup); swap: the name is an alias, move it at the end. Scroll knows merge and recreate, snapshots and recovery know swap and replace',
  onDifference:
    'when the proof finds a difference: repair it or fail (migration); keep what was recovered, without aliases, or remove it (recovery)',
  ignoreProof: 'do not compare the content with the proof of the backup: the result is then "unproven"',
  onFailure:
    'park a collection for an operator, only where new keys are what it takes (`parkForKeys`), or fail it',
  onBusy: 'when another job writes the same collection of the target',
  parkForHours: 'how long a parked collection waits',
  concurrency: 'collections at the same time',
  copyAliases:
    "whether the source's aliases are created on the target at the end (default: with snapshots yes, with scroll no)",
  trustCopyDigest: 'do not read the source again for the proof: the result is then "unproven"',
  deleteExtras:
    'the source leads: DELETE points of the target that the source does not have, whoever wrote them, and overwrite what differs',
  allowUnfinished: 'also take a source that another job has not finished filling; its backup is partial',
  replicas: 'prove every node of the target, not only the one that answers',
  allowReplicaDifference: 'go on although replicas of a shard hold different numbers of points',
  settleMs: 'how long to wait for the optimizers before the capture',
  awaitIndexing: 'do not wait until the target has built its indexes',
  awaitIndexingMinutes: 'how long to wait for them',
  store: 'alias of the store (default: defaults.store of ferry.yaml)',
  cluster:
    'alias under which the backups were made (default: the only one in the store, or the one that is called like the target)',
  from: 'snapshots that ferry did not make: STORE:FOLDER, STORE:FILE.snapshot, or a URL',
  map: 'with --from: of which collection a file is, where its name does not tell; a pattern with * and ? is a file too',
  backup:
    'id of the backup (default: the newest run of all collections; of a named collection its newest complete one)',
  before: 'only backups that began before this time',
  includeDropped: 'also collections that older runs hold and the newest one does not',
  via: 'whether the nodes fetch the snapshots, or the worker sends them',
  precheck: 'full: read and hash every object before the target is touched',
  safetyBackup: 'with --on-existing replace: delete what is there without a backup of it',
  shards: 'shards of one collection at the same time',
  capture: 'stream shards, or have each node store a file first; auto chooses by version',
  verify: 'at the end hash every object again, or ask for existence and size only',
  digest: 'no digests of the source before and after, and so no proof of the content',
  recall: 'no searches written down, and so no recall to compare a rehearsal with',
  recallQueries: 'stored points to search by, for each vector name',
  newCluster:
    'the alias leads to another cluster than that of the backups in the store, on purpose: from now on restores take the new one',
  nodeSnapshot: "Qdrant's own full storage snapshot too (a cluster of one node)",
  subset: 'points that only the target has are no difference',
  recheckAfterMs: 'pause before a difference is believed',
  maxPointsPerSecond: 'limit of speed, for the whole collection',
  maxMegabytesPerSecond: 'limit of bandwidth, for the whole collection',
  slices: 'slices at the same time',
  batchBytes: 'size of a batch',
  budgetMs: 'how long an activity works on a slice before it reports back',
  stallAfterAttempts: 'give up when the cursor has not moved in so many attempts',
  continueAsNewAfterEvents: 'begin a new history after so many events, instead of when the server advises it',
  heartbeatSeconds: 'a data worker silent for so long counts as dead',
};
