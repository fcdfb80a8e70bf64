// A report of a check as values of gauges. A gauge cannot be taken back: what the report before had and this one has not is
// set to 0, or to the status "gone", and no rule alerts on it. Collections of a cluster that could not be checked are not
// gone: they keep the values that they had.

import {
  FINDING_KINDS,
  type CheckedCollection,
  type CheckedSchedule,
  type CheckedStore,
  type CheckReport,
} from '../contracts/check-activities.js';
import { scheduleId } from '../names.js';
import { STATUS_VALUES, type HealthMetric } from '../metrics.js';

export interface Series {
  metric: HealthMetric;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Of a check that was made for several clusters at once, what is of none of them in particular has the label "". */
interface CheckLabels extends Record<string, string> {
  policy: string;
  cluster: string;
}

/** What is set after a check: its own values, and an end to those that were set `before`. */
export function seriesAfter(report: CheckReport, before: Iterable<Series>): Series[] {
  const now = seriesOf(report);
  const set = new Set(now.map(keyOf));
  const unchecked = new Set(uncheckedClusters(report));
  const isKept = ({ labels }: Series) =>
    'collection' in labels && (unchecked.has(labels.cluster ?? '') || unchecked.has(undefined));
  const others = new Map([...before].map((one) => [keyOf(one), one]));
  const ended = [...others.entries()].filter(([key]) => !set.has(key)).map(([, one]) => one);
  return [...now, ...ended.map((one) => (isKept(one) ? one : { ...one, value: goneValue(one.metric) }))];
}

export function keyOf({ metric, labels }: Series): string {
  return JSON.stringify([metric, Object.entries(labels).sort()]);
}

/** Checks with the same scope end what an earlier one has set. */
export function scopeOf(report: CheckReport): string {
  return JSON.stringify([report.policy ?? '', ...clustersOf(report)]);
}

export function seriesOf(report: CheckReport): Series[] {
  const policy = report.policy ?? '';
  const clusters = clustersOf(report);
  const only: CheckLabels = { policy, cluster: clusters.length === 1 ? (clusters[0] ?? '') : '' };
  const checks = [...new Set([only.cluster, ...clusters])].map((cluster) => ({ policy, cluster }));
  const { stores, disks, schedules, queues, collections } = report;
  return [
    ...checks.flatMap((labels) => ofCheck(report, labels)),
    ...findingsOf(report, only, checks),
    ...collections.flatMap((one) => ofCollection(one, policy)),
    ...stores.flatMap((store) => ofStore(store, only)),
    ...disks.flatMap(({ usedPercent, place, host = '' }) =>
      usedPercent === undefined
        ? []
        : [one('ferry_disk_used_ratio', { ...only, place, host }, usedPercent / 100)],
    ),
    ...schedules.flatMap((schedule) => ofSchedule(schedule, only)),
    ...queues.map(({ queue, workers }) => one('ferry_queue_workers', { ...only, queue }, workers)),
  ];
}

function ofCheck({ checkedAt, limits, schedules }: CheckReport, labels: CheckLabels): Series[] {
  const id = scheduleId(labels.policy, labels.cluster, 'check');
  const { intervalSeconds = 0 } = schedules.find(({ schedule }) => schedule === id) ?? {};
  const { maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays = 0 } = limits ?? {};
  return [
    one('ferry_check_timestamp_seconds', labels, secondsOf(checkedAt)),
    one('ferry_check_interval_seconds', labels, intervalSeconds),
    ...(maxAgeHours === undefined ? [] : [one('ferry_backup_max_age_seconds', labels, maxAgeHours * 3_600)]),
    ...(maxProofAgeDays === undefined
      ? []
      : [one('ferry_proof_max_age_seconds', labels, maxProofAgeDays * 86_400)]),
    ...(limits === undefined
      ? []
      : [one('ferry_rehearsal_max_age_seconds', labels, maxRehearsalAgeDays * 86_400)]),
  ];
}

/** Every kind, so that one that is over goes back to 0. */
function findingsOf({ findings }: CheckReport, only: CheckLabels, checks: readonly CheckLabels[]): Series[] {
  const known = new Set(checks.map(({ cluster }) => cluster));
  const at = (cluster: string | undefined) =>
    cluster !== undefined && known.has(cluster) ? cluster : only.cluster;
  return checks.flatMap((labels) =>
    FINDING_KINDS.flatMap((kind) =>
      (['warning', 'critical'] as const).map((severity) => {
        const found = findings.filter(
          (finding) =>
            finding.kind === kind && finding.severity === severity && at(finding.cluster) === labels.cluster,
        );
        return one('ferry_findings', { ...labels, kind, severity }, found.length);
      }),
    ),
  );
}

function ofCollection(checked: CheckedCollection, policy: string): Series[] {
  const { cluster, collection, status, newest, proof, rehearsal, bytes } = checked;
  const labels = { policy, cluster, collection };
  return [
    one('ferry_collection_status', labels, STATUS_VALUES[status]),
    one('ferry_backup_newest_timestamp_seconds', labels, secondsOf(newest?.at)),
    one('ferry_proof_timestamp_seconds', labels, secondsOf(proof?.at)),
    one('ferry_rehearsal_timestamp_seconds', labels, secondsOf(rehearsal?.at)),
    one('ferry_recovery_seconds', labels, rehearsal?.recoverySeconds ?? 0),
    one('ferry_backup_bytes', labels, bytes),
  ];
}

function ofStore(
  { store, byKind, growthBytesPerDay = 0, daysUntilFull = 0 }: CheckedStore,
  only: CheckLabels,
) {
  const labels = { ...only, store };
  return [
    ...(['full', 'increment', 'other'] as const).map((kind) =>
      one('ferry_store_bytes', { ...labels, kind }, byKind[kind]),
    ),
    one('ferry_store_growth_bytes_per_day', labels, growthBytesPerDay),
    one('ferry_store_days_until_full', labels, daysUntilFull),
  ];
}

function ofSchedule({ schedule, paused, lastActionAt, skipped, missed }: CheckedSchedule, only: CheckLabels) {
  const labels = { ...only, schedule };
  return [
    one('ferry_schedule_paused', labels, paused ? 1 : 0),
    one('ferry_schedule_last_action_timestamp_seconds', labels, secondsOf(lastActionAt)),
    one('ferry_schedule_skipped', labels, skipped),
    one('ferry_schedule_missed', labels, missed),
  ];
}

function clustersOf({ clusters, collections }: CheckReport): string[] {
  return [...new Set(clusters ?? collections.map(({ cluster }) => cluster))].sort();
}

/** Where not everything was looked at. A list that was cut kept its worst: what it left out is no reason to alert. */
function uncheckedClusters({ findings }: CheckReport): (string | undefined)[] {
  const unchecked = findings.filter(
    ({ kind, store, cluster }) => kind === 'notChecked' && (cluster ?? !store),
  );
  return unchecked.map(({ cluster }) => cluster);
}

const goneValue = (metric: HealthMetric): number =>
  metric === 'ferry_collection_status' ? STATUS_VALUES.gone : 0;

function one(metric: HealthMetric, labels: Series['labels'], value: number): Series {
  // The SDK refuses what is below 0.
  return { metric, labels, value: Math.max(0, value) };
}

function secondsOf(at: string | undefined): number {
  return at === undefined ? 0 : Date.parse(at) / 1_000;
}
