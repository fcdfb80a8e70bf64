// The frame of every job: start it under an id of our choice, watch it, print how it ended, or what Ctrl-C leaves behind.

import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { randomBytes } from 'node:crypto';
import { FerryError } from '../../model/errors.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { CONTROL_QUEUE, type Start } from '../../model/names.js';
import type { Temporal } from '../temporal.js';
import { EXIT, exitCodeOfEnd } from '../terminal/exit-codes.js';
import { type Patience, StoppedWatching, isUnavailable, keepTrying } from '../terminal/keep-trying.js';
import type { Output } from '../terminal/output.js';
import type { ProgressDisplay } from '../watch/progress-display.js';
import { watchJob } from '../watch/watch-job.js';
import { endText } from './report-text.js';
import type * as z from 'zod';

export interface JobOptions {
  id?: string | undefined;
  detach: boolean;
  standalone: boolean;
  configPath?: string | undefined;
}

export interface Job<Input> extends JobOptions {
  operation: string;
  workflowType: string;
  schema: z.ZodType<Input>;
  input: Record<string, unknown>;
  ends(input: Input, config: FerryConfig): JobEnds;
}

/** Between what the job goes, as its id names it, and the queues whose workers it needs. */
export interface JobEnds {
  source: string;
  target: string;
  queues: string[];
}

/** A job command at work: checked, and not started yet. */
export interface JobFrame {
  job: Job<unknown>;
  /** With all defaults. */
  parsed: unknown;
  config: FerryConfig;
  ends: JobEnds;
  /** Ctrl-C. */
  signal: AbortSignal;
  display: ProgressDisplay;
  output: Output;
}

/** Where a job lives, and what is to be said of it there. */
export interface JobHome {
  temporal: Temporal;
  workflowId: string;
  begin(patience: Patience): Promise<void>;
  /** What follows "Temporal at … is unavailable (…)." */
  meanwhile(begun: boolean): string;
  /** After Ctrl-C: a line, and the document. */
  stopped(begun: boolean): { said: string; document: unknown };
  /** How another terminal calls the command for this server; "ferry" when absent. */
  ferry?: string;
  /** Whether the link to the Temporal UI is good after the command. */
  linkLasts: boolean;
}

const NOT_STARTED = 'Stopped before the job was started.';
export const neverStarted = {
  said: NOT_STARTED,
  document: { error: { code: 'Interrupted', message: NOT_STARTED } },
};

export interface Followed {
  code: number;
  reached: 'nothing' | 'begun' | 'ended';
}

export async function followJob(frame: JobFrame, home: JobHome): Promise<Followed> {
  let begun = false;
  const patience: Patience = {
    address: home.temporal.address,
    signal: frame.signal,
    say: (line) => frame.display.say(line),
    meanwhile: () => home.meanwhile(begun),
  };
  try {
    await home.begin(patience);
    begun = true;
    if (frame.job.detach) return detached(frame, home);
    return await watched(frame, home, patience);
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    const { said, document } = home.stopped(begun);
    frame.display.stop();
    frame.output.say(said);
    frame.output.result(document, []);
    return { code: EXIT.interrupted, reached: begun ? 'begun' : 'nothing' };
  }
}

function detached({ output }: JobFrame, { temporal, workflowId }: JobHome): Followed {
  const link = temporal.link(workflowId);
  output.result({ workflowId, link }, [workflowId, link]);
  return { code: EXIT.done, reached: 'begun' };
}

async function watched(frame: JobFrame, home: JobHome, patience: Patience): Promise<Followed> {
  const { ends, display, output } = frame;
  const { temporal, workflowId } = home;
  const link = temporal.link(workflowId);
  output.say(`${workflowId}  ${output.paint.dim(link)}`);
  const dataQueues = [...new Set(ends.queues)];
  const queues = { controlQueue: CONTROL_QUEUE, dataQueues };
  const end = await watchJob({ temporal, workflowId, patience, display, ...queues, ferry: home.ferry });
  output.result(end.report ?? { error: end.error }, endText(end, home.linkLasts ? link : undefined));
  return { code: exitCodeOfEnd(end), reached: 'ended' };
}

export function startedNow(): Start {
  return { at: new Date(), nonce: randomBytes(2).toString('hex') };
}

export interface StartJob {
  temporal: Temporal;
  patience: Patience;
  workflowType: string;
  workflowId: string;
  input: Record<string, unknown>;
}

export async function startJob(job: StartJob): Promise<void> {
  const { temporal, workflowId } = job;
  let unsure = false;
  await keepTrying(job.patience, async () => {
    try {
      await temporal.call(() =>
        temporal.client.workflow.start(job.workflowType, {
          taskQueue: CONTROL_QUEUE,
          workflowId,
          args: [job.input],
        }),
      );
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError && unsure) return;
      if (error instanceof WorkflowExecutionAlreadyStartedError) throw alreadyRuns(workflowId, error);
      unsure ||= isUnavailable(error);
      throw error;
    }
  });
}

function alreadyRuns(workflowId: string, cause: unknown): FerryError {
  const happened = `A job with the id ${workflowId} is already running; see \`ferry status ${workflowId}\``;
  return new FerryError('InvalidInput', happened, { cause });
}
