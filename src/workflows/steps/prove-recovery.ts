// Whether a recovered collection holds the points of its backup: what the snapshots brought back is removed by the id set,
// the points are counted, and digested where there is a proof to compare with, or where the rehearsal is to write one. A
// difference throws RecoveryDiffers, which no retry changes; a step that fails parks or throws, as the input says.

import type { ApplicationFailure } from '@temporalio/workflow';
import { addDigests } from '../../model/format/digest.js';
import { nameOf } from '../../model/state/outcome.js';
import type { Sides } from '../../model/state/progress-state.js';
import { judgeCount, judgeDigest, returnedText } from '../../model/state/recovery-verdict.js';
import type { Recovery } from '../collections/recovery-state.js';
import { failure } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { digestCollection } from './digest-collection.js';

/** How many, the workflow counts itself: nobody else writes, and an attempt that died cannot say what it removed. */
export async function removeReturned(recovery: Recovery): Promise<void> {
  const { job, state, written, settings, plan } = recovery;
  if (plan.ids === undefined || state.returned !== undefined || !state.prepared) return;
  const { targetPin } = state.prepared;
  const { manifestSha256 } = plan;
  state.brought ??= await countWritten(recovery);
  const input = { from: settings.from, target: written, targetPin, manifestSha256 };
  const summary = `remove deleted points from ${written.collection}`;
  const found = await job.retryOrPark(() =>
    runActivity('removeReturned', input, { ...recovery.queue, summary }),
  );
  state.missing = { count: found.missing, ids: found.missingIds };
  state.returned = Math.max(0, state.brought - found.points);
  if (state.returned > 0) job.progress.warnings.push(returnedText(state.returned));
}

async function countWritten({ job, written }: Recovery): Promise<number> {
  const { count } = await job.retryOrPark(() =>
    runActivity('countPoints', { collection: written }, `count ${written.collection}`),
  );
  return count;
}

export async function proveRecovery(recovery: Recovery): Promise<void> {
  const { job, settings, state, plan, proof } = recovery;
  const count = await countWritten(recovery);
  const verdict = judgeCount(count, plan, proof, state.missing);
  job.progress.counts = { source: proof?.digest.count ?? verdict.expected, target: count };
  if (verdict.differs !== undefined) throw differs(recovery, verdict.differs);
  if (verdict.warning !== undefined) job.progress.warnings.push(verdict.warning);
  if (!proof && !settings.rehearse) return;
  await digestRecovered(recovery);
  const other = judgeDigest(state.digest, proof);
  if (other !== undefined) throw differs(recovery, other);
}

async function digestRecovered(recovery: Recovery): Promise<void> {
  const { job, state, written: collection } = recovery;
  const { progress } = job;
  if (state.digested) return;
  const sides = (progress.sides ??= await planSides(recovery));
  await digestCollection({
    ...{ job, collection, sides, side: 'target', points: progress.total },
    add: (digests) => void (state.digest = addDigests(state.digest, ...digests)),
  });
  state.digested = true;
}

/** Only the target is read, so both sides of the walk are the same. */
async function planSides({ job, written }: Recovery): Promise<Sides> {
  const both = { source: written, target: written };
  const plan = await job.retryOrPark(() =>
    runActivity('planVerification', both, `plan ${written.collection}`),
  );
  const { sourcePin, targetPin, sourceRead, targetRead } = plan;
  return { sourcePin, targetPin, sourceRead, targetRead, owned: false, nodes: 1 };
}

function differs({ written }: Recovery, what: string): ApplicationFailure {
  return failure('RecoveryDiffers', `${nameOf(written)} holds ${what}.`);
}
