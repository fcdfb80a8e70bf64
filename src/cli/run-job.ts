// What all commands that run a job have in common: check, start, watch, tell, and an exit status.

import type * as z from 'zod';
import { loadConfig } from '../config.js';
import { requireCluster, type FerryConfig } from '../model/ferry-config.js';
import { parseInput } from '../model/inputs.js';
import { CONTROL_QUEUE, DATA_QUEUE, jobId } from '../model/names.js';
import { EXIT, exitCodeOfEnd } from './exit-codes.js';
import { quoted } from './job-view.js';
import { StoppedWatching, type Patience } from './keep-trying.js';
import type { Output } from './output.js';
import { createProgressDisplay } from './progress-display.js';
import { endText, type Done } from './report-text.js';
import { startJob } from './start-job.js';
import { openTemporal, type Temporal } from './temporal.js';
import { watchJob } from './watch-job.js';

export interface Job<Input> {
  operation: string;
  workflowType: string;
  schema: z.ZodType<Input>;
  input: Record<string, unknown>;
  ends(input: Input, config: FerryConfig): JobEnds;
  /** What was done with the points. */
  done: Done;
  id?: string | undefined;
  detach: boolean;
  configPath?: string | undefined;
}

/** Between what the job goes, as its id names it, and the queues whose workers it needs. */
export interface JobEnds {
  source: string;
  target: string;
  queues: string[];
}

export function betweenClusters(input: { source: string; target: string }, config: FerryConfig): JobEnds {
  const { source, target } = input;
  return { source, target, queues: [source, target].map((alias) => dataQueueOf(config, alias)) };
}

export async function runJob<Input>(job: Job<Input>, output: Output): Promise<number> {
  const parsed = parseInput(job.schema, job.input);
  const config = loadConfig(job.configPath);
  const { source, target, queues } = job.ends(parsed, config);
  const dataQueues = [...new Set(queues)];
  const workflowId = job.id ?? jobId(job.operation, source, target, new Date());
  const temporal = openTemporal(config);
  const stop = stopOnInterrupt();
  const display = createProgressDisplay(output);
  let started = false;
  const patience: Patience = {
    address: temporal.address,
    signal: stop.signal,
    say: (line) => display.say(line),
    meanwhile: () =>
      started ? 'the job lives on there; trying again.' : 'the job is not started yet; trying again.',
  };
  try {
    await startJob({ temporal, patience, workflowType: job.workflowType, workflowId, input: job.input });
    started = true;
    if (job.detach) return detached(temporal, workflowId, output);
    output.say(`${workflowId}  ${output.paint.dim(temporal.link(workflowId))}`);
    const end = await watchJob({
      temporal,
      workflowId,
      patience,
      display,
      controlQueue: CONTROL_QUEUE,
      dataQueues,
    });
    output.result(end.report ?? { error: end.error }, endText(end, job.done, temporal.link(workflowId)));
    return exitCodeOfEnd(end);
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    return stopped(temporal, workflowId, started, output);
  } finally {
    display.stop();
    stop.release();
    await temporal.close();
  }
}

export function dataQueueOf(config: FerryConfig, alias: string): string {
  return requireCluster(config, alias).taskQueue ?? DATA_QUEUE;
}

function detached(temporal: Temporal, workflowId: string, output: Output): number {
  const link = temporal.link(workflowId);
  output.result({ workflowId, link }, [workflowId, link]);
  return EXIT.done;
}

function stopped(temporal: Temporal, workflowId: string, started: boolean, output: Output): number {
  const id = quoted(workflowId);
  output.say(
    started
      ? `No longer watching; the job goes on. ferry status ${id} shows it, ferry abort ${id} ends it.`
      : 'Stopped before the job was started.',
  );
  output.result(started ? { workflowId, link: temporal.link(workflowId) } : interrupted(), []);
  return EXIT.interrupted;
}

function interrupted(): unknown {
  return { error: { code: 'Interrupted', message: 'Stopped before the job was started.' } };
}

/** Ctrl-C stops the watching; a second one ends the command at once. */
export function stopOnInterrupt(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  const release = () => {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  };
  return { signal: controller.signal, release };
}
