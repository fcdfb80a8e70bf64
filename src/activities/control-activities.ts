// The short activities, as Temporal calls them: cancellation becomes a signal, progress a heartbeat, the work is done in
// cluster/, target/ and transfer/.

import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type {
  ControlActivities,
  DescribeHolderInput,
  DescribeHolderResult,
} from '../model/contracts/activities.js';
import { awaitReady } from '../cluster/await-ready.js';
import { compareConfigurations } from '../target/compare-configurations.js';
import { compareReplicas } from '../cluster/compare-replicas.js';
import type { Controls } from '../cluster/control-port.js';
import { copyAliases } from '../target/point-aliases.js';
import { markCollection } from '../cluster/mark-collection.js';
import { planCollection } from '../target/plan-collection.js';
import { planSlices } from '../transfer/plan-slices.js';
import { planVerification } from '../transfer/plan-verification.js';
import { prepareTarget } from '../target/prepare-target.js';
import { releaseTarget } from '../target/release-target.js';
import { resolveCollections } from '../cluster/resolve-collections.js';
import { attemptSignal, heartbeat } from './lease.js';
import { closeStamp, renewStamp } from '../target/stamp-life.js';

export interface ControlDependencies {
  /** `qdrantControls(config.clusters)` */
  controls: Controls;
  client: Pick<Client, 'workflow'>;
  /** False when the configuration switches search attributes off. */
  searchAttributes?: boolean;
}

export function createControlActivities(dependencies: ControlDependencies): ControlActivities {
  const { controls, client, searchAttributes } = dependencies;
  const signal = (): AbortSignal => attemptSignal();
  return {
    resolveCollections: async (input) => ({
      ...(await resolveCollections(controls, input, signal())),
      ...(searchAttributes === undefined ? {} : { searchAttributes }),
    }),
    planCollection: async (input) => {
      const { source } = input;
      const notes = await markCollection(controls.of(source.cluster), source, signal());
      const plan = await planCollection(controls, input, signal());
      return { ...plan, notes: [...notes, ...plan.notes] };
    },
    prepareTarget: (input) => prepareTarget(controls, input, signal()),
    renewStamp: (input) => renewStamp(controls, input, signal()),
    closeStamp: (input) => closeStamp(controls, input, signal()),
    releaseTarget: (input) => releaseTarget(controls, input, signal()),
    planVerification: (input) => planVerification(controls, input, signal()),
    planSlices: (input) => planSlices(controls, input, signal()),
    countPoints: async ({ collection: ref }) => ({
      count: await controls.of(ref.cluster).count(ref.collection, undefined, signal()),
    }),
    compareReplicas: (input) => compareReplicas(controls, input, signal()),
    compareConfigurations: (input) => compareConfigurations(controls, input, signal()),
    copyAliases: (input) => copyAliases(controls, input, signal()),
    awaitReady: (input) => {
      const onProgress = (what: string): void => heartbeat({ v: 1, what });
      return awaitReady(controls, input, onProgress, signal());
    },
    describeHolder: (input) => describeHolder(client, input),
  };
}

/** Who holds a collection: the job a person started, not the child that carries the lock. */
async function describeHolder(
  client: Pick<Client, 'workflow'>,
  { workflowId }: DescribeHolderInput,
): Promise<DescribeHolderResult> {
  const holder = await describe(client, workflowId);
  if (!holder || holder.status.name !== 'RUNNING') {
    return { holder: `${workflowId}, which has just ended` };
  }
  const parentId = holder.parentExecution?.workflowId;
  const job = parentId ? ((await describe(client, parentId)) ?? holder) : holder;
  return { holder: `${job.type} ${job.workflowId}, running since ${job.startTime.toISOString()}` };
}

async function describe(
  client: Pick<Client, 'workflow'>,
  workflowId: string,
): Promise<WorkflowExecutionDescription | undefined> {
  try {
    return await client.workflow.getHandle(workflowId).describe();
  } catch (error) {
    // By its name: activities/ does not load the client at run time.
    if (error instanceof Error && error.name === 'WorkflowNotFoundError') return undefined;
    throw error;
  }
}
