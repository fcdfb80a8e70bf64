// A sentence for every field of the inputs, as `--help` shows it.

export const inputDescriptions: Record<string, string> = {
  as: 'another name on the target; for several collections old=new, once for each',
  overrides:
    'settings of the target that are to differ from the source, as JSON in the form of the Qdrant API',
  method:
    'scroll: point by point; snapshot: as snapshots of shards; auto: as snapshots if versions and settings allow it, otherwise point by point',
  through: 'move the snapshots through this store, which keeps the backup',
  onExisting: 'if a collection of that name exists and this job did not create it',
  onDifference: 'if the proof finds a difference',
  ignoreProof: 'do not compare the content with the proof of the backup; the result is then "unproven"',
  onFailure:
    'park: the collection waits for an operator; parkForKeys: only if new keys are needed; fail: it fails',
  onBusy: 'if another job holds the collection',
  parkForHours: 'how long a parked collection waits',
  concurrency: 'number of collections at the same time',
  copyAliases:
    'create the aliases of the source on the target at the end (default with --method snapshot; not with scroll)',
  noCopyAliases: 'create no aliases on the target, also with --method snapshot',
  trustCopyDigest: 'do not read the source again for the proof; the result is then "unproven"',
  deleteExtras:
    'make the target match the source: DELETE every point of the target that the source lacks, whoever wrote it, and overwrite what differs',
  allowUnfinished: 'also accept a source that another job has not finished filling; its backup is partial',
  replicas: 'prove every node of the target, not only the one that answers',
  allowReplicaDifference: 'continue if replicas of a shard hold different numbers of points',
  settleMs: 'how long to wait for the optimizers before the capture',
  awaitIndexing: 'do not wait until the target has built its indexes',
  awaitIndexingMinutes: 'how long to wait for the indexes of the target',
  store: 'alias of the store (default: defaults.store of ferry.yaml)',
  cluster:
    'alias under which the backups were made (default: the only one in the store, or the one with the name of the target)',
  from: 'snapshots that ferry did not make: STORE:FOLDER, STORE:FILE.snapshot, or a URL',
  map: 'with --from: the collection of a file whose name does not tell it; the file may be a pattern with * and ?',
  backup:
    'id of the backup (default: the newest run of all collections; for a named collection its newest complete backup)',
  before: 'only backups that began before this time, like 2026-11-23T02:00:00Z',
  includeDropped: 'also recover collections that are only in older runs',
  via: 'pull: the nodes fetch the snapshots; push: the worker sends them; auto: pull if possible',
  precheck:
    'check of the objects before the target is touched. quick: existence and size; full: read and hash every object',
  safetyBackup: 'with --on-existing replace: DELETE the existing collection without a backup',
  shards: 'number of shards of one collection at the same time',
  format:
    'snapshot: snapshots of the shards; points: the points themselves, which increments continue, and which fit any version',
  exclude: 'names, or patterns like "tmp-*", that are left out',
  onlyUnproven: 'only collections whose newest backup has no proof yet',
  sample: 'rehearse only this number of collections, chosen at random',
  onMissing:
    'if the cluster lacks a collection that is named. fail: refuse the job; continue: that collection fails, the others are backed up',
  maxLinks: 'with --incremental: take a full backup after this number of increments',
  detect:
    'with --incremental. digest: read every point and compare it; field: read the points whose --field says that they were written',
  field: 'with --detect field: the payload field in which the application says when it wrote a point',
  fieldUnit: 'what the field holds (default: as its index or its values say)',
  overlapSeconds: 'with --detect field: how far before the last backup to begin',
  digestEveryHours:
    'with --detect field: compare every point when that was not done for this time, and name what the field did not tell of',
  capture:
    'stream: shards are streamed to the store; stored: each node stores a file first; auto: depends on the version',
  verify: 'check of the objects at the end. full: hash every object again; quick: existence and size',
  digest: 'no digests of the source before and after, and so no proof of the content',
  index: 'keep the digests of all points too, so that increments can continue this backup',
  recall: 'do not store searches, so that a rehearsal has no recall to compare with',
  recallQueries: 'number of stored points to search by, for each vector name',
  newCluster:
    'the alias leads to a new cluster, which replaces the one in the store: from now on restores use the new one',
  nodeSnapshot: 'also store a full storage snapshot of Qdrant (a cluster of one node)',
  maxAgeHours: 'warn when the newest usable backup of a collection is older',
  maxProofAgeDays: 'warn when the newest proof of a collection is older',
  maxRehearsalAgeDays: 'warn when the last rehearsal of a collection is older (default: not judged)',
  diskWarningPercent: 'warn when more of a disk is used',
  diskCriticalPercent: 'critical when more of a disk is used',
  keepLast: 'keep this number of the newest backups of each collection',
  keepHours: 'keep all backups within this number of hours of the newest one',
  keepDays: 'keep all backups within this number of days of the newest one',
  keepHourly: 'keep the last backup of each hour, for this number of hours that have one',
  keepDaily: 'keep the last backup of each day, for this number of days that have one',
  keepWeekly: 'keep the last backup of each week, for this number of weeks that have one',
  keepMonthly: 'keep the last backup of each month, for this number of months that have one',
  keepYearly: 'keep the last backup of each year, for this number of years that have one',
  minimum: 'number of usable backups of each collection that always stay',
  timezone: 'time zone in which hours, days, weeks, months and years begin, for example Europe/Berlin',
  unusableAfterDays: 'remove incomplete, partial and damaged backups after this number of days',
  dryRun: 'only show what would be removed, and why the rest is kept',
  subset: 'points that only the target has are not a difference',
  recheckAfterMs: 'pause before a difference is read a second time',
  maxPointsPerSecond: 'limit of the speed, for the whole job',
  maxMegabytesPerSecond: 'limit of the bandwidth, for the whole job',
  slices: 'number of slices at the same time',
  batchBytes: 'size of a batch',
  budgetMs: 'how long one activity works on a slice before it returns',
  stallAfterAttempts: 'give up when the cursor has not moved in this number of attempts',
  continueAsNewAfterEvents:
    'start a new history after this number of events, instead of when the server suggests it',
  heartbeatSeconds: 'a data worker that is silent for this time is presumed dead',
};

/** What each choice of a field does, where its name does not tell. Only those that a command has are shown. */
export const choiceDescriptions: Record<string, Record<string, string>> = {
  onDifference: {
    repair: 'write the points of the source again',
    fail: 'fail, and repair nothing',
    keep: 'keep the collection, without aliases',
    remove: 'remove it',
  },
  onBusy: {
    fail: 'fail',
    wait: 'wait for that job',
    skip: 'leave the collection out, which counts as success (only with --incremental, whose default it is)',
  },
  onExisting: {
    fail: 'refuse it',
    merge: 'write into it, delete nothing',
    recreate: 'DELETE it first, at every start',
    swap: 'the name is an alias: write a new collection, and switch the alias after the proof',
    replace: 'take a backup of it, then DELETE it',
  },
};
