// Recovers backups into a scratch cluster under names of their own, proves them, writes what was found and how long it
// took beside the backup, and removes what it made. Nothing else on the scratch cluster is touched.

import { continueAsNew, workflowInfo } from '@temporalio/workflow';
import { rehearsalName } from '../../model/format/backup-names.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { writeLockId } from '../../model/names.js';
import { rehearseRecoverySchema } from '../../model/contracts/recovery-inputs.js';
import type { JobReport } from '../../model/contracts/results.js';
import { RecoveryPages, optionsOf } from './recovery-pages.js';
import { jobFailure, surfacing } from '../runtime/failures.js';
import { FanOut, type JobState } from '../runtime/fan-out.js';
import { openState, splitCarried } from './job-input.js';

export async function rehearseRecovery(input: unknown): Promise<JobReport> {
  return surfacing(async () => {
    const { carried, written } = splitCarried<JobState>(input);
    const parsed = parseInput(rehearseRecoverySchema, written);
    const { scratch } = parsed;
    const state = openState(parsed, carried);
    const pages = new RecoveryPages({ ...parsed, target: scratch }, state);
    const { startTime } = workflowInfo();
    const job = new FanOut({
      operation: 'rehearseRecovery',
      ends: { source: parsed.cluster ?? parsed.store ?? 'backup', target: scratch },
      input: parsed,
      state,
      resolve: (after) => pages.resolve(after, (collection) => rehearsalName(collection, startTime)),
      childOf: (collection, facts) => ({
        workflowId: writeLockId(scratch, collection.target),
        type: 'recoverCollection',
        input: () => ({
          ...pages.childInput(collection, scratch, facts(), { ...optionsOf(parsed), onExisting: 'fail' }),
          rehearse: true,
        }),
        summary: `${collection.source} → ${scratch}, then removed`,
        onBusy: parsed.onBusy,
      }),
      goOn: (state) => continueAsNew<typeof rehearseRecovery>({ ...parsed, carried: state }),
    });
    const report = await job.run();
    if (report.outcome === 'verified' || report.outcome === 'unproven') return report;
    throw jobFailure(report, job.soleTrouble);
  });
}
