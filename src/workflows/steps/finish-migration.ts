// How every migration of a collection ends once its proof was taken: what was held back is restored, the target is counted
// once more where the sides were equal, the configurations are compared, the stamp is closed, aliases are set. From then on
// the result stands: indexes are awaited last, and an abort only ends the waiting. And the compensation when it does not
// get that far.

import { CancellationScope } from '@temporalio/workflow';
import { migrationReport } from '../../model/state/outcome.js';
import { nextRound, warnOnce } from '../../model/state/progress-state.js';
import type { MigrationReport } from '../../model/contracts/results.js';
import { awaitIndexing } from './await-ready.js';
import type { CollectionJob } from '../runtime/collection-job.js';
import { troubleOf } from '../runtime/failures.js';
import { runActivity } from '../runtime/run-activity.js';
import { closeStamp } from './stamp-life.js';
import { isNoLongerOurs } from './undo.js';

export interface FinishOptions {
  overrides?: Record<string, unknown> | undefined;
  awaitIndexing: boolean;
  awaitIndexingMinutes: number;
  copyAliases: boolean;
}

export interface Finishing {
  subset: boolean;
  /** Sets the aliases of the target, when the sides are equal: those it has then. */
  name(): Promise<string[]>;
  /** Proves the sides anew. */
  proveAgain(): Promise<void>;
  /** Names are given whether or not aliases were asked for. */
  alwaysNamed?: boolean;
}

export async function finishMigration(
  job: CollectionJob,
  options: FinishOptions,
  { subset, name, proveAgain, alwaysNamed = false }: Finishing,
): Promise<MigrationReport> {
  const { progress, settings } = job;
  const { source, target } = settings;
  await job.waitIfPaused();
  job.enter('finishing');
  await job.retryOrPark(() => release(job, 'step'));
  const report = (configuration: string[], aliases: string[] = []) =>
    migrationReport(progress, { source, target }, { subset, configuration, aliases });
  if (!subset && report([]).outcome !== 'different') await confirmCount(job, proveAgain);
  const configuration = await configurationDifferences(job, options.overrides, subset);
  if (report(configuration).outcome === 'different') return report(configuration);
  await closeStamp(job);
  const aliases = options.copyAliases || alwaysNamed ? await name() : [];
  if (options.awaitIndexing) await awaitIndexing(job, target, options.awaitIndexingMinutes);
  job.enter('done');
  return report(configuration, aliases);
}

const PROOFS_AGAIN = 2;

/** Putting the indexing threshold back undoes deletions on a busy node: test/contract/undone-deletions.test.ts. */
async function confirmCount(job: CollectionJob, proveAgain: () => Promise<void>): Promise<void> {
  const { progress, settings } = job;
  const { target } = settings;
  const summary = `count ${target.collection} on ${target.cluster}`;
  for (let again = 0; again < PROOFS_AGAIN; again += 1) {
    const { count } = await job.retryOrPark(() =>
      runActivity('countPoints', { collection: target }, summary),
    );
    if (count === progress.tally.target.count) return;
    nextRound(progress);
    await proveAgain();
    job.enter('finishing');
  }
}

async function configurationDifferences(
  job: CollectionJob,
  overrides: Record<string, unknown> | undefined,
  subset: boolean,
): Promise<string[]> {
  const { source, target } = job.settings;
  const input = { source, target, ...(overrides === undefined ? {} : { overrides }) };
  const { differences, notes } = await job.retryOrPark(() =>
    runActivity('compareConfigurations', input, `compare configurations of ${source.collection}`),
  );
  warnOnce(job.progress, notes);
  if (!subset) return differences;
  job.progress.warnings.push(...differences); // merged into a collection of somebody else, who chose its settings
  return [];
}

/** As a step of the job its failure counts; as compensation it is recorded and never hides the first one. */
export async function release(job: CollectionJob, as: 'step' | 'compensation'): Promise<void> {
  const { progress, settings } = job;
  if (progress.released || !progress.plan) return;
  const { target } = settings;
  const { heldBack } = progress.plan;
  // Killed between creating and answering, the target may be ours without our knowing; the stamp on it decides.
  const mayBeOurs = ['absent', 'ours', 'recreate'].includes(progress.plan.targetState);
  const owned = progress.prepared?.owned ?? mayBeOurs;
  const targetPin = progress.prepared?.targetPin;
  const input = { target, heldBack, owned, job: job.id, ...(targetPin ? { targetPin } : {}) };
  const summary = `restore indexing of ${target.collection}`;
  if (as === 'step') await runActivity('releaseTarget', input, summary);
  else {
    try {
      await CancellationScope.nonCancellable(() => runActivity('releaseTarget', input, summary));
    } catch (error) {
      if (isNoLongerOurs(error)) return;
      progress.warnings.push(`Indexing could not be restored: ${troubleOf(error).message}`);
      return;
    }
  }
  progress.released = true;
}
