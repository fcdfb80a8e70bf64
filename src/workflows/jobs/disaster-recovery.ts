// Recovers collections from a store into a cluster; a child workflow `recoverCollection` for each. Completes when every
// collection is recovered, and says of each whether its content was proved; otherwise fails, with the report of all.

import { continueAsNew } from '@temporalio/workflow';
import { externalPlace } from '../../model/externals/source.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { writeLockId } from '../../model/names.js';
import { disasterRecoverySchema, type DisasterRecoveryInput } from '../../model/contracts/recovery-inputs.js';
import type { JobReport } from '../../model/contracts/results.js';
import { jobFailure, surfacing } from '../runtime/failures.js';
import { FanOut, type JobState } from '../runtime/fan-out.js';
import { namesOnTarget, omit, openState, splitCarried } from './job-input.js';
import { RecoveryPages, optionsOf } from './recovery-pages.js';

export async function disasterRecovery(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(disasterRecoverySchema, written);
    const as = namesOnTarget(parsed);
    const state = openState(parsed, carried);
    const pages = new RecoveryPages({ ...omit(parsed, 'as'), ...(as === undefined ? {} : { as }) }, state);
    const job = new FanOut({
      operation: 'disasterRecovery',
      ends: { source: sourceOf(parsed), target: parsed.target },
      input: parsed,
      state,
      resolve: (after) => pages.resolve(after),
      childOf: (collection, facts) => ({
        workflowId: writeLockId(parsed.target, collection.target),
        type: 'recoverCollection',
        input: () => pages.childInput(collection, parsed.target, facts(), recoveryOptions(parsed)),
        summary: `${collection.source} → ${parsed.target}`,
        onBusy: parsed.onBusy,
      }),
      goOn: (state) => continueAsNew<typeof disasterRecovery>({ ...parsed, carried: state }),
    });
    const report = await job.run();
    if (report.outcome === 'verified' || report.outcome === 'unproven') return report;
    throw jobFailure(report, job.soleTrouble);
  });
}

function sourceOf({ from, cluster, store }: DisasterRecoveryInput): string {
  return from === undefined ? (cluster ?? store ?? 'backup') : externalPlace(from);
}

function recoveryOptions(input: DisasterRecoveryInput) {
  const { onExisting, safetyBackup, onDifference, ignoreProof } = input;
  return { ...optionsOf(input), onExisting, safetyBackup, onDifference, ignoreProof };
}
