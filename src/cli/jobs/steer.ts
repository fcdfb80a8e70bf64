// `pause`, `resume`, `retry`, `abort`, `throttle`: an update each, which the workflow answers.

import { randomUUID } from 'node:crypto';
import { InvalidArgumentError, type Command } from 'commander';
import { WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { FerryError } from '../../model/errors.js';
import { CONTROL_QUEUE } from '../../model/names.js';
import { type Asking, asking, grpcCode } from '../terminal/keep-trying.js';
import { EXIT } from '../terminal/exit-codes.js';
import { type GlobalOptions, type Output, outputOf, setExitCode, addExample } from '../terminal/output.js';
import { unattended } from '../watch/troubles.js';

const COMMANDS = {
  pause: 'finish the batches or shards in flight, then wait',
  resume: 'continue after a pause',
  retry: 'try parked collections again',
  abort:
    'stop the job. Points that were copied stay, and the same job continues from them; incomplete collections of a recovery or a snapshot migration are removed',
  throttle: 'set or remove the speed limits (for shards, from the next shard)',
} as const;

type Steering = keyof typeof COMMANDS;

const JOB_ID = 'migrate/source-to-target/2026-11-27-143152430-c15b';
const EXAMPLES: Record<Steering, string> = {
  pause: JOB_ID,
  resume: JOB_ID,
  retry: 'ferry/target/docs',
  abort: JOB_ID,
  throttle: `${JOB_ID} --points-per-second 2000`,
};

interface ThrottleOptions {
  pointsPerSecond?: number;
  megabytesPerSecond?: number;
  off?: boolean;
}

export function registerSteer(program: Command): void {
  for (const name of Object.keys(COMMANDS) as Steering[]) {
    const command = program
      .command(name)
      .description(COMMANDS[name])
      .argument('<ID>', 'workflow id of the job, or of one of its collections');
    if (name === 'throttle') addLimits(command);
    addExample(command, `ferry ${name} ${EXAMPLES[name]}`);
    command.action(async (id: string) => {
      const options = command.optsWithGlobals<GlobalOptions & ThrottleOptions>();
      const output = outputOf(options);
      const args = name === 'throttle' ? [limitsOf(command, options)] : [];
      setExitCode(await asking(options, output, (frame) => send(frame, output, name, id, args)));
    });
  }
}

function addLimits(command: Command): void {
  command
    .option('--points-per-second <number>', 'limit in points per second', limit)
    .option('--megabytes-per-second <number>', 'limit in megabytes per second', limit)
    .option('--off', 'remove all limits');
}

function limit(text: string): number {
  const value = Number(text.replaceAll('_', ''));
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

function limitsOf(command: Command, options: ThrottleOptions): Record<string, number | null> {
  const { pointsPerSecond, megabytesPerSecond, off } = options;
  const none = pointsPerSecond === undefined && megabytesPerSecond === undefined;
  if (none !== Boolean(off)) command.error('error: pass a limit, or --off');
  if (off) return { maxPointsPerSecond: null, maxMegabytesPerSecond: null };
  return {
    ...(pointsPerSecond === undefined ? {} : { maxPointsPerSecond: pointsPerSecond }),
    ...(megabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond: megabytesPerSecond }),
  };
}

async function send(
  frame: Asking,
  output: Output,
  name: Steering,
  id: string,
  args: unknown[],
): Promise<number> {
  const { temporal, ask } = frame;
  const handle = temporal.client.workflow.getHandle(id);
  // One id for all attempts, so that an update whose answer was lost is not done twice.
  const update = { args: args as [unknown], updateId: randomUUID() };
  let answer: string | undefined;
  const said = new Set<string>();
  const sayOnce = (line: string) => {
    if (!said.has(line)) output.say(line);
    said.add(line);
  };
  while (answer === undefined) {
    const now = await ask(() => handle.describe(), id);
    if (now.status.name !== 'RUNNING') throw ended(id, now.status.name);
    for (const line of await ask(() => unattended(temporal, CONTROL_QUEUE, []))) sayOnce(line);
    answer = await ask(
      () => handle.executeUpdate<string, [unknown]>(name, update).catch(unanswered),
      id,
    ).catch(rejected);
    // Temporal still lists a worker that has just died.
    if (answer === undefined && said.size === 0)
      sayOnce(
        `No worker of ${CONTROL_QUEUE} has answered: the command waits for one (ferry worker --role control).`,
      );
  }
  output.result({ workflowId: id, done: name, answer }, [answer]);
  return EXIT.done;
}

function ended(id: string, status: string): FerryError {
  return new FerryError('JobNotRunning', `The job ${id} has ended: ${status.toLowerCase()}`);
}

/** Nobody works on the workflow just now: no failure, ask again. */
function unanswered(error: unknown): undefined {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return undefined;
  throw error;
}

function rejected(error: unknown): never {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (cause instanceof ApplicationFailure) throw cause;
  // "Failed precondition": the last workflow task failed, which Temporal repeats until a worker can do it.
  if (grpcCode(error) === 9)
    throw new FerryError('Internal', 'The job takes no command, because workers fail on its workflow', {
      cause: error,
      remedy:
        'The Temporal UI shows the error. Start a worker of the version that started the job, or terminate the job in the Temporal UI, run `ferry doctor --fix`, and start it again.',
    });
  // gRPC's "not found" for an update: the workflow ended in between.
  if (grpcCode(error) === 5)
    throw new FerryError('JobNotRunning', 'The job ended before it received the command', { cause: error });
  throw error;
}
