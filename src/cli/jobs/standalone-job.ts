// `--standalone`: the job lives in a Temporal server of this command's own, which ends with it. What was interrupted is
// gone on with by the same command.

import { WorkflowNotFoundError, type WorkflowExecutionDescription } from '@temporalio/client';
import { stateDir } from '../../config.js';
import { hashOfAsked, startStandalone, type Standalone } from '../../local/index.js';
import { standaloneJobId } from '../../model/names.js';
import { EXIT } from '../terminal/exit-codes.js';
import {
  type Followed,
  type JobFrame,
  type JobHome,
  followJob,
  neverStarted,
  startJob,
} from './follow-job.js';
import { quoted } from '../watch/job-view.js';
import { keepTrying, type Patience } from '../terminal/keep-trying.js';
import { openTemporal, type Temporal } from '../temporal.js';

export async function runStandalone(frame: JobFrame): Promise<number> {
  const { job, parsed, config, ends, display, output } = frame;
  const hash = hashOfAsked({ operation: job.operation, input: parsed, config: config.path, id: job.id });
  const workflowId = job.id ?? standaloneJobId(job.operation, ends.source, ends.target, hash);
  output.say('Starting a Temporal server and workers for this command.');
  const alone = await startStandalone({
    stateDir: stateDir(),
    key: `${job.operation}-${hash}`,
    command: ['ferry', ...process.argv.slice(2).map(quoted)].join(' '),
    config: config.path,
    say: (line) => display.say(line),
  });
  const temporal = openTemporal(undefined, alone);
  let followed: Followed | undefined;
  try {
    for (const line of introduction(alone, workflowId)) output.say(line);
    followed = await followJob(frame, homeOf(frame, alone, temporal, workflowId));
    return followed.code;
  } finally {
    if (isOver(followed, alone)) alone.forget();
    await temporal.close();
    await endAlone(frame, alone, followed);
  }
}

/** For another terminal, while this command runs. */
const ferryAt = ({ address }: Standalone): string =>
  `TEMPORAL_ADDRESS=${address} TEMPORAL_NAMESPACE=default ferry`;

function introduction(alone: Standalone, workflowId: string): string[] {
  return [
    ...alone.others.map(
      ({ command, startedAt, path }) =>
        `Unfinished since ${startedAt}: ${command} (run the same command to continue; delete ${path} to discard the job)`,
    ),
    `From another terminal: ${ferryAt(alone)} status ${quoted(workflowId)}`,
  ];
}

function homeOf(frame: JobFrame, alone: Standalone, temporal: Temporal, workflowId: string): JobHome {
  const { workflowType, input } = frame.job;
  return {
    temporal,
    workflowId,
    begin: async (patience) => {
      const known = await describe(temporal, workflowId, patience);
      const line = known && goingOn(known);
      if (line) return patience.say(line);
      await startJob({ temporal, patience, workflowType, workflowId, input });
    },
    meanwhile: () => 'It is being restarted; the job is kept.',
    stopped: (begun) => {
      if (!begun && !alone.folder.interrupted) return neverStarted;
      const said =
        'The job stops with this command, and its state is kept: run the same command to continue.';
      return { said, document: { workflowId, kept: alone.folder.path } };
    },
    ferry: ferryAt(alone),
    linkLasts: false,
  };
}

async function describe(
  temporal: Temporal,
  workflowId: string,
  patience: Patience,
): Promise<WorkflowExecutionDescription | undefined> {
  const handle = temporal.client.workflow.getHandle(workflowId);
  try {
    return await keepTrying(patience, () => temporal.call(() => handle.describe()));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** Undefined when a new job is to be started: what failed unseen deserves another try, what was done does not. */
function goingOn({ status, startTime, closeTime }: WorkflowExecutionDescription): string | undefined {
  if (status.name === 'RUNNING')
    return `Continuing the interrupted job, started at ${startTime.toISOString()}.`;
  if (status.name !== 'COMPLETED') return undefined;
  return `The interrupted job had already ended, at ${closeTime?.toISOString()}; this is its result. Run the command again to start a new job.`;
}

function isOver(followed: Followed | undefined, alone: Standalone): boolean {
  if (followed?.reached === 'nothing') return alone.folder.interrupted === undefined;
  return followed?.reached === 'ended';
}

async function endAlone(
  { output }: JobFrame,
  alone: Standalone,
  followed: Followed | undefined,
): Promise<void> {
  const { path } = alone.folder;
  const failed = followed?.code === EXIT.failed;
  await alone.end(failed);
  if (failed) output.say(`The logs of its servers are in ${path}/logs.`);
  if (!followed) output.say(`The state of the job is kept in ${path}: run the same command to continue.`);
}
