// The end of a rehearsal, once the collection is proved: the searches that were recorded with the backup run again, the proof
// is written, and the collection is removed. What the searches find is reported and never judged: neither a low recall nor a
// search that fails ends a rehearsal. Nor does a removal that fails: the report names what stays.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { RecoveryReport } from '../../model/state/recovery-progress.js';
import type { Recovery } from '../collections/recovery-state.js';
import { troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { awaitIndexing } from './await-ready.js';
import { removeCreated } from './prepare-recovery.js';
import { undo } from './undo.js';

export async function closeRehearsal(recovery: Recovery): Promise<RecoveryReport> {
  const { job, state, settings } = recovery;
  const { from } = settings;
  await replaySearches(recovery);
  await job.waitIfPaused();
  const found = state.recall === undefined ? {} : { recall: state.recall };
  const recoverySeconds = recovery.seconds;
  const proof = { ...from, kind: 'rehearsed' as const, digest: state.digest, recoverySeconds, ...found };
  await job.retryOrPark(() =>
    runActivity('writeProof', proof, { ...recovery.queue, summary: `proof of ${from.collection}` }),
  );
  const { removed, text } = await undo(recovery.written, () => removeCreated(recovery));
  if (!removed) job.progress.warnings.push(`${text}.`);
  state.isMade = false;
  job.enter('done');
  return recovery.report([], undefined);
}

async function replaySearches(recovery: Recovery): Promise<void> {
  const { job, state, settings, plan, written, queue } = recovery;
  if (!plan.hasRecall || !state.prepared) return;
  const { awaitIndexingMinutes } = settings.options;
  if (awaitIndexingMinutes > 0) await awaitIndexing(job, written, awaitIndexingMinutes);
  const { from } = settings;
  const { targetPin } = state.prepared;
  const input = { from, target: written, targetPin, manifestSha256: plan.manifestSha256 };
  try {
    const answer = await runActivity('replayRecall', input, {
      ...queue,
      summary: `search ${written.collection}`,
    });
    if (answer.recall) state.recall = answer.recall;
    job.progress.warnings.push(...answer.notes);
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error)) throw error;
    const { code, message } = troubleOf(error);
    job.progress.warnings.push(`The searches could not be replayed (${code}: ${message.slice(0, 200)})`);
  }
}
