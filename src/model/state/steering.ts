// What an operator can say to a running job, and what it answers. Pure: the workflows only pass it on.

import * as z from 'zod';
import type { Pace } from '../contracts/activities.js';
import type { Phase } from '../contracts/results.js';

export type Command =
  | { do: 'pause' }
  | { do: 'resume' }
  | { do: 'abort'; reason?: string }
  | { do: 'retry' }
  | { do: 'throttle'; pace: Pace };

export interface SteeringState {
  paused: boolean;
  pace: Pace;
  /** Why, as the operator said it. */
  aborted?: string;
  /** Why it waits for an operator. */
  attention?: string;
}

export const COMMANDS = {
  pause: 'Finish the batches in flight, then hold. Nothing is lost; `resume` goes on from the same cursors.',
  resume: 'Go on after a pause.',
  abort: 'Stop, put indexing back on the target, and fail as Aborted. Optional: {"reason": "…"}.',
  retry: 'Go on after the job has stopped to wait for an operator (phase awaiting-operator).',
  throttle:
    'Set a new total pace: {"maxPointsPerSecond": 2000} or {"maxMegabytesPerSecond": 20}; null takes a limit away.',
} as const satisfies Record<Command['do'], string>;

const limit = z.number().positive().nullable().optional();
const throttleSchema = z
  .strictObject({ maxPointsPerSecond: limit, maxMegabytesPerSecond: limit })
  .refine((pace) => Object.keys(pace).length > 0, 'say maxPointsPerSecond, maxMegabytesPerSecond, or both');
const abortSchema = z.strictObject({ reason: z.string().max(300).optional() }).optional();

/** The command, or throws an Error whose message tells what is wrong with it. */
export function parseCommand(name: Command['do'], argument: unknown, now: Pace): Command {
  if (name === 'abort') {
    const reason = parse(abortSchema, argument ?? undefined)?.reason;
    return reason === undefined ? { do: 'abort' } : { do: 'abort', reason };
  }
  if (name === 'throttle') return { do: 'throttle', pace: merged(now, parse(throttleSchema, argument)) };
  return { do: name };
}

/** Why a command makes no sense now, or undefined. */
export function objection(command: Command, state: SteeringState, phase: Phase): string | undefined {
  if (phase === 'done') return 'The job is done.';
  if (state.aborted !== undefined) return 'The job is being aborted.';
  if (command.do === 'pause' && state.paused) return 'The job is already paused; send `resume` to go on.';
  if (command.do === 'pause' && phase === 'finishing')
    return 'The job is finishing: there is nothing to pause.';
  if (command.do === 'resume' && !state.paused) return 'The job is not paused.';
  if (command.do === 'retry' && state.attention === undefined) return 'Nothing waits for a `retry`.';
  return undefined;
}

export function applyCommand(command: Command, state: SteeringState): void {
  if (command.do === 'pause') state.paused = true;
  if (command.do === 'resume') state.paused = false;
  if (command.do === 'abort') state.aborted = command.reason ?? 'asked by an operator';
  if (command.do === 'retry') delete state.attention;
  if (command.do === 'throttle') state.pace = command.pace;
}

/** `byShard`: what is in flight are shards of a recovery, which a node would go on with by itself. */
export function answerTo(command: Command, standing: string, byShard = false): string {
  if (byShard) return answerByShard(command, standing);
  switch (command.do) {
    case 'pause':
      return `Pausing: the batches in flight are finished first. ${standing}. Send \`resume\` to go on.`;
    case 'resume':
      return `Going on. ${standing}.`;
    case 'abort':
      return `Aborting: the batches in flight are finished and indexing is put back. ${standing}.`;
    case 'retry':
      return `Trying again. ${standing}.`;
    case 'throttle':
      return `Pace is now ${describePace(command.pace)}. ${standing}.`;
  }
}

const BY_SHARD = ['disasterRecovery', 'rehearseRecovery', 'snapshotMigration'];

/** Whether an operation brings shards, which a node goes on with by itself, in the phase that it is in. */
export function isByShard(operation: string, phase: Phase): boolean {
  return (
    BY_SHARD.includes(operation) && ['planning', 'running', 'copying', 'awaiting-operator'].includes(phase)
  );
}

function answerByShard(command: Command, standing: string): string {
  switch (command.do) {
    case 'pause':
      return `Pausing: shards in flight come to their end first. ${standing}. Send \`resume\` to go on.`;
    case 'resume':
      return `Going on with the next shard. ${standing}.`;
    case 'abort':
      return `Aborting: what this job made is removed once the nodes have ended the shards in flight. ${standing}.`;
    case 'retry':
      return `Trying again. ${standing}.`;
    case 'throttle':
      return `Pace is ${describePace(command.pace)} from the next shard on; shards in flight keep theirs. ${standing}.`;
  }
}

export function describePace(pace: Pace): string {
  const limits = [
    pace.maxPointsPerSecond === undefined ? [] : [`${whole(pace.maxPointsPerSecond)} points/s`],
    pace.maxMegabytesPerSecond === undefined ? [] : [`${pace.maxMegabytesPerSecond} MB/s`],
  ].flat();
  return limits.length === 0 ? 'unlimited' : `at most ${limits.join(' and ')}`;
}

/** An equal share of a total pace. */
export function sharePace(pace: Pace, among: number): Pace {
  const share: Pace = {};
  const parts = Math.max(1, among);
  if (pace.maxPointsPerSecond !== undefined) share.maxPointsPerSecond = pace.maxPointsPerSecond / parts;
  if (pace.maxMegabytesPerSecond !== undefined)
    share.maxMegabytesPerSecond = pace.maxMegabytesPerSecond / parts;
  return share;
}

export function isPaced(pace: Pace): boolean {
  return pace.maxPointsPerSecond !== undefined || pace.maxMegabytesPerSecond !== undefined;
}

export function whole(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function merged(now: Pace, change: z.infer<typeof throttleSchema>): Pace {
  const pace: Pace = {};
  const points = change.maxPointsPerSecond === undefined ? now.maxPointsPerSecond : change.maxPointsPerSecond;
  const megabytes =
    change.maxMegabytesPerSecond === undefined ? now.maxMegabytesPerSecond : change.maxMegabytesPerSecond;
  if (points !== null && points !== undefined) pace.maxPointsPerSecond = points;
  if (megabytes !== null && megabytes !== undefined) pace.maxMegabytesPerSecond = megabytes;
  return pace;
}

function parse<T>(schema: z.ZodType<T>, argument: unknown): T {
  const parsed = schema.safeParse(argument);
  if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
  return parsed.data;
}
