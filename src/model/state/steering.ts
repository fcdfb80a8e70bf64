// The commands that an operator can send to a running job, and what each changes. The answers of a job are
// in `operations.ts`. Pure.

import * as z from 'zod';
import { faultText } from '../contracts/inputs.js';

export interface Pace {
  maxPointsPerSecond?: number;
  maxMegabytesPerSecond?: number;
}

export type Phase =
  | 'planning'
  | 'capturing'
  | 'checking'
  | 'copying'
  | 'verifying'
  | 'repairing'
  | 'finishing'
  | 'paused'
  | 'awaiting-operator'
  | 'done';

export type Command =
  | { do: 'pause' }
  | { do: 'resume' }
  | { do: 'abort'; reason?: string }
  | { do: 'retry' }
  | { do: 'throttle'; pace: Pace };

export interface SteeringState {
  paused: boolean;
  pace: Pace;
  /** The reason that the operator gave. */
  aborted?: string;
  /** Why it waits for an operator. */
  attention?: string;
}

export const COMMAND_NAMES = ['pause', 'resume', 'abort', 'retry', 'throttle'] as const;

const limit = z.number().positive().nullable().optional();
const throttleSchema = z
  .strictObject({ maxPointsPerSecond: limit, maxMegabytesPerSecond: limit })
  .refine((pace) => Object.keys(pace).length > 0, 'set maxPointsPerSecond, maxMegabytesPerSecond, or both');
const abortSchema = z.strictObject({ reason: z.string().max(300).optional() }).optional();

/** The command, or throws an Error whose message says what is wrong with it. */
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
  if (command.do === 'pause' && state.paused) return 'The job is already paused; send `resume` to continue.';
  if (command.do === 'pause' && phase === 'finishing')
    return 'The job is finishing: there is nothing to pause.';
  if (command.do === 'resume' && !state.paused) return 'The job is not paused.';
  if (command.do === 'retry' && state.attention === undefined)
    return 'The job is not waiting for an operator, so there is nothing to retry.';
  return undefined;
}

export function applyCommand(command: Command, state: SteeringState): void {
  if (command.do === 'pause') state.paused = true;
  if (command.do === 'resume') state.paused = false;
  if (command.do === 'abort') state.aborted = command.reason ?? 'requested by an operator';
  if (command.do === 'retry') delete state.attention;
  if (command.do === 'throttle') state.pace = command.pace;
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

function faultsOf({ issues }: z.ZodError): string {
  return issues.map((issue) => [...issue.path.map(String), faultText(issue)].join(': ')).join('; ');
}

function parse<T>(schema: z.ZodType<T>, argument: unknown): T {
  const parsed = schema.safeParse(argument);
  if (!parsed.success) throw new Error(faultsOf(parsed.error));
  return parsed.data;
}
