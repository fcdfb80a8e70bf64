// What every data activity shares: resume from the last heartbeat, heartbeat as the cursor moves, give up as `Stalled`
// when it does not, and tell a workflow's cancel (finish what is under way, return the claim) from everything else that
// ends an attempt (throw, and be handed out again).

import { Context } from '@temporalio/activity';
import type { SliceHeartbeat } from '../model/activities.js';
import { FerryError } from '../model/errors.js';

export type SliceState = SliceHeartbeat['state'];

export interface Attempt<S extends SliceState> {
  state: S;
  signal: AbortSignal;
  stop: AbortSignal;
  onProgress: (state: S) => void;
}

const HEARTBEAT_ANYWAY_MS = 5_000;

/** Runs `work` from where the last attempt stood, or from `fresh`. */
export async function runSlice<S extends SliceState>(
  input: { what: string; stallAfterAttempts: number },
  fresh: S,
  work: (attempt: Attempt<S>) => Promise<S>,
): Promise<S> {
  const context = Context.current();
  const attempt = context.info.attempt;
  const last = lastHeartbeat<S>(context.info.heartbeatDetails);
  requireProgress(input, last, attempt);
  const began = performance.now();
  const before = last?.state.points ?? 0;
  const beat = {
    v: 1 as const,
    what: input.what,
    state: last?.state ?? fresh,
    rate: 0,
    movedAtAttempt: last?.movedAtAttempt ?? 1,
  };
  const onProgress = (state: S): void => {
    beat.state = state;
    beat.movedAtAttempt = attempt;
    beat.rate = Math.round(((state.points - before) * 1_000) / Math.max(1, performance.now() - began));
    context.heartbeat(beat);
  };
  // A long write or a pace of a point a minute must not look like a dead worker.
  const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_ANYWAY_MS);
  try {
    context.heartbeat(beat);
    return await work({ state: beat.state as S, onProgress, ...signals(context.cancellationSignal) });
  } finally {
    clearInterval(timer);
  }
}

/** Undecodable details mean: start the slice again. */
function lastHeartbeat<S extends SliceState>(details: unknown): (SliceHeartbeat & { state: S }) | undefined {
  const beat = details as Partial<SliceHeartbeat> | undefined;
  if (beat?.v !== 1 || typeof beat.state?.points !== 'number') return undefined;
  return beat as SliceHeartbeat & { state: S };
}

function requireProgress(
  { what, stallAfterAttempts }: { what: string; stallAfterAttempts: number },
  last: SliceHeartbeat | undefined,
  attempt: number,
): void {
  const still = attempt - (last?.movedAtAttempt ?? 1);
  if (still < stallAfterAttempts) return;
  throw new FerryError('Stalled', `The cursor has not moved in ${still} attempts to ${what}`, {
    context: { cursor: last?.state.cursor },
  });
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
