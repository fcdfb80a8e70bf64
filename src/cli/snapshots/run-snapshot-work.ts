// Starts one of the workflows that administer snapshots and waits for its result. Meanwhile it shows what is being done
// and for how long: Qdrant does not report the progress of a snapshot.

import {
  WorkflowFailedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type * as z from 'zod';
import { loadConfig } from '../../config.js';
import { requireCluster, type FerryConfig } from '../../model/ferry-config.js';
import { parseInput } from '../../model/contracts/inputs.js';
import { CONTROL_QUEUE, DATA_QUEUE } from '../../model/names.js';
import { snapshotWorkId } from '../../model/snapshot-names.js';
import { createElapsedDisplay, type ElapsedDisplay } from '../watch/progress-display.js';
import { EXIT } from '../terminal/exit-codes.js';
import { endOfFailure } from '../watch/watch-job.js';
import type { GlobalOptions, Output } from '../terminal/output.js';
import { bytes } from '../terminal/formatting.js';
import { keepTrying, StoppedWatching, WHERE_TEMPORAL_IS, type Patience } from '../terminal/keep-trying.js';
import { heartbeatsOf } from '../watch/heartbeats.js';
import { troublesBelow } from '../watch/job-view.js';
import { pausesUntilEnd } from '../watch/watch-job.js';
import { createTroubleWatch, unattended } from '../watch/troubles.js';
import { stopOnInterrupt } from '../terminal/output.js';
import { startedNow, startJob } from '../jobs/follow-job.js';
import { openTemporal, type Temporal } from '../temporal.js';

export interface SnapshotWork {
  operation: string;
  workflowType: string;
  schema: z.ZodType<{ cluster: string }>;
  input: Record<string, unknown>;
}

export type WorkOptions = GlobalOptions & { detach?: boolean };

/** `answer` absent: nobody waited for it, and what there was to print is printed. */
export interface WorkEnd<Answer> {
  code: number;
  answer?: Answer;
}

const LOOK_EVERY_MS = 500;
const FIRST_QUEUE_CHECK_MS = 3_000;
const QUEUES_EVERY_MS = 15_000;

export async function runSnapshotWork<Answer>(
  { operation, workflowType, schema, input }: SnapshotWork,
  options: WorkOptions,
  output: Output,
): Promise<WorkEnd<Answer>> {
  const { cluster } = parseInput(schema, input);
  const config = loadConfig(options.config);
  const dataQueue = requireCluster(config, cluster).taskQueue ?? DATA_QUEUE;
  const workflowId = snapshotWorkId(operation, cluster, startedNow());
  return runWork({ workflowId, workflowType, dataQueue, input }, { ...options, loaded: config }, output);
}

export interface Work {
  workflowId: string;
  workflowType: string;
  /** Missed when nobody polls it. */
  dataQueue: string;
  input: Record<string, unknown>;
}

/** Any workflow that ends with one answer. */
export async function runWork<Answer>(
  work: Work,
  options: WorkOptions & { loaded: FerryConfig },
  output: Output,
): Promise<WorkEnd<Answer>> {
  const { workflowId, dataQueue } = work;
  const temporal = openTemporal(options.loaded);
  const stop = stopOnInterrupt();
  const display = createElapsedDisplay(output);
  const patience: Patience = {
    address: temporal.address,
    signal: stop.signal,
    say: (line) => display.say(line),
    meanwhile: () => `Retrying; Ctrl-C stops. ${WHERE_TEMPORAL_IS}`,
  };
  let begun = false;
  try {
    await startJob({ temporal, patience, workflowId, workflowType: work.workflowType, input: work.input });
    begun = true;
    const link = temporal.link(workflowId);
    if (options.detach) {
      output.result({ workflowId, link }, [workflowId, link]);
      return { code: EXIT.done };
    }
    const answer = await watched<Answer>({ temporal, patience, display, workflowId, dataQueue });
    return { code: EXIT.done, answer };
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    display.stop();
    sayStopped(begun ? workflowId : undefined, output);
    return { code: EXIT.interrupted };
  } finally {
    display.stop();
    stop.release();
    await temporal.close();
  }
}

interface Watching {
  temporal: Temporal;
  patience: Patience;
  display: ElapsedDisplay;
  workflowId: string;
  dataQueue: string;
}

async function watched<Answer>(watching: Watching): Promise<Answer> {
  const { temporal, patience, display, workflowId } = watching;
  const handle = temporal.client.workflow.getHandle(workflowId);
  const queues = createQueueWatch(watching);
  const troubles = createTroubleWatch(temporal, (line) => display.say(line));
  const pauses = pausesUntilEnd(watching, LOOK_EVERY_MS);
  try {
    for (;;) {
      const now = await keepTrying(patience, () => temporal.call(() => handle.describe()));
      if (now.status.name !== 'RUNNING') break;
      display.show(latestBeat(now));
      await troubles(await troublesBelow(temporal, now));
      await queues();
      await pauses.next();
    }
  } finally {
    pauses.stop();
  }
  return keepTrying(patience, () => temporal.call(() => answerOf<Answer>(handle)));
}

async function answerOf<Answer>(handle: WorkflowHandle): Promise<Answer> {
  try {
    return (await handle.result()) as Answer;
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    if (error.cause instanceof ApplicationFailure) throw error.cause;
    const { code = 'Internal', message = '' } = endOfFailure(error.cause).error ?? {};
    throw ApplicationFailure.create({ type: code, message });
  }
}

function createQueueWatch({ temporal, display, dataQueue }: Watching): () => Promise<void> {
  let nextAt = Date.now() + FIRST_QUEUE_CHECK_MS;
  const said = new Set<string>();
  return async () => {
    if (Date.now() < nextAt) return;
    nextAt = Date.now() + QUEUES_EVERY_MS;
    const lines = await unattended(temporal, CONTROL_QUEUE, [dataQueue]).catch(() => []);
    for (const line of lines) if (!said.has(line)) display.say(line);
    for (const line of lines) said.add(line);
  };
}

function sayStopped(workflowId: string | undefined, output: Output): void {
  if (workflowId === undefined) {
    const message = 'Stopped before anything was started.';
    output.say(message);
    output.result({ error: { code: 'Interrupted', message } }, []);
    return;
  }
  output.say(`No longer waiting; ${workflowId} continues. To cancel it, use the Temporal UI.`);
  output.result({ workflowId }, []);
}

/** The last heartbeat of its activity. Only for showing: empty where there is none. */
function latestBeat(work: WorkflowExecutionDescription): string {
  const [beat] = heartbeatsOf(work);
  if (!beat) return '';
  const { what, bytes: moved = 0 } = beat;
  return moved > 0 ? `${what}, ${bytes(moved)}` : what;
}
