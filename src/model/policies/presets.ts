// What a policy does, with its preset filled in. A field of the policy overrides the preset's; false switches a job off.

import type { Policy } from './policy-schema.js';
import { KEEP_RULES } from '../contracts/prune-activities.js';
import { timesInterval } from './times-interval.js';
import { parseTimes, type Times } from './times.js';

export const PRESETS = ['development', 'test', 'production'] as const;

type PresetFields = Pick<Policy, 'full' | 'incremental' | 'prove' | 'check' | 'prune' | 'keepDays'> & {
  rehearseEvery?: string;
};

/** The checks come half an hour after the increments, the proof and the removal after the night's full backup. */
const FIELDS: Record<(typeof PRESETS)[number], PresetFields> = {
  development: { full: 'daily 02:00', check: 'daily 08:00', prune: 'daily 05:00', keepDays: 3 },
  test: { full: 'daily 02:00', check: 'daily 08:00', prune: 'daily 05:00', keepDays: 7 },
  production: {
    incremental: 'hourly',
    full: 'daily 02:00',
    prove: 'daily 03:30',
    rehearseEvery: 'weekly sun 04:30',
    check: 'hourly :30',
    prune: 'daily 06:00',
    keepDays: 30,
  },
};

export interface EffectivePolicy {
  full?: Times;
  incremental?: { every: Times } & Omit<Exclude<Policy['incremental'], string | false | undefined>, 'every'>;
  prove?: Times;
  rehearse?: Times;
  check?: Times;
  prune?: Times;
  /** Of rehearsals and proofs. */
  scratch?: string;
  sample?: number;
  /** The preset has a job that needs a scratch cluster, and the policy names none. */
  lacksScratch: boolean;
  keep: Pick<Policy, (typeof KEEP_RULES)[number] | 'minimum'>;
  /** Twice the interval of the most frequent backup, where the policy says nothing and the interval is known. */
  maxAgeHours?: number;
}

export function effectivePolicy(policy: Policy): EffectivePolicy {
  const preset: PresetFields = policy.preset === undefined ? {} : FIELDS[policy.preset];
  const at = (job: 'full' | 'prove' | 'check' | 'prune') => timesOf(policy[job] ?? preset[job]);
  const { rehearse } = policy;
  const scratch = rehearse ? rehearse.cluster : undefined;
  const rehearseEvery = rehearse ? timesOf(rehearse.every ?? preset.rehearseEvery) : undefined;
  const [full, prove, check, prune] = [at('full'), at('prove'), at('check'), at('prune')];
  const incremental = incrementalOf(policy.incremental ?? preset.incremental);
  const needsScratch = rehearse === undefined && (prove ?? preset.rehearseEvery) !== undefined;
  const maxAgeHours = policy.maxAgeHours ?? twiceTheInterval([full, incremental?.every]);
  return {
    ...(full && { full }),
    ...(incremental && { incremental }),
    ...(prove && scratch !== undefined && { prove }),
    ...(rehearseEvery && { rehearse: rehearseEvery }),
    ...(rehearse && sampleOf(rehearse)),
    ...(check && { check }),
    ...(prune && { prune }),
    ...(scratch === undefined ? {} : { scratch }),
    lacksScratch: needsScratch,
    keep: keepOf(policy, preset),
    ...(maxAgeHours === undefined ? {} : { maxAgeHours }),
  };
}

function timesOf(text: string | false | undefined): Times | undefined {
  return text === undefined || text === false ? undefined : parseTimes(text);
}

function incrementalOf(written: Policy['incremental']): EffectivePolicy['incremental'] {
  if (written === undefined || written === false) return undefined;
  const { every: text, ...rest } = typeof written === 'string' ? { every: written } : written;
  const every = timesOf(text);
  return every && { every, ...rest };
}

function sampleOf({ sample }: { sample?: number | undefined }): { sample?: number } {
  return sample === undefined ? {} : { sample };
}

/** Rules add up: one of the policy's own keeps more, and only `keepDays` replaces that of the preset. */
function keepOf(policy: Policy, { keepDays }: PresetFields): EffectivePolicy['keep'] {
  const own = [...KEEP_RULES, 'minimum' as const].filter((rule) => policy[rule] !== undefined);
  return {
    ...(keepDays === undefined ? {} : { keepDays }),
    ...Object.fromEntries(own.map((rule) => [rule, policy[rule]])),
  };
}

function twiceTheInterval(backups: (Times | undefined)[]): number | undefined {
  const known = backups.flatMap((one) => (one && timesInterval(one)) ?? []);
  return known.length === 0 ? undefined : (2 * Math.min(...known)) / 3_600;
}
