// What both kinds of job make of their input. Promises a FerryError for what cannot be meant; the schemas themselves
// are the model's.

import type { Pace } from '../../model/state/steering.js';
import { FerryError } from '../../model/errors.js';
import { newJobProgress } from '../../model/state/job-report.js';
import type { JobState } from '../runtime/fan-out.js';

/** After a continue-as-new the workflow's own state stands beside what was written. */
export function splitCarried<State>(input: unknown): { carried: State | undefined; written: unknown } {
  if (typeof input !== 'object' || input === null || !('carried' in input)) {
    return { carried: undefined, written: input };
  }
  const { carried, ...written } = input;
  return { carried: carried as State, written };
}

export function openState(input: LoosePace, carried: JobState | undefined): JobState {
  if (carried) return carried;
  const startedAt = new Date().toISOString();
  return { ...newJobProgress(startedAt), seen: 0, paused: false, pace: paceOf(input) };
}

export interface LoosePace {
  maxPointsPerSecond?: number | undefined;
  maxMegabytesPerSecond?: number | undefined;
}

export function paceOf({ maxPointsPerSecond, maxMegabytesPerSecond }: LoosePace): Pace {
  return {
    ...(maxPointsPerSecond === undefined ? {} : { maxPointsPerSecond }),
    ...(maxMegabytesPerSecond === undefined ? {} : { maxMegabytesPerSecond }),
  };
}

export interface Naming {
  collections?: string[] | undefined;
  as?: string | Record<string, string> | undefined;
}

/** `as` names each collection by what the user called it; a plain string is for the only collection of the job. */
export function namesOnTarget({ as, collections }: Naming): Record<string, string> | undefined {
  if (typeof as !== 'string') return as;
  const only = collections?.length === 1 ? collections[0] : undefined;
  if (only === undefined) {
    const why = '`as` is one name, so `collections` must be exactly one; name several as {"docs": "docs-2"}';
    throw new FerryError('InvalidInput', why);
  }
  return { [only]: as };
}

export function omit<T extends object, K extends keyof T>(from: T, ...keys: K[]): Omit<T, K> {
  const rest = { ...from };
  for (const key of keys) delete rest[key];
  return rest;
}
