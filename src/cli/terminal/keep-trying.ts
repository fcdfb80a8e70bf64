// Calls to Temporal that are repeated while the server is unavailable, and the frame of the short commands around them.

import { WorkflowNotFoundError, isGrpcServiceError } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfigIfAny } from '../../config.js';
import { FerryError } from '../../model/errors.js';
import type { FerryConfig } from '../../model/ferry-config.js';
import { type Temporal, openTemporal } from '../temporal.js';
import { EXIT } from './exit-codes.js';
import { stopOnInterrupt, type GlobalOptions, type Output } from './output.js';

// gRPC's own numbers.
const CODE = {
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  aborted: 10,
  unavailable: 14,
  unauthenticated: 16,
} as const;
const UNAVAILABLE: readonly number[] = [
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

/** For who waits for a server that is not the one meant. */
export const WHERE_TEMPORAL_IS = 'Its address is TEMPORAL_ADDRESS, else `temporal.address` in ferry.yaml.';

export interface Patience {
  address: string;
  signal: AbortSignal;
  say: (line: string) => void;
  /** What follows "Temporal at … is unavailable (…)." */
  meanwhile: () => string;
}

/** Asks until there is an answer from the server, good or bad. */
export async function keepTrying<T>(patience: Patience, ask: () => Promise<T>): Promise<T> {
  let unavailableSince: number | undefined;
  let said = false;
  let why = '';
  for (;;) {
    if (patience.signal.aborted) throw new StoppedWatching();
    try {
      const answer = await ask();
      if (said) patience.say(`Temporal at ${patience.address} is available again.`);
      return answer;
    } catch (error) {
      if (patience.signal.aborted) throw new StoppedWatching();
      if (!isUnavailable(error)) throw refusal(error, patience.address);
      why = reasonOf(error);
    }
    unavailableSince ??= Date.now();
    if (!said && Date.now() - unavailableSince >= QUIET_MS) {
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

export function isUnavailable(error: unknown): boolean {
  const code = grpcCode(error);
  return code !== undefined && UNAVAILABLE.includes(code);
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
  const why = code === CODE.permissionDenied ? 'denies access' : 'does not accept the credentials';
  return new FerryError('TemporalRefused', `Temporal ${why}`, { cause: error, context: { address } });
}

export interface Asking {
  temporal: Temporal;
  config: FerryConfig | undefined;
  /** Asks until the server answers; "not found" becomes `JobNotFound`. */
  ask<T>(question: () => Promise<T>, about?: string): Promise<T>;
}

export async function asking(
  options: GlobalOptions,
  output: Output,
  work: (asking: Asking) => Promise<number>,
): Promise<number> {
  const config = configIfAny(options, output);
  const temporal = openTemporal(config);
  const stop = stopOnInterrupt();
  const patience = {
    address: temporal.address,
    signal: stop.signal,
    say: (line: string) => output.say(line),
    meanwhile: () => `Retrying; Ctrl-C stops. ${WHERE_TEMPORAL_IS}`,
  };
  try {
    return await work({
      temporal,
      config,
      ask: (question, about) =>
        keepTrying(patience, () => temporal.call(question)).catch((error: unknown) => {
          throw error instanceof WorkflowNotFoundError ? notFound(about ?? error.workflowId, error) : error;
        }),
    });
  } catch (error) {
    if (!(error instanceof StoppedWatching)) throw error;
    output.result({ error: { code: 'Interrupted', message: 'Stopped.' } }, []);
    return EXIT.interrupted;
  } finally {
    stop.release();
    await temporal.close();
  }
}

/** These commands need Temporal only, so they do without a ferry.yaml unless one was named. */
function configIfAny(options: GlobalOptions, output: Output): FerryConfig | undefined {
  const config = loadConfigIfAny(options.config);
  if (config === undefined)
    output.say(
      'No ferry.yaml found; using the Temporal server of the environment (127.0.0.1:7233 if it names none).',
    );
  return config;
}

function notFound(workflowId: string, cause: unknown): FerryError {
  return new FerryError('JobNotFound', `No job has the id ${workflowId}`, { cause });
}
