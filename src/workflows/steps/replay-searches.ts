// The searches that were written down with a backup, asked again of what a rehearsal recovered, once it is green. What
// they find is told and never judged: neither a low recall nor a search that fails ends a rehearsal.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import { awaitIndexing } from './await-indexing.js';
import { troubleOf } from '../runtime/failures.js';
import type { Recovery } from '../collections/recovery-state.js';
import { runActivity } from '../runtime/run-activity.js';

export async function replaySearches(recovery: Recovery): Promise<void> {
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
