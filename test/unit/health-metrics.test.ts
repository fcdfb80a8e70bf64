// What a check found, as Prometheus reads it: the SDK's real exporter of this process, asked over HTTP.

import type { MetricMeter } from '@temporalio/common';
import { Runtime } from '@temporalio/worker';
import { beforeAll, expect, it } from 'vitest';
import { freePorts } from '../../src/local/index.js';
import type { CheckedCollection, CheckReport, Finding } from '../../src/model/contracts/check-activities.js';
import type { HEALTH_METRICS } from '../../src/model/metrics.js';
import { healthMetrics } from '../../src/worker/metrics/health-metrics.js';
import { installRuntime } from '../../src/worker/worker-runtime.js';
import { scrape, valueOf } from '../support/scraped-metrics.js';

let port: number;
let meter: MetricMeter;
beforeAll(async () => {
  [port] = (await freePorts(1)) as [number];
  installRuntime({ metricsPort: port });
  meter = Runtime.instance().metricMeter;
});

const docs: CheckedCollection = {
  cluster: 'prod',
  collection: 'docs',
  status: 'ok',
  backups: 3,
  newest: { backup: 'b', at: '2026-03-01T02:00:00Z', kind: 'full', bytes: 700, points: 10 },
  proof: { kind: 'rehearsed', at: '2026-03-01T03:00:00Z' },
  rehearsal: { at: '2026-03-01T03:00:00Z', recoverySeconds: 12.5 },
  bytes: 2_000_000_000_000,
};

function reportOf(policy: string, fields: Partial<CheckReport> = {}): CheckReport {
  return {
    status: 'ok',
    checkedAt: '2026-03-01T04:00:00Z',
    policy,
    clusters: ['prod'],
    limits: { maxAgeHours: 24, maxProofAgeDays: 7 },
    findings: [],
    collections: [docs],
    stores: [
      {
        store: 'disk',
        bytes: 9,
        byKind: { full: 6, increment: 2, other: 1 },
        growthBytesPerDay: 4,
        daysUntilFull: 30,
      },
    ],
    disks: [{ place: 'store disk', host: 'h', totalBytes: 100, freeBytes: 15, usedPercent: 85 }],
    schedules: [
      {
        schedule: `ferry/${policy}/prod/check`,
        ...{ paused: false, intervalSeconds: 3_600, skipped: 0, missed: 0, running: [] },
      },
      {
        schedule: `ferry/${policy}/prod/full`,
        ...{ paused: true, lastActionAt: '2026-03-01T02:00:00Z', skipped: 2, missed: 1, running: [] },
      },
    ],
    queues: [{ queue: 'ferry-data', workers: 0 }],
    ...fields,
  };
}

const seconds = (at: string) => Date.parse(at) / 1_000;

it('exports every metric of a check', async () => {
  healthMetrics(meter)(reportOf('full', { findings: [tooOld()] }));
  const text = await scrape(port);
  const all = { policy: 'full', cluster: 'prod' };
  const collection = { ...all, collection: 'docs' };
  const store = { ...all, store: 'disk' };
  const schedule = { ...all, schedule: 'ferry/full/prod/full' };
  const expected: Record<keyof typeof HEALTH_METRICS, [Record<string, string>, number]> = {
    ferry_check_timestamp_seconds: [all, seconds('2026-03-01T04:00:00Z')],
    ferry_check_interval_seconds: [all, 3_600],
    ferry_findings: [{ ...all, kind: 'backupTooOld', severity: 'warning' }, 1],
    ferry_collection_status: [collection, 0],
    ferry_backup_newest_timestamp_seconds: [collection, seconds('2026-03-01T02:00:00Z')],
    ferry_proof_timestamp_seconds: [collection, seconds('2026-03-01T03:00:00Z')],
    ferry_rehearsal_timestamp_seconds: [collection, seconds('2026-03-01T03:00:00Z')],
    ferry_recovery_seconds: [collection, 12.5],
    ferry_backup_bytes: [collection, 2_000_000_000_000],
    ferry_backup_max_age_seconds: [all, 86_400],
    ferry_proof_max_age_seconds: [all, 604_800],
    ferry_rehearsal_max_age_seconds: [all, 0],
    ferry_store_bytes: [{ ...store, kind: 'increment' }, 2],
    ferry_store_growth_bytes_per_day: [store, 4],
    ferry_store_days_until_full: [store, 30],
    ferry_disk_used_ratio: [{ ...all, place: 'store disk', host: 'h' }, 0.85],
    ferry_schedule_paused: [schedule, 1],
    ferry_schedule_last_action_timestamp_seconds: [schedule, seconds('2026-03-01T02:00:00Z')],
    ferry_schedule_skipped: [schedule, 2],
    ferry_schedule_missed: [schedule, 1],
    ferry_queue_workers: [{ ...all, queue: 'ferry-data' }, 0],
  };
  for (const [name, [labels, value]] of Object.entries(expected))
    expect({ name, value: valueOf(text, name, labels) }).toEqual({ name, value });
});

it('ends what a later check does not have any more, also on a worker that only knows the report before', async () => {
  const record = healthMetrics(meter);
  const images = { ...docs, collection: 'images' };
  record(reportOf('gone', { collections: [docs], findings: [tooOld()] }));
  record(reportOf('gone', { collections: [] }), reportOf('gone', { collections: [images], disks: [] }));
  const text = await scrape(port);
  for (const collection of ['docs', 'images']) {
    const labels = { policy: 'gone', cluster: 'prod', collection };
    expect(valueOf(text, 'ferry_collection_status', labels)).toBe(3);
    expect(valueOf(text, 'ferry_backup_newest_timestamp_seconds', labels)).toBe(0);
  }
  const kind = { policy: 'gone', cluster: 'prod', kind: 'backupTooOld', severity: 'warning' };
  expect(valueOf(text, 'ferry_findings', kind)).toBe(0);
});

it('leaves collections as they were while their cluster cannot be checked', async () => {
  const record = healthMetrics(meter);
  record(reportOf('cut'));
  const unreachable = {
    severity: 'critical',
    kind: 'notChecked',
    cluster: 'prod',
    text: 'down',
    hint: '',
  } as const;
  record(reportOf('cut', { collections: [], findings: [unreachable] }));
  const text = await scrape(port);
  const labels = { policy: 'cut', cluster: 'prod', collection: 'docs' };
  expect(valueOf(text, 'ferry_collection_status', labels)).toBe(0);
  expect(valueOf(text, 'ferry_backup_newest_timestamp_seconds', labels)).toBe(
    seconds('2026-03-01T02:00:00Z'),
  );
});

it('does not end collections of another cluster of the same policy', async () => {
  const record = healthMetrics(meter);
  record(reportOf('two'));
  record(reportOf('two', { clusters: ['dr'], collections: [] }));
  const labels = { policy: 'two', cluster: 'prod', collection: 'docs' };
  expect(valueOf(await scrape(port), 'ferry_collection_status', labels)).toBe(0);
});

function tooOld(): Finding {
  return {
    severity: 'warning',
    kind: 'backupTooOld',
    cluster: 'prod',
    collection: 'docs',
    text: 'docs: the newest backup is 30 hours old',
    hint: 'ferry backup prod',
  };
}
