// The lease of one attempt of an activity: what makes it the only one that may write. Temporal hands work out again when
// an attempt has been silent for its heartbeat time-out, but `heartbeat()` is fire and forget: a worker that lost Temporal
// never learns it. So the lease is renewed by a heartbeat call whose answer is read.
//
//   1. Before the activity begins, one answer is awaited: a task that lay in a frozen process for minutes never starts.
//      Activities that only read begin at once: their lease is renewed like the others, and until the first answer
//      `require` refuses.
//   2. Every third of the heartbeat time-out it is renewed, with the details that the next attempt resumes from.
//   3. It is lost when Temporal no longer knows the attempt, or when no answer is younger than 0.8 of the time-out. Then
//      `signal` is aborted, and `require` throws, also in a process that was stopped and has not run a timer since.
//   4. Whatever cannot be undone calls `require` first: leased-ports.ts puts that around every port.
//
// What it does not prevent: a request that was sent in full while the lease was fresh may be carried out later by its
// receiver. docs/decisions/0013-lease.md says how long, and why that is harmless.

import { setMaxListeners } from 'node:events';
import { Context } from '@temporalio/activity';
import { CancelledFailure, defaultPayloadConverter, toPayloads } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { startsBeforeItsLease } from '../model/contracts/activity-options.js';
import { FerryError } from '../model/errors.js';
import { elapsedClock } from './elapsed-clock.js';

/** Of the heartbeat time-out: how old the last answer may be. */
const FRESH_SHARE = 0.8;
const RENEWALS_PER_TIMEOUT = 3;
/** Of the start-to-close time-out: beyond it, nothing is begun that Temporal would no longer wait for. */
const DEADLINE_SHARE = 0.9;
const CALL_TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = 500;

/** What Temporal says to a heartbeat. */
export interface Renewal {
  /** False when the attempt is over for Temporal: timed out, or its workflow has ended. */
  isKnown: boolean;
  isCancelRequested: boolean;
}

export interface LeaseTerms {
  /** Absent: no heartbeats, only the deadline counts. */
  heartbeatTimeoutMs?: number | undefined;
  startToCloseTimeoutMs: number;
  /** Resumed from: kept until the activity has details of its own. */
  details: unknown;
  renew(details: unknown, timeoutMs: number): Promise<Renewal>;
  /** The SDK's own heartbeat, without which it takes the activity for dead. */
  beat(details: unknown): void;
  /** How the SDK ends the attempt. */
  cancellation: AbortSignal;
  elapsed?: () => number;
}

export class Lease {
  /** Aborted when the attempt is to end, whoever says so. Its reason is what the activity must throw. */
  readonly signal: AbortSignal;
  readonly #terms: LeaseTerms;
  readonly #elapsed: () => number;
  readonly #deadline: number;
  readonly #own = new AbortController();
  #freshUntil: number;
  #details: unknown;
  #lost: FerryError | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
    this.#elapsed = terms.elapsed ?? elapsedClock();
    this.#details = terms.details;
    this.#deadline = this.#elapsed() + terms.startToCloseTimeoutMs * DEADLINE_SHARE;
    this.#freshUntil = terms.heartbeatTimeoutMs === undefined ? this.#deadline : -Infinity;
    this.signal = AbortSignal.any([terms.cancellation, this.#own.signal]);
    // As in attempt.ts: many streams under one signal are no leak.
    setMaxListeners(0, this.signal);
  }

  /** Resolves when Temporal has said that this attempt is the one. */
  async open(): Promise<void> {
    const { heartbeatTimeoutMs } = this.#terms;
    if (heartbeatTimeoutMs === undefined) return;
    const until = this.#elapsed() + heartbeatTimeoutMs * FRESH_SHARE;
    while (!(await this.#renew())) {
      this.#throwIfLost();
      if (this.#elapsed() > until) throw this.#lose('Temporal did not answer');
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
    this.#throwIfLost();
    this.#renewLater(heartbeatTimeoutMs / RENEWALS_PER_TIMEOUT);
  }

  /** Without the answer: for what only reads. */
  openToRead(): void {
    const { heartbeatTimeoutMs } = this.#terms;
    if (heartbeatTimeoutMs !== undefined) this.#renewLater(heartbeatTimeoutMs / RENEWALS_PER_TIMEOUT);
  }

  close(): void {
    clearTimeout(this.#renewal);
    clearTimeout(this.#expiry);
  }

  /** Throws `LeaseLost` unless this attempt is still the one that may write. */
  require(): void {
    this.#throwIfLost();
    if (isOver(this.#terms.cancellation)) throw this.#lose('Temporal has ended this attempt');
    const now = this.#elapsed();
    if (now > this.#deadline) throw this.#lose('Temporal has not acknowledged it in time');
    if (now > this.#freshUntil) throw this.#lose('Temporal has not answered for too long');
  }

  /** Fire and forget: for progress. */
  heartbeat(details: unknown): void {
    this.#details = details;
    this.#terms.beat(details);
  }

  /** Resolves when Temporal has stored it: for what the next attempt must know. */
  async remember(details: unknown): Promise<void> {
    this.heartbeat(details);
    if (this.#terms.heartbeatTimeoutMs === undefined) return;
    while (!(await this.#renew())) {
      this.require();
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
    }
    this.require();
  }

  #renewLater(afterMs: number): void {
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#renewAgain(), afterMs);
  }

  async #renewAgain(): Promise<void> {
    const every = (this.#terms.heartbeatTimeoutMs ?? Infinity) / RENEWALS_PER_TIMEOUT;
    this.#terms.beat(this.#details);
    const answered = await this.#renew();
    if (this.#lost === undefined) this.#renewLater(answered ? every : Math.min(every, RETRY_AFTER_MS));
  }

  /** False when nobody answered. */
  async #renew(): Promise<boolean> {
    const { heartbeatTimeoutMs = CALL_TIMEOUT_MS } = this.#terms;
    const sent = this.#elapsed();
    let answer: Renewal;
    try {
      const timeoutMs = Math.min(CALL_TIMEOUT_MS, heartbeatTimeoutMs / RENEWALS_PER_TIMEOUT);
      answer = await this.#terms.renew(this.#details, Math.max(500, timeoutMs));
    } catch {
      return false;
    }
    if (!answer.isKnown) this.#lose('Temporal has handed the work to another attempt, or ended it');
    else this.#freshTo(sent + heartbeatTimeoutMs * FRESH_SHARE);
    if (answer.isCancelRequested) this.#own.abort(new CancelledFailure('CANCELLED'));
    return true;
  }

  #freshTo(until: number): void {
    this.#freshUntil = Math.min(this.#deadline, Math.max(this.#freshUntil, until));
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.#expire(), Math.max(0, this.#freshUntil - this.#elapsed()) + 1);
  }

  #expire(): void {
    if (this.#elapsed() <= this.#freshUntil) this.#freshTo(this.#freshUntil);
    else this.#lose('Temporal has not answered for too long');
  }

  #throwIfLost(): void {
    if (this.#lost !== undefined) throw this.#lost;
  }

  #lose(why: string): FerryError {
    this.#lost ??= new FerryError('LeaseLost', `This attempt may no longer write: ${why}`);
    this.close();
    this.#own.abort(this.#lost);
    return this.#lost;
  }
}

/** Reasons with which the SDK ends an attempt that Temporal no longer counts on. */
const OVER = ['NOT_FOUND', 'TIMED_OUT'];

function isOver({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Error && OVER.includes(reason.message);
}

const leases = new WeakMap<Context, Lease>();

/** Puts every activity of a worker under a lease. Inside of failure-interceptor.ts, which converts what it throws. */
export const leaseInterceptor: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute: (input, next) =>
      underLease(context, async (lease) => {
        try {
          return await next(input);
        } catch (error) {
          // Whatever was interrupted has an error of its own; what counts is why it was.
          throw lease.signal.aborted ? lease.signal.reason : error;
        }
      }),
  },
});

/** `currentLease` finds the lease. */
export async function underLease<T>(context: Context, activity: (lease: Lease) => Promise<T>): Promise<T> {
  const lease = new Lease(termsOf(context));
  leases.set(context, lease);
  try {
    if (startsBeforeItsLease(context.info.activityType)) lease.openToRead();
    else await lease.open();
    return await activity(lease);
  } finally {
    lease.close();
  }
}

/** Undefined outside of a worker, as in a test that calls an activity directly. */
export function currentLease(): Lease | undefined {
  return leases.get(Context.current());
}

/** When the attempt is to end. */
export function attemptSignal(): AbortSignal {
  return currentLease()?.signal ?? Context.current().cancellationSignal;
}

export function heartbeat(details: unknown): void {
  const lease = currentLease();
  if (lease) lease.heartbeat(details);
  else Context.current().heartbeat(details);
}

/** Resolves when the next attempt is sure to find it. */
export async function remember(details: unknown): Promise<void> {
  const lease = currentLease();
  if (lease) await lease.remember(details);
  else Context.current().heartbeat(details);
}

function termsOf(context: Context): LeaseTerms {
  const { heartbeatTimeoutMs, startToCloseTimeoutMs, heartbeatDetails } = context.info;
  return {
    heartbeatTimeoutMs: heartbeatTimeoutMs === 0 ? undefined : heartbeatTimeoutMs,
    startToCloseTimeoutMs: startToCloseTimeoutMs || Infinity,
    details: heartbeatDetails,
    renew: (details, timeoutMs) => renewAt(context, details, timeoutMs),
    beat: (details) => context.heartbeat(details),
    cancellation: context.cancellationSignal,
  };
}

/** gRPC status. */
const NOT_FOUND = 5;

async function renewAt({ client, info }: Context, details: unknown, timeoutMs: number): Promise<Renewal> {
  const request = {
    namespace: info.namespace,
    taskToken: info.taskToken,
    details: { payloads: toPayloads(defaultPayloadConverter, details) ?? [] },
  };
  try {
    const { cancelRequested } = await client.withDeadline(Date.now() + timeoutMs, () =>
      client.workflowService.recordActivityTaskHeartbeat(request),
    );
    return { isKnown: true, isCancelRequested: cancelRequested === true };
  } catch (error) {
    if ((error as { code?: unknown }).code === NOT_FOUND) return { isKnown: false, isCancelRequested: false };
    throw error;
  }
}
