// What every long activity shares: resume from the last heartbeat, heartbeat as the cursor moves, give up as `Stalled`
// when it does not, and tell a workflow's cancel (finish what is under way, return the claim) from everything else that
// ends an attempt (throw, and be handed out again).

import { Context } from '@temporalio/activity';
import type { SliceHeartbeat } from '../model/contracts/activities.js';
import { FerryError } from '../model/errors.js';
import { told } from './failure-interceptor.js';
import { attemptSignal, heartbeat, remember } from './lease.js';

/** What a claim counts: points where it is points that move, bytes always. */
export interface WorkState {
  bytes: number;
  points?: number;
  cursor?: string | number;
}

export interface Attempt<S extends WorkState> {
  state: S;
  signal: AbortSignal;
  stop: AbortSignal;
  /** `moved` is false for what is only to be remembered: it does not put off a `Stalled`. */
  onProgress: (state: S, moved?: boolean) => void;
  /** Resolves when the next attempt is sure to find this state, should this one end now. */
  remember: (state: S) => Promise<void>;
}

interface Beat<S> extends Omit<SliceHeartbeat, 'state'> {
  state: S;
  /** What ended the last attempt. */
  trouble?: string;
}

/** Where an attempt leaves something behind: takes it away when nobody will come back, and says what stays. */
export type Abandon<S> = (state: S) => Promise<string[]>;

const HEARTBEAT_ANYWAY_MS = 5_000;

/** Runs `work` from where the last attempt stood, or from `fresh`, which is told before anything is done. */
export async function runSlice<S extends WorkState>(
  input: { what: string; stallAfterAttempts: number },
  fresh: S | (() => Promise<S>),
  work: (attempt: Attempt<S>) => Promise<S>,
  abandon: Abandon<S> = () => Promise.resolve([]),
): Promise<S> {
  const context = Context.current();
  const attempt = context.info.attempt;
  const last = lastHeartbeat<S>(context.info.heartbeatDetails);
  await requireProgress(input, last, attempt, abandon);
  const began = performance.now();
  const state = last?.state ?? (typeof fresh === 'function' ? await fresh() : fresh);
  const before = amountOf(state);
  const beat: Beat<S> = {
    v: 1,
    what: input.what,
    state,
    rate: 0,
    movedAtAttempt: last?.movedAtAttempt ?? 1,
  };
  const onProgress = (state: S, moved = true): void => {
    beat.state = state;
    if (moved) beat.movedAtAttempt = attempt;
    beat.rate = Math.round(((amountOf(state) - before) * 1_000) / Math.max(1, performance.now() - began));
    heartbeat(beat);
  };
  const remembered = (state: S): Promise<void> => {
    beat.state = state;
    return remember(beat);
  };
  // A long write or a pace of a point a minute must not look like a dead worker.
  const timer = setInterval(() => heartbeat(beat), HEARTBEAT_ANYWAY_MS);
  try {
    heartbeat(beat);
    return await work({ state: beat.state, onProgress, remember: remembered, ...signals(attemptSignal()) });
  } catch (error) {
    beat.trouble = told(error);
    heartbeat(beat);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Undecodable details mean: start the slice again. */
function lastHeartbeat<S extends WorkState>(details: unknown): Beat<S> | undefined {
  const beat = details as Partial<Beat<S>> | undefined;
  if (beat?.v !== 1 || typeof beat.state?.bytes !== 'number') return undefined;
  return beat as Beat<S>;
}

function amountOf({ points, bytes }: WorkState): number {
  return points ?? bytes;
}

async function requireProgress<S extends WorkState>(
  { what, stallAfterAttempts }: { what: string; stallAfterAttempts: number },
  last: Beat<S> | undefined,
  attempt: number,
  abandon: Abandon<S>,
): Promise<void> {
  const still = attempt - (last?.movedAtAttempt ?? 1);
  if (still < stallAfterAttempts) return;
  const left = last === undefined ? [] : await abandon(last.state);
  const said = [
    `The cursor has not moved in ${still} attempts to ${what}`,
    ...(last?.trouble === undefined ? [] : [`the last one ended with: ${last.trouble}`]),
    ...left.map((name) => `${name} stays`),
  ];
  throw new FerryError('Stalled', said.join('; '), { context: { cursor: last?.state.cursor } });
}

function signals(cancellation: AbortSignal): { signal: AbortSignal; stop: AbortSignal } {
  const [hard, soft] = [new AbortController(), new AbortController()];
  const end = (): void => {
    const reason: unknown = cancellation.reason;
    if (isAskedByWorkflow(reason)) soft.abort(reason);
    else hard.abort(reason);
  };
  if (cancellation.aborted) end();
  else cancellation.addEventListener('abort', end, { once: true });
  return { signal: hard.signal, stop: soft.signal };
}

/** The SDK names who ended the attempt in the failure's message: CANCELLED, WORKER_SHUTDOWN, PAUSED, RESET, TIMED_OUT… */
function isAskedByWorkflow(reason: unknown): boolean {
  return reason instanceof Error && reason.message === 'CANCELLED';
}
