// The operator's updates, the same on a job and on each of its collections: pause, resume, abort, retry, throttle.
// A parent passes them on by the signal `steer`. Whether a command cancels the running activities at once, or takes effect
// with the next one, is up to whoever runs them; the answers in model/operations.ts say which.

import {
  CancellationScope,
  defineSignal,
  defineUpdate,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import {
  type Pace,
  COMMAND_NAMES,
  applyCommand,
  objection,
  parseCommand,
  type Command,
  type SteeringState,
  type Phase,
} from '../../model/state/steering.js';
import type { OperationName } from '../../model/operations.js';
import { steeringAnswer, steeringDescriptions } from '../../model/steering-words.js';

export const steerSignal = defineSignal<[Command]>('steer');

export interface Steered {
  operation: OperationName;
  phase(): Phase;
  /** Where the job stands, for the answer. */
  standing(): string;
  /** After each command. */
  changed(command: Command): void;
}

export class Steering {
  readonly state: SteeringState;
  private interrupt: ((command: Command) => void) | undefined;

  constructor(pace: Pace, paused: boolean) {
    this.state = { pace, paused };
  }

  /** Before the first await of the workflow, or an early update finds no handler. */
  register(job: Steered): void {
    for (const name of COMMAND_NAMES) this.accept(name, job);
    setHandler(
      steerSignal,
      (command) => {
        if (objection(command, this.state, job.phase()) === undefined) this.apply(command, job);
      },
      { description: 'What the parent job passes on to its collections. Operators use the updates.' },
    );
  }

  /** Runs `body` so that the commands in `by` cancel it; then it returns as if it had ended. */
  async interruptible(
    by: readonly Command['do'][],
    body: (scope: CancellationScope) => Promise<void>,
  ): Promise<void> {
    const outer = CancellationScope.current();
    const scope = new CancellationScope();
    this.interrupt = (command) => {
      if (by.includes(command.do)) scope.cancel();
    };
    try {
      await scope.run(() => body(scope));
    } catch (error) {
      if (outer.consideredCancelled || !scope.consideredCancelled || !isCancellation(error)) throw error;
    } finally {
      this.interrupt = undefined;
    }
  }

  private accept(name: Command['do'], job: Steered): void {
    const read = (argument: unknown) => parseCommand(name, argument, this.state.pace);
    setHandler(
      defineUpdate<string, [unknown]>(name),
      (argument: unknown) => {
        const command = read(argument);
        this.apply(command, job);
        return steeringAnswer(job.operation, job.phase(), command, job.standing());
      },
      {
        description: steeringDescriptions(job.operation)[name],
        validator: (argument: unknown) => {
          const reason = objection(read(argument), this.state, job.phase());
          if (reason !== undefined) throw new Error(reason);
        },
      },
    );
  }

  private apply(command: Command, job: Steered): void {
    applyCommand(command, this.state);
    this.interrupt?.(command);
    job.changed(command);
  }
}
