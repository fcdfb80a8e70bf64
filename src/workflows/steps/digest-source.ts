// The digest of the source of a backup. Of shards with several replicas the captured one is read: once through each address
// that leads to a captured replica. What cannot be digested leaves the digest open, with a warning: a backup without a proof
// is still a backup.

import { ActivityFailure, isCancellation } from '@temporalio/workflow';
import { addToDigest, closeDigest, type SourceDigest } from '../../model/state/capture-progress.js';
import type { Backup } from '../collections/backup-state.js';
import { isReplaced, troubleOf } from '../runtime/failures.js';
import { digestCollection, leavePage } from './digest-collection.js';

export async function digestSource({ job, source, capture }: Backup, digest: SourceDigest): Promise<void> {
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
      await digestCollection({ job, collection: source, sides, side: 'source', points, node, add });
      closeDigest(digest);
    }
    digest.done = true;
  } catch (error) {
    if (!(error instanceof ActivityFailure) || isCancellation(error) || isReplaced(error)) throw error;
    const { code, message } = troubleOf(error);
    leavePage(job);
    job.progress.warnings.push(`The source could not be digested (${code}: ${message.slice(0, 200)})`);
  }
}
