// Waits until a recovered collection is green, as long as the input says. Not being so in time is a warning: its points
// are all there, and searches answer, only slower.

import { isCancellation } from '@temporalio/workflow';
import { troubleOf } from './failures.js';
import { runControl } from './proxies.js';
import type { Recovery } from './recovery-state.js';

export async function awaitIndexing({ job, written, settings }: Recovery): Promise<void> {
  const waitMs = settings.options.awaitIndexingMinutes * 60_000;
  if (waitMs === 0) return;
  const warn = (reason: string) =>
    job.progress.warnings.push(`${written.collection} is complete but not yet ready: ${reason}`);
  try {
    const answer = await runControl(
      'awaitReady',
      { target: written, waitMs },
      `indexing of ${written.collection}`,
    );
    if (!answer.ready) warn(answer.reason ?? 'indexing goes on');
  } catch (error) {
    if (isCancellation(error)) throw error;
    warn(troubleOf(error).message);
  }
}
