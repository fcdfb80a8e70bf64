// Whom a check tells, by ferry.yaml, and where it is seen.

import { Runtime } from '@temporalio/worker';
import type { HealthDependencies } from '../activities/health-activities.js';
import type { FerryConfig } from '../model/ferry-config.js';
import { healthMetrics } from './metrics/health-metrics.js';

export function healthDependencies(config: FerryConfig, namespace: string): HealthDependencies {
  const { notifiers } = config;
  return {
    record: healthMetrics(Runtime.instance().metricMeter),
    notifiers,
    linkOf: (workflowId, runId) => {
      const root = config.temporal.ui?.replace(/\/+$/, '');
      const path = ['namespaces', namespace, 'workflows', workflowId, runId].map(encodeURIComponent);
      return root === undefined ? undefined : `${root}/${path.join('/')}`;
    },
  };
}
