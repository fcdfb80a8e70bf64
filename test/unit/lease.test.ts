// When an attempt may still write: the lease, with Temporal's answers and the clock in the test's hands.

import { CancelledFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { elapsedClock } from '../../src/activities/elapsed-clock.js';
import { Lease, type Renewal } from '../../src/activities/lease.js';

const TIMEOUT = 30_000;
const KNOWN: Renewal = { isKnown: true, isCancelRequested: false };

type Answer = Renewal | 'silence';

let answer: Answer;
let sent: unknown[];
let cancellation: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  answer = KNOWN;
  sent = [];
  cancellation = new AbortController();
});
afterEach(() => vi.useRealTimers());

function leaseOf(more: Partial<ConstructorParameters<typeof Lease>[0]> = {}): Lease {
  return new Lease({
    heartbeatTimeoutMs: TIMEOUT,
    startToCloseTimeoutMs: 3_600_000,
    details: 'from the last attempt',
    renew: async (details) => {
      sent.push(details);
      if (answer === 'silence') throw new Error('no route');
      return answer;
    },
    beat: () => undefined,
    cancellation: cancellation.signal,
    elapsed: () => Date.now(),
    ...more,
  });
}

async function opened(more: Partial<ConstructorParameters<typeof Lease>[0]> = {}): Promise<Lease> {
  const lease = leaseOf(more);
  await lease.open();
  return lease;
}

describe('a lease', () => {
  it('begins when Temporal has answered, and keeps what the last attempt left', async () => {
    const lease = leaseOf();
    expect(() => lease.require()).toThrow(/LeaseLost|no longer write/);
    const fresh = await opened();
    expect(() => fresh.require()).not.toThrow();
    expect(sent).toEqual(['from the last attempt']);
    fresh.close();
  });

  it('never begins for a task that Temporal has given to another attempt', async () => {
    answer = { isKnown: false, isCancelRequested: false };
    await expect(leaseOf().open()).rejects.toMatchObject({ code: 'LeaseLost', retryable: true });
  });

  it('is renewed three times in a heartbeat time-out, with the latest details', async () => {
    const lease = await opened();
    lease.heartbeat('now');
    await vi.advanceTimersByTimeAsync(TIMEOUT + 1);
    expect(sent.slice(1)).toEqual(['now', 'now', 'now']);
    lease.close();
  });

  it('ends after 0.8 of the time-out without an answer, and says so at once', async () => {
    const lease = await opened();
    answer = 'silence';
    await vi.advanceTimersByTimeAsync(TIMEOUT * 0.8 - 100);
    expect(lease.signal.aborted).toBe(false);
    expect(() => lease.require()).not.toThrow();
    await vi.advanceTimersByTimeAsync(200);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost' });
    expect(() => lease.require()).toThrow('no longer write');
  });

  it('survives answers that are lost for less than that', async () => {
    const lease = await opened();
    answer = 'silence';
    await vi.advanceTimersByTimeAsync(TIMEOUT * 0.6);
    answer = KNOWN;
    await vi.advanceTimersByTimeAsync(TIMEOUT);
    expect(() => lease.require()).not.toThrow();
    lease.close();
  });

  it('is refused by the clock alone, in a process that was stopped and has run no timer since', async () => {
    let now = 0;
    const lease = await opened({ elapsed: () => now });
    now = TIMEOUT;
    expect(lease.signal.aborted).toBe(false);
    expect(() => lease.require()).toThrow('no longer write');
    expect(lease.signal.aborted).toBe(true);
  });

  it('ends when Temporal no longer knows the attempt', async () => {
    const lease = await opened();
    answer = { isKnown: false, isCancelRequested: false };
    await vi.advanceTimersByTimeAsync(TIMEOUT / 3 + 1);
    expect(lease.signal.reason).toMatchObject({ code: 'LeaseLost' });
  });

  it('is cancelled by an answer, and may still finish what is under way', async () => {
    const lease = await opened();
    answer = { isKnown: true, isCancelRequested: true };
    await vi.advanceTimersByTimeAsync(TIMEOUT / 3 + 1);
    expect(lease.signal.reason).toBeInstanceOf(CancelledFailure);
    expect(() => lease.require()).not.toThrow();
    lease.close();
  });

  it('is over when the SDK says that the attempt has timed out', async () => {
    const lease = await opened();
    cancellation.abort(new CancelledFailure('TIMED_OUT'));
    expect(() => lease.require()).toThrow('no longer write');
  });

  it('ends before the start-to-close time-out, also without heartbeats', async () => {
    const lease = await opened({ heartbeatTimeoutMs: undefined, startToCloseTimeoutMs: 10_000 });
    expect(() => lease.require()).not.toThrow();
    await vi.advanceTimersByTimeAsync(9_100);
    expect(() => lease.require()).toThrow('Temporal has not acknowledged it in time');
  });

  it('remembers only what Temporal has acknowledged', async () => {
    const lease = await opened();
    answer = 'silence';
    let isRemembered = false;
    const remembering = lease.remember({ inFlight: true }).then(() => (isRemembered = true));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(isRemembered).toBe(false);
    answer = KNOWN;
    await vi.advanceTimersByTimeAsync(1_000);
    await remembering;
    expect(sent.at(-1)).toEqual({ inFlight: true });
    lease.close();
  });
});

describe('elapsed time', () => {
  it('counts a suspended machine, and is not moved by a clock that is set back', () => {
    const clocks = { monotonic: 0, wall: 1_000_000 };
    const elapsed = elapsedClock({ monotonic: () => clocks.monotonic, wall: () => clocks.wall });
    clocks.monotonic += 500;
    clocks.wall += 500;
    expect(elapsed()).toBe(500);
    clocks.monotonic += 10;
    clocks.wall += 60_000;
    expect(elapsed()).toBe(60_500);
    clocks.monotonic += 100;
    clocks.wall -= 3_600_000;
    expect(elapsed()).toBe(60_600);
  });
});
