// For calls that can only be waited for: a heartbeat on a timer, with what is being done and how far it is.

import { Context } from '@temporalio/activity';
import { FerryError } from '../model/errors.js';

const HEARTBEAT_EVERY_MS = 3_000;

export interface HeldRequest {
  signal: AbortSignal;
  /** Counted into the heartbeat. */
  onBytes(bytes: number): void;
}

export async function heldRequest<T>(
  { what, stallAfterAttempts }: { what: string; stallAfterAttempts?: number },
  work: (held: HeldRequest) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const { attempt } = context.info;
  if (stallAfterAttempts !== undefined && attempt > stallAfterAttempts) {
    throw new FerryError('Stalled', `${attempt - 1} attempts to ${what} have failed`);
  }
  let bytes = 0;
  const beat = () => context.heartbeat({ v: 1, what, bytes });
  const timer = setInterval(beat, HEARTBEAT_EVERY_MS);
  try {
    beat();
    return await work({ signal: context.cancellationSignal, onBytes: (more) => void (bytes += more) });
  } finally {
    clearInterval(timer);
  }
}
