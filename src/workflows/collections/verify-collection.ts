// Compares one collection of two clusters: digests of both sides, and where those differ, every point. Writes nothing
// to either side, takes no lock, and tells in its report what differs.

import { continueAsNew } from '@temporalio/workflow';
import {
  parseInput,
  verifyCollectionSchema,
  type VerifyCollectionInput,
} from '../../model/contracts/inputs.js';
import { verificationReport } from '../../model/state/outcome.js';
import {
  newProgress,
  warnOnce,
  type CollectionProgress,
  type Sides,
} from '../../model/state/progress-state.js';
import type { VerificationReport } from '../../model/contracts/results.js';
import { CollectionJob } from '../runtime/collection-job.js';
import { ifItIsThere, surfacing } from '../runtime/failures.js';
import { paceOf, splitCarried } from '../jobs/job-input.js';
import { compareReplicas } from '../steps/await-ready.js';
import { proveCollection } from '../steps/prove.js';
import { runActivity } from '../runtime/run-activity.js';

/** As of the other jobs, which may set it. */
const PARK_FOR_HOURS = 72;

type Parsed = ReturnType<typeof read>;

export async function verifyCollection(input: VerifyCollectionInput): Promise<VerificationReport> {
  return surfacing(async () => {
    const parsed = read(input);
    const job = openJob(parsed);
    return job.run(() => verify(job, parsed));
  });
}

async function verify(job: CollectionJob, parsed: Parsed): Promise<VerificationReport> {
  const { progress, settings } = job;
  const { source, target } = settings;
  const { overrides, subset, replicas } = parsed.options;
  if (!progress.sides) {
    const allow = parsed.options.allowReplicaDifference;
    const notes = await ifItIsThere(source, () => compareReplicas(source, allow));
    progress.warnings.push(...notes, ...(await compareReplicas(target, allow)));
  }
  progress.sides ??= await plan(job, replicas);
  await proveCollection({ job, sides: progress.sides, subset, mode: 'report' });
  const input = { source, target, ...(overrides === undefined ? {} : { overrides }) };
  const summary = `compare configurations of ${source.collection}`;
  const { differences, notes } = await runActivity('compareConfigurations', input, summary);
  warnOnce(progress, notes);
  if (subset) progress.warnings.push(...differences);
  job.enter('done');
  const seconds = Math.round((Date.now() - Date.parse(progress.startedAt)) / 1000);
  const configuration = subset ? [] : differences;
  return verificationReport(progress, { source, target }, { subset, configuration, seconds });
}

async function plan(job: CollectionJob, replicas: boolean): Promise<Sides> {
  const { source, target } = job.settings;
  const found = await runActivity('planVerification', { source, target }, `plan ${source.collection}`);
  const { sourcePin, targetPin, sourceRead, targetRead, sourcePoints, targetNodes } = found;
  job.progress.total = sourcePoints;
  job.progress.copy = false;
  job.progress.reread = true;
  const nodes = replicas ? Math.max(1, targetNodes) : 1;
  return { sourcePin, targetPin, sourceRead, targetRead, owned: false, nodes };
}

function read(input: VerifyCollectionInput) {
  const { carried, written } = splitCarried<CollectionProgress>(input);
  return { ...parseInput(verifyCollectionSchema, written), carried };
}

function openJob(parsed: Parsed): CollectionJob {
  const { carried, ...input } = parsed;
  const { options, source, target, dataQueue, searchAttributes } = input;
  const settings = {
    ...options,
    source,
    target,
    dataQueue,
    searchAttributes,
    onFailure: 'parkForKeys' as const,
    parkForHours: PARK_FOR_HOURS,
  };
  const state =
    carried ??
    newProgress({ operation: 'verifyCollections' }, new Date().toISOString(), paceOf(options), input.paused);
  return new CollectionJob(settings, state, (progress) =>
    continueAsNew<typeof verifyCollection>({ ...input, carried: progress } as VerifyCollectionInput),
  );
}
