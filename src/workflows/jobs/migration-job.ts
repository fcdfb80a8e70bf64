// What the jobs between two clusters have in common, whatever way the points go: a child workflow for each collection,
// under the lock of the collection that is written. Completes when every collection is verified, or unproven as asked.

import type { OperationName } from '../../model/operations.js';
import type { JobReport } from '../../model/contracts/results.js';
import { writeLockId } from '../../model/names.js';
import { FanOut, type ChildFacts, type JobInput, type JobState, type Resolved } from '../runtime/fan-out.js';
import { omit, openState, type LoosePace, type Naming } from './job-input.js';
import { jobFailure } from '../runtime/failures.js';
import { pagesOf } from './pages-of.js';

type Input = JobInput & LoosePace & Naming & { source: string; target: string; onBusy: 'fail' | 'wait' };

export interface MigrationKind {
  operation: OperationName;
  /** Type of the child, which gets the options besides what every child gets. */
  child: string;
  options: object;
  /** Behind the names in the child's summary. */
  note?: string;
  namesMayBeAliases?: boolean;
  goOn(state: JobState): Promise<never>;
}

export async function runMigration(
  input: Input,
  carried: JobState | undefined,
  kind: MigrationKind,
): Promise<JobReport> {
  const { source, target, onBusy } = input;
  const job = new FanOut({
    operation: kind.operation,
    ends: { source, target },
    input,
    resolve: pagesOf(input, { writes: true, ...(kind.namesMayBeAliases ? { namesMayBeAliases: true } : {}) }),
    state: openState(input, carried),
    childOf: (collection, facts) => ({
      workflowId: writeLockId(target, collection.target),
      type: kind.child,
      input: () => childInput(input, kind.options, collection, facts()),
      summary: `${collection.source}: ${source} → ${target}${kind.note ?? ''}`,
      onBusy,
    }),
    goOn: kind.goOn,
  });
  const report = await job.run();
  if (report.outcome === 'verified' || report.outcome === 'unproven') return report;
  throw jobFailure(report, job.soleTrouble);
}

function childInput({ source, target }: Input, options: object, collection: Resolved, facts: ChildFacts) {
  const { pace, ...rest } = facts;
  return {
    source: { cluster: source, collection: collection.source },
    target: { cluster: target, collection: collection.target },
    asked: collection.asked,
    options: { ...omit(options as LoosePace, 'maxPointsPerSecond', 'maxMegabytesPerSecond'), ...pace },
    ...rest,
  };
}
