// The digest of one collection, page of slices by page. A slice that fails parks the collection or throws, as the input
// says; what was digested before stays in `progress.page` and with the caller, also over a continue-as-new.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import type { CollectionRef, Pin } from '../../model/collections.js';
import type { PlanSlicesResult } from '../../model/contracts/activities.js';
import type { RangeDigest } from '../../model/format/digest.js';
import { addToDigest, closeDigest, type IndexPart } from '../../model/state/capture-progress.js';
import type { Sides } from '../../model/state/progress-state.js';
import { newPage, slicesFor, type Page, type Rules } from '../../model/state/walk.js';
import type { Backup } from '../collections/backup-state.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { isReplaced, troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { indexSource } from './capture-points.js';
import { runWalk } from './run-walk.js';

export interface CollectionDigest {
  job: CollectionJob;
  collection: CollectionRef;
  /** Both sides are this collection; it is read as this one of them. */
  sides: Sides;
  side: 'source' | 'target';
  points: number;
  /** Position of the address that it is read through; absent: any. */
  node?: number | undefined;
  /** Takes the digests of a page, before the next one is begun. */
  add(digests: RangeDigest[]): void;
}

export async function digestCollection(digesting: CollectionDigest): Promise<void> {
  const { job, sides, side, add } = digesting;
  const { progress } = job;
  const rules: Rules = { copy: false, reread: side === 'source', subset: false, mode: 'report', nodes: 1 };
  for (;;) {
    const page = (progress.page ??= await planPage(digesting, rules));
    await runWalk({ job, sides, page, rules });
    add(page.walk.map((slot) => slot.digest));
    leavePage(job);
    if (page.next === undefined) return;
    progress.fromKey = page.next;
  }
}

export function leavePage({ progress }: CollectionJob): void {
  delete progress.page;
  delete progress.fromKey;
}

async function planPage(
  { job, collection, sides, side, points, node }: CollectionDigest,
  rules: Rules,
): Promise<Page> {
  const pin = side === 'source' ? sides.sourcePin : sides.targetPin;
  const planned = await planSlices(job, collection, pin, points);
  const page = newPage(planned.slices, planned.next, rules);
  page.walk = page.walk.filter((slot) => slot.task === side);
  if (node !== undefined) for (const slot of page.walk) slot.node = node;
  return page;
}

/** From the shard key on where the pages before ended. */
export function planSlices(
  job: CollectionJob,
  collection: CollectionRef,
  pin: Pin,
  points: number,
): Promise<PlanSlicesResult> {
  const { fromKey } = job.progress;
  const slices = slicesFor(points, job.settings.slices);
  const input = { collection, pin, slices, ...(fromKey === undefined ? {} : { fromKey }) };
  return job.retryOrPark(() => runActivity('planSlices', input, `slices of ${collection.collection}`));
}

/**
 * The source of a backup. Of shards with several replicas the captured one is read: once through each address that leads to
 * a captured replica. What cannot be digested leaves the digest open, with a warning: a backup without a proof is still a
 * backup.
 */
export async function digestSource(backup: Backup, part: IndexPart): Promise<void> {
  const { job, source, capture, options } = backup;
  const digest = capture[part];
  if (digest.done) return;
  const { pin, read, points, lanes = [] } = capture;
  const sides = {
    sourcePin: pin,
    targetPin: pin,
    sourceRead: read,
    targetRead: read,
    owned: false,
    nodes: 1,
  };
  const add = (digests: Parameters<typeof addToDigest>[1][]) => addToDigest(digest, ...digests);
  const nodes = lanes.length === 0 ? [undefined] : lanes;
  try {
    for (const node of nodes.slice(digest.sums.length)) {
      // Each digest is counted from zero; one that continues keeps its count.
      if (job.progress.page === undefined && job.progress.fromKey === undefined)
        job.progress.verified.points = 0;
      if (options.index && digest.sums.length === 0) add([await indexSource(backup, part, node)]);
      else await digestCollection({ job, collection: source, sides, side: 'source', points, node, add });
      closeDigest(digest);
    }
    digest.done = true;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error) || isReplaced(error)) throw error;
    const { code, message } = troubleOf(error);
    leavePage(job);
    delete capture.index;
    job.progress.warnings.push(`The source could not be digested (${code}: ${message.slice(0, 200)})`);
  }
}
