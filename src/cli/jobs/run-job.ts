// What all commands that run a job have in common: check the input, start, watch, print the result, and set an exit status.

import { loadConfig } from '../../config.js';
import { requireCluster, type FerryConfig } from '../../model/ferry-config.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { DATA_QUEUE, jobId } from '../../model/names.js';
import {
  type Job,
  type JobEnds,
  type JobFrame,
  followJob,
  neverStarted,
  startJob,
  startedNow,
} from './follow-job.js';
import { quoted } from '../watch/job-view.js';
import { stopOnInterrupt, type Output } from '../terminal/output.js';
import { createProgressDisplay } from '../watch/progress-display.js';
import { openTemporal, type Temporal } from '../temporal.js';

export function betweenClusters(input: { source: string; target: string }, config: FerryConfig): JobEnds {
  const { source, target } = input;
  return { source, target, queues: [source, target].map((alias) => dataQueueOf(config, alias)) };
}

export function dataQueueOf(config: FerryConfig, alias: string): string {
  return requireCluster(config, alias).taskQueue ?? DATA_QUEUE;
}

export async function runJob<Input>(job: Job<Input>, output: Output): Promise<number> {
  const parsed = parseInput(job.schema, job.input);
  const config = loadConfig(job.configPath);
  const ends = job.ends(parsed, config);
  if (job.standalone) await haveTemporal(output);
  const stop = stopOnInterrupt();
  const display = createProgressDisplay(output);
  const frame = { job, parsed, config, ends, signal: stop.signal, display, output } as JobFrame;
  try {
    return await (job.standalone ? runAlone(frame) : runOnServer(frame));
  } finally {
    display.stop();
    stop.release();
  }
}

async function runOnServer(frame: JobFrame): Promise<number> {
  const { operation, workflowType, input, id } = frame.job;
  const { source, target } = frame.ends;
  const workflowId = id ?? jobId(operation, source, target, startedNow());
  const temporal = openTemporal(frame.config);
  try {
    const followed = await followJob(frame, {
      temporal,
      workflowId,
      begin: (patience) => startJob({ temporal, patience, workflowType, workflowId, input }),
      meanwhile: (begun) =>
        begun
          ? 'The job is stored there and continues when Temporal is available again. Retrying.'
          : 'The job is not started yet. Retrying.',
      stopped: (begun) => (begun ? noLongerWatched(temporal, workflowId) : neverStarted),
      linkLasts: true,
    });
    return followed.code;
  } finally {
    await temporal.close();
  }
}

function noLongerWatched(temporal: Temporal, workflowId: string) {
  const id = quoted(workflowId);
  const said = `Stopped watching; the job continues. To see it: ferry status ${id}. To stop it: ferry abort ${id}.`;
  return { said, document: { workflowId, link: temporal.link(workflowId) } };
}

/** Before Ctrl-C is caught: it ends a long download or build at once. */
async function haveTemporal(output: Output): Promise<void> {
  const { findBinary } = await import('../../local/index.js');
  await findBinary('temporal', (line) => output.say(line));
}

async function runAlone(frame: JobFrame): Promise<number> {
  const { runStandalone } = await import('./standalone-job.js');
  return runStandalone(frame);
}
