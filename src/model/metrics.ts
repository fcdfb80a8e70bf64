// Every metric that ferry exports itself, by its name in Prometheus. Dashboard, alert rules and docs/observability.md are
// checked against this table. Times are timestamps, not ages: an age on a worker that no longer checks stays as it was.

export interface MetricRow {
  kind: 'gauge' | 'counter';
  labels: readonly string[];
  help: string;
}

const BY_CHECK = ['policy', 'cluster'] as const;
const BY_COLLECTION = ['policy', 'cluster', 'collection'] as const;
const BY_STORE = [...BY_CHECK, 'store'] as const;
const BY_SCHEDULE = [...BY_CHECK, 'schedule'] as const;
const BY_JOB = ['operation', 'cluster', 'policy'] as const;

const gauge = (labels: readonly string[], help: string) => ({ kind: 'gauge', labels, help }) as const;
const counter = (labels: readonly string[], help: string) => ({ kind: 'counter', labels, help }) as const;

/** What a check found; set by the worker that announced it. */
export const HEALTH_METRICS = {
  ferry_check_timestamp_seconds: gauge(BY_CHECK, 'When the last check was made.'),
  ferry_check_interval_seconds: gauge(BY_CHECK, 'How often the schedule checks; 0: not known.'),
  ferry_findings: gauge([...BY_CHECK, 'kind', 'severity'], 'Findings of the last check.'),
  ferry_collection_status: gauge(BY_COLLECTION, '0 ok, 1 warning, 2 critical, 3 no longer reported.'),
  ferry_backup_newest_timestamp_seconds: gauge(
    BY_COLLECTION,
    'Of the newest usable backup; 0: there is none.',
  ),
  ferry_proof_timestamp_seconds: gauge(BY_COLLECTION, 'Of the newest proof; 0: there is none.'),
  ferry_rehearsal_timestamp_seconds: gauge(BY_COLLECTION, 'Of the newest rehearsal; 0: there is none.'),
  ferry_recovery_seconds: gauge(
    BY_COLLECTION,
    'How long the newest rehearsal took to recover; 0: not measured.',
  ),
  ferry_backup_bytes: gauge(BY_COLLECTION, 'Bytes of all backups of the collection.'),
  ferry_backup_max_age_seconds: gauge(BY_CHECK, 'The age of a backup that the check allows.'),
  ferry_proof_max_age_seconds: gauge(BY_CHECK, 'The age of a proof that the check allows.'),
  ferry_rehearsal_max_age_seconds: gauge(BY_CHECK, 'The age of a rehearsal that the check allows; 0: any.'),
  ferry_store_bytes: gauge([...BY_STORE, 'kind'], 'Bytes in the store: full, increment, other.'),
  ferry_store_growth_bytes_per_day: gauge(BY_STORE, 'Bytes of new backups a day, before anything is pruned.'),
  ferry_store_days_until_full: gauge(BY_STORE, 'Days until the disk is full; 0: not known.'),
  ferry_disk_used_ratio: gauge([...BY_CHECK, 'place', 'host'], 'Used part of a disk, 0 to 1.'),
  ferry_schedule_paused: gauge(BY_SCHEDULE, '1: paused.'),
  ferry_schedule_last_action_timestamp_seconds: gauge(BY_SCHEDULE, 'When it last started a job; 0: never.'),
  ferry_schedule_skipped: gauge(BY_SCHEDULE, 'Starts left out because the run before still went.'),
  ferry_schedule_missed: gauge(BY_SCHEDULE, 'Starts left out because Temporal was not there in time.'),
  ferry_queue_workers: gauge([...BY_CHECK, 'queue'], 'Workers that poll the queue.'),
} as const satisfies Record<string, MetricRow>;

/** Counted by the control worker that ended the job. */
export const JOB_METRICS = {
  ferry_jobs_total: counter([...BY_JOB, 'outcome'], 'Jobs that have ended.'),
  ferry_job_bytes_total: counter(BY_JOB, 'Bytes that ended jobs have moved.'),
  ferry_job_collections_total: counter([...BY_JOB, 'outcome'], 'Collections of jobs that have ended.'),
} as const satisfies Record<string, MetricRow>;

export const METRICS: Record<string, MetricRow> = { ...HEALTH_METRICS, ...JOB_METRICS };
export type HealthMetric = keyof typeof HEALTH_METRICS;

/** Its value in the metric `ferry_collection_status`. */
export const STATUS_VALUES = { ok: 0, warning: 1, critical: 2, gone: 3 } as const;
