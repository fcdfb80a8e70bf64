// The one place where errors become what Temporal keeps, so that no activity can forget. An aborted activity ends
// with the reason of the abort, never with the AbortError of whatever was interrupted: otherwise a pause or a reset
// hangs until the heartbeat time-out, and a cancelled workflow ends as failed.

import { CompleteAsyncError } from '@temporalio/activity';
import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { FerryError } from '../model/errors.js';

/** The UI cuts at 4 KiB; the first line is what counts. */
const LONGEST_MESSAGE = 2_000;
const SHORT_MESSAGE = 500;

export const failureInterceptor: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute: async (input, next) => {
      try {
        return await next(input);
      } catch (error) {
        throw asFailure(error, context.cancellationSignal);
      }
    },
  },
});

export function asFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof TemporalFailure || error instanceof CompleteAsyncError) return error;
  return error instanceof FerryError ? fromFerry(error) : fromUnknown(error);
}

/** Limit of what a server or a proxy may request: a job that waits longer is silent for longer. */
const LONGEST_RETRY_AFTER_MS = 2 * 60_000;

function fromFerry(error: FerryError): ApplicationFailure {
  const failure = ApplicationFailure.create({
    type: error.code,
    message: shown(error.message),
    nonRetryable: !error.retryable,
    details: [error.context],
    ...(error.retryAfterMs === undefined
      ? {}
      : { nextRetryDelay: Math.min(error.retryAfterMs, LONGEST_RETRY_AFTER_MS) }),
    ...(error.cause === undefined ? {} : { cause: bare(error.cause) }),
  });
  failure.stack = traceOf(error);
  return failure;
}

/** An unknown error may be temporary, so it is retried. */
function fromUnknown(error: unknown): ApplicationFailure {
  const failure = ApplicationFailure.create({
    type: 'Internal',
    message: shown(error instanceof Error ? `${error.name}: ${error.message}` : String(error)),
    nonRetryable: false,
  });
  if (error instanceof Error) {
    failure.stack = traceOf(error);
    if (error.cause !== undefined) Object.assign(failure, { cause: bare(error.cause) });
  }
  return failure;
}

/** Causes as text only: errors of libraries carry whole requests. */
function bare(cause: unknown, depth = 3): Error {
  const said = cause instanceof Error ? cause.message : String(cause);
  const deeper = cause instanceof Error && cause.cause !== undefined && depth > 1;
  const plain = new Error(shown(said), deeper ? { cause: bare(cause.cause, depth - 1) } : {});
  plain.stack = '';
  return plain;
}

function traceOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n');
  return lines.filter((line) => line.startsWith('    at ')).join('\n');
}

/** What ended an attempt, short enough to be kept in a heartbeat for the next one. */
export function describeShortly(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return shown(error instanceof FerryError ? `${error.code}: ${error.happened}` : said).slice(
    0,
    SHORT_MESSAGE,
  );
}

/** Without what may be secret, and not too long. */
function shown(message: string): string {
  const clean = message.replace(/\S+/g, withoutSecrets);
  return clean.length <= LONGEST_MESSAGE ? clean : `${clean.slice(0, LONGEST_MESSAGE)}…`;
}

/** Queries of URLs hold signatures, and what stands before an @ holds passwords. */
function withoutSecrets(word: string): string {
  const start = word.indexOf('://');
  if (start < 0) return word;
  const query = word.indexOf('?', start);
  const address = query < 0 ? word : `${word.slice(0, query)}?…`;
  const at = address.lastIndexOf('@');
  return at < start ? address : `${address.slice(0, start + 3)}…${address.slice(at)}`;
}
