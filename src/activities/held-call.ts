// Around a call that can only be waited for: heartbeats by the clock, with what is being done and how far it is, so that
// nobody takes it for dead. One that is tried for ever gives up as `Stalled` after so many attempts, with what ended the
// last one.

import { Context } from '@temporalio/activity';
import { FerryError } from '../model/errors.js';
import { told } from './failure-interceptor.js';
import { attemptSignal, heartbeat, remember } from './lease.js';

export interface Held<S = never> {
  signal: AbortSignal;
  /** Counted into the heartbeat. */
  onBytes(bytes: number): void;
  /** What the last attempt remembered; undefined where it remembered nothing. */
  state: S | undefined;
  /** Resolves when the next attempt is sure to find it, should this one end now. */
  remember(state: S): Promise<void>;
  /** Said to whoever watches the job, until it is undefined again: what the call waits for, and why. */
  waits(forWhat: string | undefined): void;
  attempt: number;
}

interface Beat<S> {
  v: 1;
  what: string;
  bytes: number;
  state?: S;
  waits?: string;
  /** What ended the last attempt. */
  trouble?: string;
}

const HEARTBEAT_EVERY_MS = 5_000;

export async function heldCall<T, S = never>(
  asked: string | { what: string; stallAfterAttempts?: number },
  call: (held: Held<S>) => Promise<T>,
): Promise<T> {
  const { what, stallAfterAttempts = Infinity } = typeof asked === 'string' ? { what: asked } : asked;
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  if (attempt > stallAfterAttempts) throw stalled(what, attempt - 1, heartbeatDetails);
  const { state } = (heartbeatDetails ?? {}) as Partial<Beat<S>>;
  const beat: Beat<S> = { v: 1, what, bytes: 0, ...(state === undefined ? {} : { state }) };
  const timer = setInterval(() => heartbeat(beat), HEARTBEAT_EVERY_MS);
  const held: Held<S> = {
    signal: attemptSignal(),
    onBytes: (more) => void (beat.bytes += more),
    state,
    remember: (now) => {
      beat.state = now;
      return remember(beat);
    },
    waits: (forWhat) => {
      if (forWhat === undefined && beat.waits === undefined) return;
      if (forWhat === undefined) delete beat.waits;
      else beat.waits = told(forWhat);
      heartbeat(beat);
    },
    attempt,
  };
  try {
    heartbeat(beat);
    return await call(held);
  } catch (error) {
    beat.trouble = told(error);
    heartbeat(beat);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function stalled(what: string, attempts: number, details: unknown): FerryError {
  const { trouble } = (details ?? {}) as Partial<Beat<unknown>>;
  const last = trouble === undefined ? '' : `; the last one ended with: ${trouble}`;
  return new FerryError('Stalled', `${attempts} attempts to ${what} have failed${last}`);
}
