// One collection from one cluster to another: plan, prepare the target, copy, prove, finish. Whatever happens after
// the target was touched, its indexing and strict mode are restored. Its workflow id is the lock on the collection that
// is written. Wrong input fails at once and never parks.

import { ContinueAsNew, continueAsNew, isCancellation } from '@temporalio/workflow';
import {
  migrateCollectionSchema,
  parseInput,
  type MigrateCollectionInput,
} from '../../model/contracts/inputs.js';
import { replacedTarget, stateOfTarget } from '../../model/state/outcome.js';
import {
  newProgress,
  sidesOf,
  warnOnce,
  type CollectionProgress,
  type Sides,
} from '../../model/state/progress-state.js';
import type { MigrationReport } from '../../model/contracts/results.js';
import { CollectionJob, type JobSettings } from '../runtime/collection-job.js';
import { different, failure, ifItIsThere, isDifference, surfacing, troubleOf } from '../runtime/failures.js';
import { compareReplicas } from '../steps/await-ready.js';
import { finishMigration, release } from '../steps/finish-migration.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { proveMigration } from '../steps/prove.js';
import { isNoLongerOurs } from '../steps/undo.js';
import { runActivity } from '../runtime/run-activity.js';

type Parsed = ReturnType<typeof read>;

export async function migrateCollection(input: MigrateCollectionInput): Promise<MigrationReport> {
  return surfacing(async () => {
    const parsed = read(input);
    const job = openJob(parsed);
    try {
      job.enter(job.progress.phase);
      const report = await migrate(job, parsed);
      if (report.outcome !== 'different') return { ...report, ...reasonOf(parsed) };
      throw different(report);
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      await release(job, 'compensation');
      throw ending(job, error);
    }
  });
}

async function migrate(job: CollectionJob, parsed: Parsed): Promise<MigrationReport> {
  const { progress } = job;
  await plan(job, parsed);
  progress.sides ??= await prepare(job, parsed);
  const subset = progress.plan?.targetState === 'merge';
  const { onDifference, deleteExtras } = parsed.options;
  const proof = { job, sides: progress.sides, onDifference, deleteExtras };
  await proveMigration(proof);
  const steps = { subset, name: () => copyAliases(job), proveAgain: () => proveMigration(proof) };
  return finishMigration(job, parsed.options, steps);
}

async function plan(job: CollectionJob, { options, asked }: Parsed): Promise<void> {
  const { progress, settings } = job;
  if (progress.plan) return;
  const { source, target } = settings;
  const { onExisting, overrides, deleteExtras, allowUnfinished } = options;
  const wanted = { onExisting, deleteExtras, allowUnfinished };
  const input = { source, target, ...wanted, ...(overrides === undefined ? {} : { overrides }) };
  const { allowReplicaDifference } = options;
  const notes = await ifItIsThere(source, () => compareReplicas(source, allowReplicaDifference));
  const found = await ifItIsThere(source, () => runActivity('planCollection', input, `plan ${asked}`));
  progress.plan = found;
  progress.total = found.sourcePoints;
  progress.warnings.push(...notes, ...found.notes);
  const isVerified = found.targetState === 'known';
  const begun = found.targetState === 'ours' || found.targetState === 'adopted';
  const resumed = begun && found.targetPoints > 0;
  progress.reread = !options.trustCopyDigest || resumed || isVerified;
  progress.copy = !isVerified && (!resumed || found.targetPoints * 2 < found.sourcePoints);
  if (!progress.copy) progress.already = found.targetPoints;
}

/** The compensation is armed before the first write to the target. */
async function prepare(job: CollectionJob, { options }: Parsed): Promise<Sides> {
  const { progress, settings } = job;
  const { plan: found } = progress;
  if (!found) throw failure('Internal', 'The target was to be prepared before anything was planned.');
  await job.waitIfPaused();
  const { source, target } = settings;
  const { onExisting, overrides, deleteExtras } = options;
  const { sourcePin, targetState, replaced, heldBack } = found;
  const wanted = { onExisting, deleteExtras, job: job.id };
  const what = { source, target, ...wanted, ...(overrides === undefined ? {} : { overrides }) };
  progress.released = false;
  const deleted = replaced === undefined ? {} : { replaced };
  const input = { ...what, sourcePin, targetState, heldBack, ...deleted };
  const prepared = await runActivity(
    'prepareTarget',
    input,
    `prepare ${target.collection} on ${target.cluster}`,
  );
  progress.prepared = prepared;
  warnOnce(progress, prepared.notes);
  const nodes = options.replicas ? (prepared.targetNodes ?? 1) : 1;
  return sidesOf(found, prepared, nodes);
}

async function copyAliases(job: CollectionJob): Promise<string[]> {
  const { source, target } = job.settings;
  const { sides } = job.progress;
  if (!sides) throw failure('Internal', 'Aliases were to be copied before anything was prepared.');
  const input = { source, target, targetPin: sides.targetPin };
  const named = await job.retryOrPark(() =>
    runActivity('copyAliases', input, `aliases of ${source.collection}`),
  );
  job.progress.warnings.push(...named.notes);
  return named.aliases;
}

function reasonOf({ because }: Parsed): { because?: string } {
  return because === undefined ? {} : { because };
}

function ending(job: CollectionJob, error: unknown): unknown {
  const { progress, settings } = job;
  const state = isNoLongerOurs(error)
    ? replacedTarget(settings.target)
    : stateOfTarget(settings.target, job.onTarget, progress.total, progress.released);
  const touched = progress.prepared !== undefined || !progress.released;
  progress.lastError = touched ? `${troubleOf(error).message} ${state}` : troubleOf(error).message;
  job.show();
  if (isCancellation(error)) return error;
  if (isDifference(error)) return error;
  const { code, message } = troubleOf(error);
  return failure(code, touched ? `${message.replace(/[.\s]*$/, '')}. ${state}.` : message);
}

function read(input: MigrateCollectionInput) {
  const { carried, written } = splitCarried<CollectionProgress>(input);
  return { ...parseInput(migrateCollectionSchema, written), carried };
}

function openJob(parsed: Parsed): CollectionJob {
  const { carried, ...input } = parsed;
  const { options, source, target, dataQueue, searchAttributes } = input;
  const settings: JobSettings = {
    ...options,
    source,
    target,
    dataQueue,
    searchAttributes,
    recheckAfterMs: RECHECK_AFTER_MS,
  };
  const state =
    carried ??
    newProgress({ operation: 'scrollMigration' }, new Date().toISOString(), paceOf(options), input.paused);
  return new CollectionJob(settings, state, (progress) =>
    continueAsNew<typeof migrateCollection>({ ...input, carried: progress } as MigrateCollectionInput),
  );
}

const RECHECK_AFTER_MS = 2_000;
