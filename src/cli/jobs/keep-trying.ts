// A job lives in Temporal, not in the command: while the server is away the command asks again, says so once, and
// goes on when it is back.

import { isGrpcServiceError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { FerryError } from '../../model/errors.js';

// gRPC's own numbers.
const CODE = {
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  unavailable: 14,
  unauthenticated: 16,
} as const;
const AWAY: readonly number[] = [
  CODE.deadlineExceeded,
  CODE.resourceExhausted,
  CODE.aborted,
  CODE.unavailable,
];
const REFUSED: readonly number[] = [CODE.permissionDenied, CODE.unauthenticated];

const PAUSE_MS = 500;
/** A blip shorter than this is not worth a word. */
const QUIET_MS = 2_000;

/** Ctrl-C while waiting. */
export class StoppedWatching extends Error {
  override readonly name = 'StoppedWatching';
}

export interface Patience {
  address: string;
  signal: AbortSignal;
  say: (line: string) => void;
  /** What follows "Temporal at … is unavailable (…)." */
  meanwhile: () => string;
}

/** Asks until there is an answer from the server, good or bad. */
export async function keepTrying<T>(patience: Patience, ask: () => Promise<T>): Promise<T> {
  let awaySince: number | undefined;
  let said = false;
  let why = '';
  for (;;) {
    if (patience.signal.aborted) throw new StoppedWatching();
    try {
      const answer = await ask();
      if (said) patience.say(`Temporal at ${patience.address} is back.`);
      return answer;
    } catch (error) {
      if (patience.signal.aborted) throw new StoppedWatching();
      if (!isAway(error)) throw refusal(error, patience.address);
      why = reasonOf(error);
    }
    awaySince ??= Date.now();
    if (!said && Date.now() - awaySince >= QUIET_MS) {
      patience.say(`Temporal at ${patience.address} is unavailable (${why}). ${patience.meanwhile()}`);
      said = true;
    }
    await sleep(PAUSE_MS, undefined, { signal: patience.signal }).catch(() => undefined);
  }
}

export function grpcCode(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) if (isGrpcServiceError(at)) return at.code;
  return undefined;
}

export function isAway(error: unknown): boolean {
  const code = grpcCode(error);
  return code !== undefined && AWAY.includes(code);
}

function reasonOf(error: unknown): string {
  if (grpcCode(error) === CODE.deadlineExceeded) return 'no answer in time';
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = /\bE[A-Z_]{5,}\b/.exec(at.message)?.[0];
    if (code !== undefined) return code;
  }
  return 'no connection';
}

function refusal(error: unknown, address: string): unknown {
  const code = grpcCode(error);
  if (code === undefined || !REFUSED.includes(code)) return error;
  const why = code === CODE.permissionDenied ? 'refuses this caller' : 'does not know this caller';
  return new FerryError('TemporalRefused', `Temporal ${why}`, { cause: error, context: { address } });
}
