// Around a call that can only be waited for: heartbeats by the clock, with what is being done and how far it is, so that
// nobody takes it for dead. One that is tried for ever gives up as `Stalled` after so many attempts, with what ended the
// last one.

import { Context } from '@temporalio/activity';
import { FerryError } from '../model/errors.js';
import { told } from './failure-interceptor.js';

export interface Held {
  signal: AbortSignal;
  /** Counted into the heartbeat. */
  onBytes(bytes: number): void;
}

interface Beat {
  v: 1;
  what: string;
  bytes: number;
  /** What ended the last attempt. */
  trouble?: string;
}

const HEARTBEAT_EVERY_MS = 3_000;

export async function heldCall<T>(
  asked: string | { what: string; stallAfterAttempts?: number },
  call: (held: Held) => Promise<T>,
): Promise<T> {
  const { what, stallAfterAttempts = Infinity } = typeof asked === 'string' ? { what: asked } : asked;
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  if (attempt > stallAfterAttempts) throw stalled(what, attempt - 1, heartbeatDetails);
  const beat: Beat = { v: 1, what, bytes: 0 };
  const timer = setInterval(() => context.heartbeat(beat), HEARTBEAT_EVERY_MS);
  try {
    context.heartbeat(beat);
    const onBytes = (more: number): void => void (beat.bytes += more);
    return await call({ signal: context.cancellationSignal, onBytes });
  } catch (error) {
    beat.trouble = told(error);
    context.heartbeat(beat);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function stalled(what: string, attempts: number, details: unknown): FerryError {
  const { trouble } = (details ?? {}) as Partial<Beat>;
  const last = trouble === undefined ? '' : `; the last one ended with: ${trouble}`;
  return new FerryError('Stalled', `${attempts} attempts to ${what} have failed${last}`);
}
