// The digest of a whole collection of one cluster, page of slices by page. Promises that nothing is left out; what
// could not be digested leaves the digest open, with a warning, for a backup without a proof is a backup all the same. Of
// shards with several replicas the captured one is read: once through each node that one was captured from.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import {
  addToDigest,
  closeDigest,
  type CaptureProgress,
  type SourceDigest,
} from '../../model/state/capture-progress.js';
import { newPage, slicesFor, type Page, type Rules } from '../../model/state/walk.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { isReplaced, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { runWalk } from './run-walk.js';

const RULES: Rules = { copy: false, reread: true, subset: false, mode: 'report', nodes: 1 };

export async function digestSource(
  job: CollectionJob,
  capture: CaptureProgress,
  digest: SourceDigest,
): Promise<void> {
  if (digest.done) return;
  try {
    const lanes = capture.lanes ?? [];
    const places = lanes.length === 0 ? [undefined] : lanes;
    for (const lane of places.slice(digest.sums.length)) {
      await digestPages(job, capture, digest, lane);
      closeDigest(digest);
    }
    digest.done = true;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error) || isReplaced(error)) throw error;
    const { code, message } = troubleOf(error);
    delete job.progress.page;
    delete job.progress.fromKey;
    job.progress.warnings.push(`The source could not be digested (${code}: ${message.slice(0, 200)})`);
  }
}

async function digestPages(
  job: CollectionJob,
  capture: CaptureProgress,
  digest: SourceDigest,
  lane: number | undefined,
): Promise<void> {
  const { progress } = job;
  const { pin, read } = capture;
  const sides = {
    sourcePin: pin,
    targetPin: pin,
    sourceRead: read,
    targetRead: read,
    owned: false,
    nodes: 1,
  };
  for (;;) {
    const page = (progress.page ??= await planPage(job, capture, lane));
    await runWalk({ job, sides, page, rules: RULES });
    addToDigest(digest, ...page.walk.map((slot) => slot.digest));
    delete progress.page;
    delete progress.fromKey;
    if (page.next === undefined) return;
    progress.fromKey = page.next;
  }
}

async function planPage(
  job: CollectionJob,
  { pin, points }: CaptureProgress,
  lane: number | undefined,
): Promise<Page> {
  const { source, slices: width } = job.settings;
  const { fromKey } = job.progress;
  const slices = slicesFor(points, width);
  const start = fromKey === undefined ? {} : { fromKey };
  const input = { collection: source, pin, slices, ...start };
  const planned = await runActivity('planSlices', input, `slices of ${source.collection}`);
  const page = newPage(planned.slices, planned.next, RULES);
  page.walk = page.walk.filter((slot) => slot.task === 'source');
  if (lane !== undefined) for (const slot of page.walk) slot.node = lane;
  return page;
}
