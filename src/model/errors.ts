// An error with a code of the catalogue, and what a code says of itself.

import { catalogue, type ErrorCode } from './error-catalogue.js';
import type { ErrorEntry } from './job-errors.js';

export type { ErrorCode };

type Trait = 'isFinal' | 'isOfCluster' | 'isCuredByKeys' | 'isDifference';

/** Also of a code that came out of a history: one that this version does not know has no traits. */
export function hasTrait(code: string, trait: Trait): boolean {
  if (!isErrorCode(code)) return false;
  const entry: ErrorEntry = catalogue[code];
  return entry[trait] === true;
}

/** The message of an error as it reads while the job waits: there `retry` continues, and no job is to be started again. */
export function whileParked(code: string, message: string): string {
  if (!isErrorCode(code)) return message;
  const { remedy, remedyWhileParked = remedy }: ErrorEntry = catalogue[code];
  return message.replace(remedy, remedyWhileParked);
}

export type ErrorContext = Readonly<Record<string, string | number | undefined>>;

export interface FerryErrorOptions {
  cause?: unknown;
  context?: ErrorContext;
  /** The catalogue's answer unless the adapter knows better. */
  retryable?: boolean;
  /** What the server asked us to wait, in milliseconds. */
  retryAfterMs?: number;
  /** What to do, where the catalogue's answer would not fit the case. */
  remedy?: string;
}

/** A failure with a code of the catalogue. The message says what happened, then what to do, then `[key=value, …]`. */
export class FerryError extends Error {
  readonly code: ErrorCode;
  /** What happened, without the remedy and the context. */
  readonly happened: string;
  readonly retryable: boolean;
  readonly context: ErrorContext;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, happened: string, options: FerryErrorOptions = {}) {
    const context = options.context ?? {};
    super(sentence(happened, options.remedy ?? catalogue[code].remedy, context), { cause: options.cause });
    this.name = code;
    this.code = code;
    this.happened = happened;
    this.retryable = options.retryable ?? catalogue[code].retryable;
    this.context = context;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * A call was sent, and Qdrant's answer was lost: a broken connection, silence, or a proxy's page came instead. The node may
 * still be carrying it out.
 */
export class LostAnswer extends FerryError {}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(catalogue, value);
}

function sentence(happened: string, remedy: string, context: ErrorContext): string {
  const known = Object.entries(context).filter(([, value]) => value !== undefined);
  const where = known.map(([key, value]) => `${key}=${value}`).join(', ');
  const stop = /[.!?]$/.test(happened) ? '' : '.';
  return `${happened}${stop} ${remedy}${where ? ` [${where}]` : ''}`;
}
