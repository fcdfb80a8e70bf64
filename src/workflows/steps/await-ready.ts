// The two waits for a target. For its replicas, before it is compared: where they do not become active in time, the job parks
// or fails as ReplicaNotActive, as the input says. And for its indexes, the last thing that a job does, when the result stands
// and the aliases are set: whatever ends this wait, the report only says how far they are, for every point is there and
// searches answer, only more slowly. An abort ends it, and undoes nothing.

import { isCancellation } from '@temporalio/workflow';
import type { AwaitReadyResult } from '../../model/contracts/activities.js';
import type { CollectionRef } from '../../model/collections.js';
import { indexingText } from '../../model/state/indexing.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { failure, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';

const REPLICAS_WAIT_MS = 30 * 60_000;
/** A collection counts as settled when two looks a second apart agree. */
const FIRST_LOOK_MS = 3_000;
/** How often it is shown how far they are, in the end. */
const LOOK_MS = 60_000;

export async function awaitReplicas(job: CollectionJob): Promise<void> {
  const { target } = job.settings;
  const input = { target, waitMs: REPLICAS_WAIT_MS, replicasOnly: true };
  for (;;) {
    const answer = await job.retryOrPark(() =>
      runActivity('awaitReady', input, `replicas of ${target.collection} Active`),
    );
    if (answer.ready) return;
    const why = `The replicas of ${target.collection} on ${target.cluster} are not all Active: ${answer.reason ?? 'unknown'}.`;
    if (!(await job.park(why))) throw failure('ReplicaNotActive', why);
  }
}

export async function awaitIndexing(
  job: CollectionJob,
  target: CollectionRef,
  minutes: number,
): Promise<void> {
  let answer: AwaitReadyResult | undefined;
  const { progress, steering } = job;
  const wait = async () => {
    let left = Math.max(minutes * 60_000, FIRST_LOOK_MS);
    for (let lookMs = FIRST_LOOK_MS; left > 0; lookMs = Math.min(2 * lookMs, LOOK_MS)) {
      answer = await lookAt(target, Math.min(left, lookMs));
      left -= lookMs;
      show(job, answer);
      if (answer.ready || answer.isInVain) return;
    }
  };
  await steering.interruptible(['abort'], wait);
  const { aborted } = steering.state;
  if (aborted !== undefined) {
    answer = await lookAt(target, FIRST_LOOK_MS);
    show(job, answer);
    progress.warnings.push(`${target.collection}: the wait for its indexes was ended (${aborted})`);
  }
  if (!answer || answer.ready) return;
  const { reason = 'unknown', indexing } = answer;
  const what = indexing ? indexingText(indexing) : 'not settled yet';
  progress.warnings.push(`${target.collection}: ${what}: ${reason}`);
}

function show(job: CollectionJob, { indexing }: AwaitReadyResult): void {
  if (indexing) job.progress.indexing = indexing;
  else delete job.progress.indexing;
  job.show();
}

async function lookAt(target: CollectionRef, waitMs: number): Promise<AwaitReadyResult> {
  try {
    return await runActivity('awaitReady', { target, waitMs }, `indexing of ${target.collection}`);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { ready: false, isInVain: true, reason: troubleOf(error).message };
  }
}

/**
 * Before a collection is read: do the replicas of its shards hold as many points? Throws `ReplicasDiffer` unless that is
 * allowed; returns what is worth knowing of them, a sentence each.
 */
export async function compareReplicas(collection: CollectionRef, allow: boolean): Promise<string[]> {
  const summary = `compare the replicas of ${collection.collection} on ${collection.cluster}`;
  return (await runActivity('compareReplicas', { collection, allow }, summary)).notes;
}
