// One attempt of a long activity: resumes from the last heartbeat, heartbeats by the clock and on progress, keeps what
// ended the attempt for the next one, and gives up after too many attempts without progress. Three kinds:
//
//   runSlice     a range of ids. `SliceStalled` when the cursor has not moved in `stallAfterAttempts` attempts.
//   runTransfer  a file or a shard's stream, of which a part may be kept. `AttemptsExhausted` when no attempt got further.
//   heldCall     a call that can only be waited for. `AttemptsExhausted` after so many attempts.

import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import { FerryError } from '../model/errors.js';
import type { FlightLog } from '../shards/settled-call.js';
import { describeShortly } from './failure-interceptor.js';
import { attemptSignal, heartbeat, remember } from './lease.js';

export interface Attempt<S> {
  /** What the last attempt left, or a fresh one. */
  state: S;
  /** Ends the attempt at once: it is handed out again, or nobody wants it any more. */
  signal: AbortSignal;
  /** A cancel by the workflow: finish the batch in flight and return what was done. */
  stop: AbortSignal;
  /** `moved` is false for what is only to be remembered: it does not count as progress. */
  onProgress: (state: S, moved?: boolean) => void;
  /** Resolves when the next attempt is sure to find this state, should this one end now. */
  remember: (state: S) => Promise<void>;
  /** Counted into the heartbeat. */
  onBytes: (bytes: number) => void;
  /** Shown to whoever watches the job until it is undefined again: what the call waits for, and why. */
  waits: (forWhat: string | undefined) => void;
}

/** A held call has no state until it remembers one, and every way of ending it is the same to it: `signal`. */
export type Held<S = never> = Omit<Attempt<S | undefined>, 'remember' | 'stop'> & {
  remember: (state: S) => Promise<void>;
};

interface Asked {
  what: string;
  /** Default: no limit of its own; the activity's retries are limited. */
  stallAfterAttempts?: number;
}

interface Beat<S> {
  v: 1;
  what: string;
  state: S;
  /** Attempt at which it last got further. */
  movedAtAttempt: number;
  /** Points, or bytes, a second since this attempt began. */
  rate: number;
  bytes?: number;
  waits?: string;
  /** What ended the last attempt. */
  trouble?: string;
}

const HEARTBEAT_EVERY_MS = 5_000;

/** Runs `work` from where the last attempt stood, or from `fresh`. */
export function runSlice<S extends { bytes: number; cursor?: string | number }, T>(
  input: Asked,
  fresh: S,
  work: (attempt: Attempt<S>) => Promise<T>,
): Promise<T> {
  return run<S, T>(
    input,
    async () => fresh,
    work,
    async (attempts, last) => {
      const happened = `The cursor has not moved in ${attempts} attempts to ${input.what}`;
      const context = { cursor: last?.state.cursor };
      return new FerryError('SliceStalled', happened + endOf(last), { context });
    },
  );
}

/** `abandon` removes what the last attempt left behind, because no other one will come, and names what stays. */
export function runTransfer<S extends { bytes: number }, T>(
  input: Asked,
  fresh: () => Promise<S>,
  work: (attempt: Attempt<S>) => Promise<T>,
  abandon: (state: S) => Promise<string[]> = async () => [],
): Promise<T> {
  return run(input, fresh, work, async (attempts, last) => {
    const left = last === undefined ? [] : await abandon(last.state);
    return exhausted(input.what, attempts, last, left);
  });
}

/** `abandon` as for a transfer; undefined where the last attempt remembered nothing. */
export function heldCall<T, S = never>(
  asked: string | Asked,
  call: (held: Held<S>) => Promise<T>,
  abandon: (state: S | undefined) => Promise<string[]> = async () => [],
): Promise<T> {
  const input = typeof asked === 'string' ? { what: asked } : asked;
  return run<S | undefined, T>(
    input,
    async () => undefined,
    (attempt) => call({ ...attempt, signal: attemptSignal() }),
    async (attempts, last) => exhausted(input.what, attempts, last, await abandon(last?.state)),
  );
}

export interface FlightState<F> {
  flight: F | null;
}

/**
 * The flight of a call that a node continues without us, in the heartbeat. Temporal has acknowledged it before the call is
 * sent, so an attempt that finds none knows that none was sent.
 */
export function flightLog<F>({ state, remember, waits }: Held<FlightState<F>>): FlightLog<F> {
  return { last: state?.flight ?? null, remember: (flight) => remember({ flight }), waits };
}

async function run<S, T>(
  { what, stallAfterAttempts = Infinity }: Asked,
  fresh: () => Promise<S>,
  work: (attempt: Attempt<S>) => Promise<T>,
  giveUp: (attempts: number, last: Beat<S> | undefined) => Promise<FerryError>,
): Promise<T> {
  const { attempt, heartbeatDetails } = Context.current().info;
  const last = lastBeat<S>(heartbeatDetails);
  const movedAtAttempt = last?.movedAtAttempt ?? 1;
  const still = attempt - movedAtAttempt;
  if (still >= stallAfterAttempts) throw await giveUp(still, last);
  const began = performance.now();
  const beat: Beat<S> = { v: 1, what, state: last?.state ?? (await fresh()), movedAtAttempt, rate: 0 };
  const before = amountOf(beat.state);
  // A long write, or a limit of a point a minute, must not look like a dead worker.
  const timer = setInterval(() => heartbeat(beat), HEARTBEAT_EVERY_MS);
  try {
    heartbeat(beat);
    return await work({
      ...signals(attemptSignal()),
      state: beat.state,
      onProgress: (state, moved = true) => {
        beat.state = state;
        if (moved) beat.movedAtAttempt = attempt;
        const seconds = Math.max(1, performance.now() - began) / 1_000;
        beat.rate = Math.round((amountOf(state) - before) / seconds);
        heartbeat(beat);
      },
      remember: (state) => {
        beat.state = state;
        return remember(beat);
      },
      onBytes: (bytes) => void (beat.bytes = (beat.bytes ?? 0) + bytes),
      waits: (forWhat) => {
        if (forWhat === undefined && beat.waits === undefined) return;
        if (forWhat === undefined) delete beat.waits;
        else beat.waits = describeShortly(forWhat);
        heartbeat(beat);
      },
    });
  } catch (error) {
    beat.trouble = describeShortly(error);
    heartbeat(beat);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Undecodable details mean: start again. */
function lastBeat<S>(details: unknown): Beat<S> | undefined {
  const beat = details as Beat<S> | undefined | null;
  return beat?.v === 1 ? beat : undefined;
}

function amountOf(state: unknown): number {
  const { points, bytes = 0 } = (state ?? {}) as { points?: number; bytes?: number };
  return points ?? bytes;
}

function exhausted<S>(what: string, attempts: number, last: Beat<S> | undefined, left: string[] = []) {
  const happened = `${attempts} attempts to ${what} have failed${endOf(last)}`;
  return new FerryError('AttemptsExhausted', [happened, ...left.map((name) => `${name} stays`)].join('; '));
}

function endOf<S>(last: Beat<S> | undefined): string {
  return last?.trouble === undefined ? '' : `; the last one failed with: ${last.trouble}`;
}

function signals(cancellation: AbortSignal): { signal: AbortSignal; stop: AbortSignal } {
  const [hard, soft] = [new AbortController(), new AbortController()];
  // A chain of thirty links is read by as many streams; Node takes eleven listeners for a leak.
  setMaxListeners(0, hard.signal, soft.signal);
  const end = (): void => {
    const reason: unknown = cancellation.reason;
    if (isCancelledByWorkflow(reason)) soft.abort(reason);
    else hard.abort(reason);
  };
  if (cancellation.aborted) end();
  else cancellation.addEventListener('abort', end, { once: true });
  return { signal: hard.signal, stop: soft.signal };
}

/** The SDK names who ended the attempt in the failure's message: CANCELLED, WORKER_SHUTDOWN, PAUSED, RESET, TIMED_OUT… */
function isCancelledByWorkflow(reason: unknown): boolean {
  return reason instanceof Error && reason.message === 'CANCELLED';
}
