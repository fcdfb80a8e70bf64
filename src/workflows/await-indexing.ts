// Waits until the indexes of a collection are built, as long as the input says: the last thing that a job does, when the
// result stands and the aliases are set. Whatever ends the wait, the result only says how far they are: every point is
// there, and searches answer, only slower. An abort ends the wait, and takes nothing back.

import { isCancellation } from '@temporalio/workflow';
import type { AwaitReadyResult } from '../model/activities.js';
import type { CollectionRef } from '../model/collections.js';
import { indexingText } from '../model/indexing.js';
import type { CollectionJob } from './collection-job.js';
import { troubleOf } from './failures.js';
import { runControl } from './proxies.js';

export async function awaitIndexing(
  job: CollectionJob,
  target: CollectionRef,
  minutes: number,
): Promise<void> {
  let answer: AwaitReadyResult | undefined;
  const wait = async () => void (answer = await lookAt(target, Math.max(minutes * 60_000, LAST_LOOK_MS)));
  await job.steering.interruptible(wait, ['abort']);
  answer ??= await lookAt(target, LAST_LOOK_MS);
  const { aborted } = job.steering.state;
  if (aborted !== undefined)
    job.progress.warnings.push(`${target.collection}: its indexes were no longer awaited (${aborted})`);
  if (answer.ready) return;
  const { reason = 'unknown', indexing } = answer;
  if (indexing) job.progress.indexing = indexing;
  const what = indexing ? indexingText(indexing) : 'not settled yet';
  job.progress.warnings.push(`${target.collection}: ${what}: ${reason}`);
}

/** A collection counts as settled when two looks a second apart agree. */
const LAST_LOOK_MS = 3_000;

async function lookAt(target: CollectionRef, waitMs: number): Promise<AwaitReadyResult> {
  try {
    return await runControl('awaitReady', { target, waitMs }, `indexing of ${target.collection}`);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ready: false, reason: troubleOf(error).message };
  }
}
