// From a seed to rounds. A round has random numbers of its own, so that it stays what it is when others are left out.

import { seededRandom, type SeededRandom } from '../../demo/seeded-random.js';
import { faults, NO_FAULT, type Fault } from './faults.js';
import { jobs, type ChaosJob } from './jobs.js';

export interface RoundPlan {
  round: number;
  job: ChaosJob;
  fault: Fault;
  /** Of the fault, counted from when the first shard or slice is under way; from the command's start when `isEarly`. */
  afterMs: number;
  isEarly: boolean;
}

export interface ChaosOptions {
  rounds: number;
  seed: number;
  /** Parts of names; empty for all. */
  job: string;
  fault: string;
}

const LATEST_EARLY_MS = 1_500;

export function planRounds({ rounds, seed, job, fault }: ChaosOptions): RoundPlan[] {
  const random = seededRandom(seed);
  const chosen = jobs.filter(({ name }) => name.includes(job));
  const kinds = Object.keys(faults).filter((name) => name.includes(fault));
  return Array.from({ length: rounds }, (_, at) => {
    const own = seededRandom(random.below(2 ** 32));
    if (fault === 'nothing') return planOf(at + 1, own, chosen[at % chosen.length], NO_FAULT);
    const kind = faults[own.pick(kinds)];
    const fitting = chosen.filter((one) => kind?.appliesTo(one));
    if (kind === undefined || fitting.length === 0) throw new Error('no job or fault has such a name');
    // No kind of job comes more often because it can go more ways.
    const jobKind = own.pick([...new Set(fitting.map((one) => one.kind))]);
    const picked = own.pick(fitting.filter((one) => one.kind === jobKind));
    return planOf(at + 1, own, picked, kind.draw(own, picked));
  });
}

function planOf(round: number, random: SeededRandom, job: ChaosJob | undefined, fault: Fault): RoundPlan {
  if (job === undefined) throw new Error('no job has such a name');
  const isEarly = fault.atOnce ?? random.below(10) === 0;
  const afterMs = fault.atOnce ? 0 : random.below(isEarly ? LATEST_EARLY_MS : job.spanMs);
  return { round, job, fault, afterMs, isEarly };
}

export function textOf({ job, fault, afterMs, isEarly }: RoundPlan): string {
  const when = fault.atOnce
    ? ''
    : `, ${(afterMs / 1_000).toFixed(1)} s after ${isEarly ? 'its start' : 'work began'}`;
  return `${job.name}: ${fault.text}${fault.crawls ? ', slow from then on' : ''}${when}`;
}
