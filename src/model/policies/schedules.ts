// From a policy to the schedules that carry it out: one for each of its clusters and jobs. A schedule starts one of the
// workflows with the input that a person would write for it.

import { KEEP_RULES } from '../contracts/prune-activities.js';
import { scheduleId } from '../names.js';
import type { Policy } from './policy-schema.js';
import { effectivePolicy, type EffectivePolicy } from './presets.js';
import { parseDuration, type Times } from './times.js';

export const POLICY_JOBS = ['full', 'incremental', 'prove', 'rehearse', 'check', 'prune'] as const;
export type PolicyJob = (typeof POLICY_JOBS)[number];

const CATCH_UP_SECONDS = 3_600;

export interface PolicySchedule {
  scheduleId: string;
  policy: string;
  cluster: string;
  job: PolicyJob;
  /** As ferry.yaml has it. */
  definition: Policy;
  times: Times;
  timezone: string;
  jitterSeconds: number;
  catchUpSeconds: number;
  workflow: string;
  input: Record<string, unknown>;
}

export interface PolicyPlan {
  schedules: PolicySchedule[];
  /** What of a policy cannot be carried out, and why. */
  notes: string[];
}

export function schedulesOf(policies: Readonly<Record<string, Policy>>): PolicyPlan {
  const plan: PolicyPlan = { schedules: [], notes: [] };
  for (const [name, policy] of Object.entries(policies)) {
    const effective = effectivePolicy(policy);
    if (effective.lacksScratch)
      plan.notes.push(
        `${name}: no proof and no rehearsal, because no scratch cluster is named. Set \`rehearse.cluster\`, or \`rehearse: false\`.`,
      );
    plan.notes.push(...idleFields(name, policy, effective));
    for (const cluster of policy.clusters)
      for (const job of POLICY_JOBS) {
        const found = actionOf(job, { name, policy, effective, cluster });
        if (found) plan.schedules.push({ ...frameOf({ name, policy, cluster, job }), ...found });
      }
  }
  return plan;
}

const OF_CHECK = ['notify', 'maxAgeHours', 'maxProofAgeDays', 'maxRehearsalAgeDays'] as const;

/** Fields of a job that the policy does not have, though whoever wrote them counts on it. `false` is meant. */
function idleFields(name: string, policy: Policy, { check, prune }: EffectivePolicy): string[] {
  const fieldsIn = (fields: readonly (keyof Policy)[]) =>
    fields.filter((field) => policy[field] !== undefined).map((field) => `\`${field}\``);
  const kept = prune || policy.prune === false ? [] : fieldsIn(KEEP_RULES);
  const judged = check || policy.check === false ? [] : fieldsIn(OF_CHECK);
  const text = (fields: string[], job: string, lost: string, times: string) =>
    `${name}: ${fields.join(', ')} without effect, because the policy has no \`${job}\`: ${lost}. Set \`${job}\`, for example to \`${times}\`.`;
  return [
    ...(kept.length > 0 ? [text(kept, 'prune', 'no backup is removed', 'daily 05:00')] : []),
    ...(judged.length > 0
      ? [text(judged, 'check', 'nothing is checked, and nobody is told', 'hourly :30')]
      : []),
  ];
}

type Action = Pick<PolicySchedule, 'times' | 'workflow' | 'input'>;

interface Asked {
  name: string;
  policy: Policy;
  effective: EffectivePolicy;
  cluster: string;
}

function frameOf({
  name,
  policy,
  cluster,
  job,
}: Pick<Asked, 'name' | 'policy' | 'cluster'> & { job: PolicyJob }) {
  return {
    scheduleId: scheduleId(name, cluster, job),
    ...{ policy: name, cluster, job, definition: policy },
    timezone: policy.timezone ?? 'UTC',
    jitterSeconds: parseDuration(policy.jitter ?? '0s') ?? 0,
    catchUpSeconds: parseDuration(policy.catchUp ?? '') ?? CATCH_UP_SECONDS,
  };
}

/** Undefined where the policy does not do it. */
function actionOf(job: PolicyJob, asked: Asked): Action | undefined {
  const { effective } = asked;
  switch (job) {
    case 'full':
      return effective.full && { times: effective.full, ...fullBackup(asked) };
    case 'incremental':
      return effective.incremental && { times: effective.incremental.every, ...incrementalBackup(asked) };
    case 'prove':
      return effective.prove && { times: effective.prove, ...rehearsal(asked, { onlyUnproven: true }) };
    case 'rehearse':
      return effective.rehearse && { times: effective.rehearse, ...rehearsal(asked) };
    case 'check':
      return effective.check && { times: effective.check, ...check(asked) };
    case 'prune':
      return effective.prune && { times: effective.prune, ...prune(asked) };
  }
}

/** A scheduled job waits for no operator: a parked one would hold up every run that follows it. */
const UNATTENDED = { onFailure: 'fail' } as const;
/** A name that the cluster lacks is a failure of its own, and the others are backed up. */
const GOES_ON = { onMissing: 'continue' } as const;

function fullBackup({ policy, cluster, effective }: Asked): Omit<Action, 'times'> {
  // So that the increments continue it.
  const index = effective.incremental === undefined ? {} : { index: true };
  const input = { cluster, ...selectionOf(policy), ...index, ...GOES_ON, ...UNATTENDED, onBusy: 'wait' };
  return { workflow: 'fullBackup', input };
}

function incrementalBackup({ policy, cluster, effective }: Asked): Omit<Action, 'times'> {
  const { every: _every, ...detection } = effective.incremental ?? {};
  const input = { cluster, ...selectionOf(policy), ...detection, ...GOES_ON, ...UNATTENDED, onBusy: 'skip' };
  return { workflow: 'incrementalBackup', input };
}

function rehearsal(
  { policy, cluster, effective }: Asked,
  which: { onlyUnproven?: true } = {},
): Omit<Action, 'times'> {
  const { scratch, sample } = effective;
  const input = { scratch, cluster, ...selectionOf(policy), ...which, ...given({ sample }), ...UNATTENDED };
  return { workflow: 'rehearseRecovery', input };
}

function check({ name, policy, cluster, effective }: Asked): Omit<Action, 'times'> {
  const { maxProofAgeDays, maxRehearsalAgeDays, notify } = policy;
  const limits = { maxAgeHours: effective.maxAgeHours, maxProofAgeDays, maxRehearsalAgeDays, notify };
  const input = { policy: name, clusters: [cluster], ...selectionOf(policy), ...given(limits) };
  return { workflow: 'checkBackups', input };
}

function prune({ policy, cluster, effective }: Asked): Omit<Action, 'times'> {
  const { timezone } = policy;
  const input = { cluster, ...selectionOf(policy), ...effective.keep, ...given({ timezone }) };
  return { workflow: 'pruneBackups', input };
}

function selectionOf({ store, collections, exclude }: Policy) {
  return given({ store, collections, exclude });
}

function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
