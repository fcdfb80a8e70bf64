// Whom a check tells, by ferry.yaml, and where it is seen.

import type { HealthDependencies } from '../activities/health-activities.js';
import type { FerryConfig } from '../model/ferry-config.js';

export function healthDependencies(config: FerryConfig, namespace: string): HealthDependencies {
  const { notifiers } = config;
  return {
    notifiers,
    linkOf: (workflowId, runId) => {
      const root = config.temporal.ui?.replace(/\/+$/, '');
      const path = ['namespaces', namespace, 'workflows', workflowId, runId].map(encodeURIComponent);
      return root === undefined ? undefined : `${root}/${path.join('/')}`;
    },
  };
}
