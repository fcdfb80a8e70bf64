// What a check found, as gauges of this process. The next check may run on another worker; then these values stay as they
// are, and the rules in deploy/ leave them out, because another worker has a newer ferry_check_timestamp_seconds.

import type { MetricGauge, MetricMeter } from '@temporalio/common';
import type { CheckReport } from '../../model/contracts/check-activities.js';
import { keyOf, scopeOf, seriesAfter, seriesOf, type Series } from '../../model/health/series.js';
import { HEALTH_METRICS, type HealthMetric } from '../../model/metrics.js';

export type RecordHealth = (report: CheckReport, previous?: CheckReport) => void;

export function healthMetrics(meter: MetricMeter): RecordHealth {
  const names = Object.keys(HEALTH_METRICS) as HealthMetric[];
  const gauges = Object.fromEntries(
    names.map((name) => [name, meter.createGauge(name, 'float', undefined, HEALTH_METRICS[name].help)]),
  ) as Record<HealthMetric, MetricGauge>;
  const set = new Map<string, Map<string, Series>>();
  return (report, previous) => {
    const scope = scopeOf(report);
    const before = [
      ...(previous === undefined ? [] : seriesOf(previous)),
      ...(set.get(scope)?.values() ?? []),
    ];
    const after = seriesAfter(report, before);
    for (const { metric, labels, value } of after) gauges[metric].set(value, { ...labels });
    set.set(scope, new Map(after.map((series) => [keyOf(series), series])));
  };
}
