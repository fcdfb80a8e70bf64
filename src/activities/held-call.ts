// Around a call that cannot be resumed and is answered late: heartbeats by the clock, so that nobody takes it for dead.

import { Context } from '@temporalio/activity';

const HEARTBEAT_EVERY_MS = 5_000;

export async function heldCall<T>(what: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const beat = (): void => context.heartbeat({ v: 1, what });
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS);
  try {
    beat();
    return await call(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}
