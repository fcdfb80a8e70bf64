import { CompleteAsyncError } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asFailure } from '../../src/activities/failure-interceptor.js';
import { FerryError } from '../../src/model/errors.js';

const running = new AbortController().signal;

function failureOf(error: unknown): ApplicationFailure {
  const failure = asFailure(error, running);
  if (!(failure instanceof ApplicationFailure)) throw new Error('not an ApplicationFailure');
  return failure;
}

describe('the failure of an activity', () => {
  it('carries the code, the context and whether to try again', () => {
    const error = new FerryError('CollectionNotFound', 'There is no "docs"', {
      context: { collection: 'docs' },
    });
    const failure = failureOf(error);
    expect(failure.type).toBe('CollectionNotFound');
    expect(failure.nonRetryable).toBe(true);
    expect(failure.details).toEqual([{ collection: 'docs' }]);
    expect(failure.message).toBe(error.message);
    expect(failure.stack).toContain('failure-interceptor.test');
    expect(failureOf(new FerryError('QdrantUnavailable', 'away')).nonRetryable).toBe(false);
  });

  it('waits as long as the server asked for', () => {
    const failure = failureOf(new FerryError('QdrantThrottled', 'slow down', { retryAfterMs: 1_500 }));
    expect(failure.nextRetryDelay).toBe(1_500);
  });

  it('is the reason of the abort once the activity is aborted, whatever was thrown', () => {
    const stop = new AbortController();
    const reason = new CancelledFailure('PAUSED');
    stop.abort(reason);
    expect(asFailure(new DOMException('This operation was aborted', 'AbortError'), stop.signal)).toBe(reason);
    expect(asFailure(new Error('copy failed', { cause: reason }), stop.signal)).toBe(reason);
  });

  it('stays what it was when it is one of Temporal already', () => {
    for (const own of [
      new CancelledFailure('x'),
      ApplicationFailure.nonRetryable('y'),
      new CompleteAsyncError(),
    ]) {
      expect(asFailure(own, running)).toBe(own);
    }
  });

  it('is Internal and tried again when nobody foresaw it', () => {
    const failure = failureOf(new TypeError('x is not a function'));
    expect([failure.type, failure.nonRetryable]).toEqual(['Internal', false]);
    expect(failure.message).toBe('TypeError: x is not a function');
    expect(failureOf('just a text').message).toBe('just a text');
  });

  it('shows neither signed queries nor passwords of URLs, also not those of its causes', () => {
    const url = 'https://me:pa55@store.example/key?X-Amz-Signature=abc123';
    const failure = failureOf(
      new FerryError('QdrantRejected', `cannot pull ${url}`, {
        cause: new Error('inner', { cause: new Error(url) }),
      }),
    );
    const below = [failure.cause, (failure.cause as Error).cause].map(String).join();
    expect(failure.message).toContain('https://…@store.example/key?…');
    expect(below).toContain('store.example');
    expect(failure.message + below).not.toMatch(/pa55|abc123/);
  });

  it.each(['x', 'http://', 'a://b?'])('is cut where it is too long for a history: %s…', (word) => {
    expect(failureOf(new Error(word.repeat(100_000))).message.length).toBeLessThan(2_100);
  });
});
