// One check for the command: through the workflow where workers are there to run it, and from here where none are, as far
// as this machine sees the clusters and the store. It never waits for a worker.

import type { WorkflowHandle } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkBackupsSchema,
  type CheckBackupsInput,
  type CheckReport,
  type CheckSurvey,
} from '../../model/contracts/check-activities.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { FerryError } from '../../model/errors.js';
import { requireStore, type FerryConfig } from '../../model/ferry-config.js';
import { checkWith, type CheckSteps } from '../../model/health/check-with.js';
import { checkJobId, CONTROL_QUEUE } from '../../model/names.js';
import { openCatalogue } from '../backups/open-catalogue.js';
import { startedNow } from '../jobs/follow-job.js';
import { errorDocument } from '../terminal/exit-codes.js';
import { StoppedWatching } from '../terminal/keep-trying.js';
import type { Temporal } from '../temporal.js';
import type { CheckInput } from './planned-checks.js';

/** A control worker with a free place takes a workflow at once. */
const TAKEN_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 300;
/** Of an answer of Temporal to one of several questions. */
const SURVEY_MS = 30_000;

export interface Checking {
  temporal: Temporal;
  config: FerryConfig;
  configPath: string | undefined;
  signal: AbortSignal;
  /** Of what is judged from here. */
  now?: () => Date;
}

export async function makeCheck(checking: Checking, input: CheckInput, number: number): Promise<CheckReport> {
  const parsed = parseInput(checkBackupsSchema, input);
  const survey = await surveyFromHere(checking, parsed);
  const isRun = survey.queues.some(({ queue, workers }) => queue === CONTROL_QUEUE && workers > 0);
  const report = isRun ? await byWorkflow(checking, input, number) : undefined;
  return report ?? checkFromHere(checking, parsed, isRun ? withoutControl(survey) : survey);
}

async function surveyFromHere(
  { temporal, config }: Checking,
  input: CheckBackupsInput,
): Promise<CheckSurvey> {
  const { surveyCheck } = await import('../../worker/check-dependencies.js');
  const { policy, clusters, store } = input;
  try {
    await temporal.call(() => temporal.client.workflowService.getSystemInfo({}));
  } catch (error) {
    return unreachable(temporal, config, input, errorDocument(error).error.message);
  }
  return temporal.call(() => surveyCheck(config, temporal.client, { policy, clusters, store }), SURVEY_MS);
}

function unreachable(
  { address }: Temporal,
  config: FerryConfig,
  { clusters = Object.keys(config.clusters).sort(), store }: CheckBackupsInput,
  reason: string,
): CheckSurvey {
  return {
    ...{ store: requireStore(config, store).alias, clusters, isDisk: false, dataQueue: '' },
    ...{ queues: [], workers: [], schedules: [] },
    findings: [
      {
        severity: 'critical',
        kind: 'notChecked',
        text: `Temporal at ${address} does not answer: no job runs, and queues and schedules could not be checked. (${reason})`,
        hint: 'Start it, or correct `temporal.address` in ferry.yaml.',
      },
    ],
  };
}

/** It is listed, and took nothing: it was killed a moment ago. */
function withoutControl(survey: CheckSurvey): CheckSurvey {
  const queues = survey.queues.map((one) => (one.queue === CONTROL_QUEUE ? { ...one, workers: 0 } : one));
  return { ...survey, queues };
}

/** Undefined where no worker took it. */
async function byWorkflow(
  { temporal, signal }: Checking,
  input: CheckInput,
  number: number,
): Promise<CheckReport | undefined> {
  const { workflow } = temporal.client;
  const workflowId = checkJobId(input.store, startedNow(), number);
  const began = Date.now();
  const handle = await temporal.call(() =>
    workflow.start('checkBackups', { workflowId, taskQueue: CONTROL_QUEUE, args: [input] }),
  );
  for (;;) {
    const { status, historyLength } = await temporal.call(() => handle.describe());
    if (status.name !== 'RUNNING') break;
    const isTaken = historyLength > 2;
    if (!isTaken && Date.now() - began > TAKEN_WITHIN_MS) {
      await temporal.call(() => handle.terminate('no worker took it'));
      return undefined;
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) await stopped(temporal, handle);
  }
  return (await temporal.call(() => handle.result())) as CheckReport;
}

async function stopped(temporal: Temporal, handle: WorkflowHandle): Promise<never> {
  await temporal.call(() => handle.terminate('the command was stopped')).catch(() => undefined);
  throw new StoppedWatching();
}

async function checkFromHere(
  checking: Checking,
  input: CheckBackupsInput,
  survey: CheckSurvey,
): Promise<CheckReport> {
  return checkWith(await stepsFromHere(checking, survey), input, survey, checking.now?.() ?? new Date());
}

/** The disks are the workers', so they are not looked at. */
async function stepsFromHere(
  { config, configPath, signal }: Checking,
  survey: CheckSurvey,
): Promise<CheckSteps> {
  const [{ qdrantControls }, { folderOf }] = await Promise.all([
    import('../../qdrant/control.js'),
    import('../../worker/check-dependencies.js'),
  ]);
  const [{ listProtected }, { checkProtection }, { measureStore }] = await Promise.all([
    import('../../checks/list-protected.js'),
    import('../../checks/protection.js'),
    import('../../checks/measure-store.js'),
  ]);
  const controls = qdrantControls(config.clusters);
  const opened = openCatalogue(configPath, { store: survey.store });
  opened.catch(() => undefined);
  return {
    listProtected: (asked) => listProtected(controls.of(asked.cluster), asked, signal),
    checkProtection: async (asked) => checkProtection(await opened, asked, signal),
    measureStore: async (store) =>
      measureStore(await opened, { now: new Date(), folder: folderOf(config, store) }, signal),
    lookAtDisks: async () => [],
    reasonOf: (error) => {
      if (signal.aborted) throw new StoppedWatching();
      return error instanceof FerryError
        ? `${error.code}: ${error.happened}`
        : errorDocument(error).error.message;
    },
  };
}
