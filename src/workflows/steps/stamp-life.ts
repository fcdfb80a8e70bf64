// The stamp on the target of a migration, from the workflow's side: renewed while the job works, closed once the result
// stands. Where the target carries no stamp of this job (a merge, a Qdrant without metadata) nothing is done.

import type { CollectionRef, Pin } from '../../model/collections.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { runActivity } from '../runtime/run-activity.js';

const RENEW_AFTER_MS = 10 * 60_000;

/** Between two activities on the target. */
export async function renewStampIfDue(job: CollectionJob): Promise<void> {
  const { progress, settings } = job;
  if (progress.sides?.stamped !== true || progress.closed) return;
  await renewIfDue(job, settings.target, progress.sides.targetPin);
}

/** What a recovery makes is stamped wherever Qdrant keeps metadata. */
export async function renewIfDue(job: CollectionJob, target: CollectionRef, targetPin: Pin): Promise<void> {
  const { progress } = job;
  progress.renewedAt ??= Date.now();
  if (Date.now() - progress.renewedAt < RENEW_AFTER_MS) return;
  progress.renewedAt = Date.now();
  const input = { target, targetPin, job: job.id };
  await runActivity('renewStamp', input, `renew the stamp on ${target.collection}`);
}

export async function closeStamp(job: CollectionJob): Promise<void> {
  const { progress, settings } = job;
  const { sides, tally } = progress;
  if (sides?.stamped === true) {
    const { target } = settings;
    const input = { target, targetPin: sides.targetPin, job: job.id, verified: tally.target };
    await job.retryOrPark(() => runActivity('closeStamp', input, `close the stamp on ${target.collection}`));
  }
  progress.closed = true;
}
