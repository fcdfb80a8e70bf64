// Which checks a command makes: one for each policy of ferry.yaml, with its limits, and one for what no policy covers, with
// the flags' or the defaults. A limit that is given as a flag applies to all.

import type { checkOptionsSchema, checkBackupsSchema } from '../../model/contracts/check-activities.js';
import { FerryError } from '../../model/errors.js';
import { requireCluster, type FerryConfig } from '../../model/ferry-config.js';
import type { Policy } from '../../model/policies/policy-schema.js';
import { effectivePolicy } from '../../model/policies/presets.js';
import type * as z from 'zod';

export type CheckInput = z.input<typeof checkBackupsSchema>;

export interface AskedCheck {
  /** As flags. */
  options: z.input<typeof checkOptionsSchema>;
  clusters?: string[] | undefined;
  policy?: string | undefined;
}

type Config = Pick<FerryConfig, 'clusters' | 'policies' | 'defaults'>;

export function plannedChecks(config: Config, asked: AskedCheck): CheckInput[] {
  for (const cluster of asked.clusters ?? []) requireCluster(config, cluster);
  const policies = policiesMeant(config, asked);
  const ofPolicies = policies.flatMap(([name, policy]) => checkOf(name, policy, asked));
  return asked.policy === undefined ? [...ofPolicies, ...ofTheRest(config, policies, asked)] : ofPolicies;
}

type Named = [name: string, policy: Policy];

function policiesMeant({ policies, defaults }: Config, { policy, options }: AskedCheck): Named[] {
  const all = Object.entries(policies);
  if (policy !== undefined && !Object.hasOwn(policies, policy)) {
    const known = all.map(([name]) => name).join(', ') || 'none';
    throw new FerryError('UnknownAlias', `There is no policy "${policy}" in ferry.yaml; it has: ${known}`);
  }
  const store = options.store ?? defaults.store;
  const isMeant = ([name, one]: Named) =>
    (policy ?? name) === name && (options.store === undefined || (one.store ?? defaults.store) === store);
  return all.filter(isMeant);
}

function checkOf(name: string, policy: Policy, { options, clusters }: AskedCheck): CheckInput[] {
  const meant = policy.clusters.filter((cluster) => clusters?.includes(cluster) ?? true);
  if (meant.length === 0) return [];
  const { store, collections, exclude, maxProofAgeDays, maxRehearsalAgeDays } = policy;
  const { maxAgeHours } = effectivePolicy(policy);
  const limits = given({ store, collections, exclude, maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays });
  return [{ policy: name, clusters: meant, ...limits, ...options }];
}

/** Scratch clusters hold nothing that is to be kept. */
function ofTheRest(
  config: Config,
  policies: readonly Named[],
  { options, clusters }: AskedCheck,
): CheckInput[] {
  const scratch = policies.flatMap(([, { rehearse }]) => (rehearse ? [rehearse.cluster] : []));
  const all = clusters ?? Object.keys(config.clusters).filter((cluster) => !scratch.includes(cluster));
  const whole: string[] = [];
  const parts: CheckInput[] = [];
  for (const cluster of all) {
    const covering = policies.filter(([, policy]) => policy.clusters.includes(cluster));
    if (covering.some(([, policy]) => policy.collections === undefined)) continue;
    const exclude = covering.flatMap(([, { collections = [], exclude: left = [] }]) => [
      ...collections,
      ...left,
    ]);
    if (exclude.length === 0) whole.push(cluster);
    else parts.push({ clusters: [cluster], exclude: [...new Set(exclude)], ...options });
  }
  return [...(whole.length > 0 ? [{ clusters: whole.sort(), ...options }] : []), ...parts];
}

function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
