// A policy as ferry.yaml says it: which collections of which clusters are protected, when, and for how long. Messages name
// the field and never repeat a value.

import * as z from 'zod';
import { detection } from '../contracts/backup-inputs.js';
import { collectionName, faultText } from '../contracts/inputs.js';
import { KEEP_RULES, keepFields } from '../contracts/prune-activities.js';
import { effectivePolicy, PRESETS } from './presets.js';
import { comesDue } from './times-interval.js';
import { parseDuration, parseTimes, TIMES_FORMS } from './times.js';

const FIRST_YEAR = new Date('2000-01-01T00:00:00Z');

const alias = z.string().min(1).max(64);
const times = z
  .string()
  .max(200)
  .refine((text) => parseTimes(text) !== undefined, { error: `must be ${TIMES_FORMS}`, abort: true })
  .refine(isEverDue, { error: 'never comes due: none of its months has such a day, in none of its years' });
const timesOrNot = z.union([times, z.literal(false)], { error: `must be ${TIMES_FORMS}, or false` });
const duration = z.string().refine((text) => parseDuration(text) !== undefined, {
  error: 'must be a number and a unit, like "90s", "15m", "6h" or "2d"',
});
/** Ever, from the first year that Temporal knows: a year that is over must not stop a worker that reads the file. */
function isEverDue(text: string): boolean {
  const times = parseTimes(text);
  return times === undefined || comesDue(times, FIRST_YEAR);
}

const patterns = z.array(collectionName).min(1).max(1_000);
const days = z.number().positive().max(3_650);

/** One or the other by what was written, so that a fault is named by the field inside the object. */
function objectOr<Shape extends z.ZodType, Other extends z.ZodType>(object: Shape, other: Other) {
  return z.unknown().transform((value, context): z.infer<Shape> | z.infer<Other> => {
    const schema: z.ZodType = typeof value === 'object' && value !== null ? object : other;
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data as z.infer<Shape> | z.infer<Other>;
    for (const issue of parsed.error.issues)
      context.addIssue({ code: 'custom', path: issue.path, message: faultText(issue) });
    return z.NEVER;
  });
}

const incrementalSchema = z.strictObject({
  every: times,
  /** Those of `incrementalBackup`, which has the defaults. */
  detect: detection.detect.unwrap().optional(),
  field: detection.field.unwrap().optional(),
  fieldUnit: detection.fieldUnit.unwrap().optional(),
  overlapSeconds: detection.overlapSeconds.unwrap().optional(),
  digestEveryHours: detection.digestEveryHours.unwrap().optional(),
});

const rehearseSchema = z.strictObject({
  /** The scratch cluster; `prove` uses it too. */
  cluster: alias,
  every: timesOrNot.optional(),
  /** So many collections, chosen at random each time, also by `prove`; absent: all. */
  sample: z.int().min(1).max(100).optional(),
});

export const policyFields = z.strictObject({
  preset: z.enum(PRESETS).optional(),
  clusters: z.array(alias).min(1).max(100),
  /** Names, or patterns with `*` and `?`, asked anew at every run; absent: all. */
  collections: patterns.optional(),
  exclude: patterns.optional(),
  /** Absent: `defaults.store`. */
  store: alias.optional(),
  full: timesOrNot.optional(),
  incremental: objectOr(
    incrementalSchema,
    z.union([times, z.literal(false)], {
      error: `must be ${TIMES_FORMS}; false; or an object with \`every\``,
    }),
  ).optional(),
  /** Rehearses what has no proof yet. */
  prove: timesOrNot.optional(),
  rehearse: objectOr(
    rehearseSchema,
    z.literal(false, { error: 'must be an object with `cluster`, or false' }),
  ).optional(),
  check: timesOrNot.optional(),
  prune: timesOrNot.optional(),
  ...keepFields,
  maxAgeHours: z.number().positive().max(87_600).optional(),
  maxProofAgeDays: days.optional(),
  maxRehearsalAgeDays: days.optional(),
  /** Of the times, and of the periods of `keep…`. Default UTC. */
  timezone: keepFields.timezone,
  /** Each run starts up to so much later. */
  jitter: duration.optional(),
  /** A run that could not be started in time, because Temporal was down, is started up to so much later. Default 1h. */
  catchUp: duration.optional(),
  /** Names in `notifiers`. */
  notify: z.array(alias).min(1).max(20).optional(),
});

export const policySchema = policyFields.superRefine((policy, issue) => {
  const effective = effectivePolicy(policy);
  const { full, incremental, prove, rehearse, check, prune } = effective;
  // Of a job whose times are wrong, that alone is reported.
  const written = [policy.full, policy.incremental, policy.prove, policy.check, policy.prune];
  const isWritten = [...written, policy.rehearse && policy.rehearse.every].some((job) => job ?? false);
  if (!isWritten && ![full, incremental, prove, rehearse, check, prune].some((job) => job !== undefined))
    issue.addIssue(
      'does nothing: set `preset`, or one of `full`, `incremental`, `rehearse`, `check`, `prune`',
    );
  if (typeof policy.prove === 'string' && !effective.scratch)
    issue.addIssue({
      code: 'custom',
      path: ['prove'],
      message: 'needs a scratch cluster: set `rehearse.cluster`',
    });
  if (prune !== undefined && !KEEP_RULES.some((rule) => (effective.keep[rule] ?? 0) > 0))
    issue.addIssue({
      code: 'custom',
      path: ['prune'],
      message: `needs at least one of ${KEEP_RULES.join(', ')} that is more than 0`,
    });
  if (new Set(policy.clusters).size < policy.clusters.length)
    issue.addIssue({ code: 'custom', path: ['clusters'], message: 'names a cluster twice' });
});

export type Policy = z.infer<typeof policyFields>;
