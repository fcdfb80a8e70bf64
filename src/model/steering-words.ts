// What an operator is told who steers a job: what each command does, and the answer to one that was accepted. Which words an
// operation has stands in its row in operations.ts.

import { operations, type InFlight, type OperationName } from './operations.js';
import { describePace, type Command, type Pace, type Phase } from './state/steering.js';

/** What each update does, as the Temporal UI shows it. */
export function steeringDescriptions(operation: OperationName): Record<Command['do'], string> {
  const { shardPhases, steering } = operations[operation];
  const isByShard = shardPhases.length > 0;
  return {
    pause: isByShard
      ? 'Finish the shards or batches in flight, then wait. Nothing is lost; `resume` continues with the next ones.'
      : 'Finish the batches in flight, then wait. Nothing is lost; `resume` continues from the same cursors.',
    resume: 'Continue after a pause.',
    abort: `Stop the job; it fails as Aborted. ${steering.afterAbort} Optional: {"reason": "…"}.`,
    retry: 'Try again after the job has stopped to wait for an operator (phase awaiting-operator).',
    throttle: `Set the limits of the whole job: {"maxPointsPerSecond": 2000} or {"maxMegabytesPerSecond": 20}; null removes a limit.${isByShard ? ' Shards in flight keep theirs.' : ''}`,
  };
}

function inFlight(operation: OperationName, phase: Phase): InFlight {
  return operations[operation].shardPhases.includes(phase) ? 'shards' : 'batches';
}

/** The answer to an update that was accepted. `standing` says how far the job is, without a full stop. */
export function steeringAnswer(
  operation: OperationName,
  phase: Phase,
  command: Command,
  standing: string,
): string {
  return `${effectOf(operation, phase, command)} ${standing}.${command.do === 'pause' ? ' Send `resume` to continue.' : ''}`;
}

function effectOf(operation: OperationName, phase: Phase, command: Command): string {
  const unit = inFlight(operation, phase);
  switch (command.do) {
    case 'pause':
      return `Pausing: the ${unit} in flight are finished first.`;
    case 'resume':
      return 'Resuming.';
    case 'abort':
      return operations[operation].steering.abort[unit];
    case 'retry':
      return 'Retrying.';
    case 'throttle':
      return unit === 'shards'
        ? limitOfShards(command.pace)
        : `The limit is now ${describePace(command.pace)}.`;
  }
}

/** A shard's snapshot is a stream of bytes: points are not counted in it. */
function limitOfShards(pace: Pace): string {
  const { maxPointsPerSecond } = pace;
  const from = `The limit is ${describePace(pace)} from the next shard; shards in flight keep theirs.`;
  const points = 'A limit in points/s applies only where points are read, not to shards.';
  return maxPointsPerSecond === undefined ? from : `${from} ${points}`;
}
