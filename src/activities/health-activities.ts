// What a check tells, as Temporal calls it: metrics of this worker, and messages to notifiers. Runs beside the workflows.

import { Context } from '@temporalio/activity';
import { activityOptions } from '../model/contracts/activity-options.js';
import type { CheckReport } from '../model/contracts/check-activities.js';
import type { HealthActivities } from '../model/contracts/health-activities.js';
import { announce, type Notifiers } from '../notify/announce.js';
import { heldCall } from './attempt.js';

export interface HealthDependencies {
  /** Sets the metrics of this worker. */
  record?: (report: CheckReport, previous?: CheckReport) => void;
  notifiers: Notifiers;
  /** To a run in the Temporal UI; undefined where its address is not known. */
  linkOf: (workflowId: string, runId: string) => string | undefined;
}

interface State {
  sent: string[];
}

export function createHealthActivities(dependencies: HealthDependencies): HealthActivities {
  const { record, notifiers, linkOf } = dependencies;
  return {
    announceHealth: (input) =>
      heldCall<Awaited<ReturnType<HealthActivities['announceHealth']>>, State>(
        'notify',
        async ({ state, remember, signal }) => {
          record?.(input.report, input.previous);
          const { attempt, workflowExecution } = Context.current().info;
          const { workflowId = '', runId = '' } = workflowExecution ?? {};
          return announce(notifiers, input, {
            runId,
            link: linkOf(workflowId, runId),
            sent: state?.sent ?? [],
            remember: (sent) => remember({ sent }),
            isLast: attempt >= activityOptions.announceHealth.retry.attempts,
            signal,
          });
        },
      ),
  };
}
