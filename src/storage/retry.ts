// What of a store is sent again, how often, and when: requests of S3, and streams of S3 and of plain URLs. What may be
// sent again is what the adapter's error calls `retryable`; nothing else in storage/ repeats a request.
//
// Round each request and not round a whole call of the port: a completion, a deletion or a list is several requests, and
// a store that drops every second answer would never let such a call through.

import { setTimeout as pause } from 'node:timers/promises';
import { FerryError } from '../model/errors.js';

const REQUEST_ATTEMPTS = 6;
const STREAM_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;
/** A store that asks for fewer requests is left alone for longer. */
const FIRST_PAUSE_WHEN_THROTTLED_MS = 500;

export interface RetryOptions {
  signal?: AbortSignal | undefined;
  /** Throws where it must not be sent any more, however often it was sent before. */
  beforeRequest?: (() => void) | undefined;
  /** A failure that answers the question: not asked again. */
  expected?: FerryError['code'] | undefined;
  /** Asked once, when nothing else helps: whether the same request may succeed now. May throw a better reason. */
  cure?: (failure: unknown) => Promise<boolean>;
}

/** `request` must be safe to send twice, and must throw FerryErrors. */
export async function retried<T>(request: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { signal, beforeRequest, expected, cure } = options;
  let isCured = false;
  for (let failures = 0; ;) {
    signal?.throwIfAborted();
    beforeRequest?.();
    try {
      return await request();
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      if (error instanceof FerryError && error.code === expected) throw error;
      if (isRetryable(error) && failures < REQUEST_ATTEMPTS) {
        await pauseAfter(error, failures, signal);
      } else if (!isCured && (await cure?.(error))) {
        isCured = true;
        failures = 0;
      } else throw error;
    }
  }
}

/**
 * A stream that is opened again where it stopped. `open` gives what begins at that byte, throws when it ends early, and
 * makes sure that it is still the same object. Gives up when five attempts in a row brought no byte.
 */
export async function* resumed(
  from: number,
  open: (at: number) => AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let at = from;
  for (let failures = 0; ;) {
    try {
      for await (const chunk of open(at)) {
        failures = 0;
        at += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      if (!isRetryable(error) || failures === STREAM_ATTEMPTS) throw error;
      await pauseAfter(error, failures, signal);
    }
  }
}

function isRetryable(error: unknown): error is FerryError {
  return error instanceof FerryError && error.retryable;
}

/** Twice as long each time, and never at the same moment as others that failed together. */
async function pauseAfter(error: FerryError, failures: number, signal?: AbortSignal): Promise<void> {
  const first = error.code === 'StoreThrottled' ? FIRST_PAUSE_WHEN_THROTTLED_MS : FIRST_PAUSE_MS;
  const pauseMs = first * 2 ** (failures - 1) * (0.5 + Math.random() / 2);
  await pause(pauseMs, undefined, signal === undefined ? {} : { signal });
}
