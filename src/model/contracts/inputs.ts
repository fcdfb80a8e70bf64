// The inputs of the workflows, as a user writes them: one JSON object each, aliases only, a default wherever
// possible. Parsed inside the workflow; every error is reported at once.

import * as z from 'zod';
import { FerryError } from '../errors.js';

export const alias = z.string().min(1).max(64);
export const collectionName = z.string().min(1).max(255);

export const pace = {
  maxPointsPerSecond: z.number().positive().optional(),
  maxMegabytesPerSecond: z.number().positive().optional(),
};

/** Collections worked on at the same time. Each needs a dozen short activities, so one at a time is slow where there are many. */
export const concurrency = z.int().min(1).max(16).default(4);

export const work = {
  /** Slices worked on at the same time. */
  slices: z.int().min(1).max(64).default(4),
  batchBytes: z.int().min(65_536).max(33_554_432).default(2_097_152),
  /** How long one activity works on a slice before it reports back, in milliseconds. */
  budgetMs: z.int().min(1_000).max(3_600_000).default(600_000),
  stallAfterAttempts: z.int().min(2).max(1_000).default(30),
  /** A data worker silent for so long counts as dead, and its slice goes to another. */
  heartbeatSeconds: z.int().min(2).max(600).default(30),
  continueAsNewAfterEvents: z
    .int()
    .min(20)
    .max(50_000)
    .optional()
    .describe(
      'For tests: continue as new once the history has so many events, besides when Temporal suggests it.',
    ),
};

export const scrollMigrationSchema = z.strictObject({
  source: alias,
  target: alias,
  collections: z.array(collectionName).min(1).max(1_000).optional(),
  as: z.union([collectionName, z.record(collectionName, collectionName)]).optional(),
  overrides: z.record(z.string(), z.unknown()).optional(),
  onExisting: z.enum(['fail', 'merge', 'recreate']).default('fail'),
  onDifference: z.enum(['repair', 'fail']).default('repair'),
  onFailure: z.enum(['park', 'parkForKeys', 'fail']).default('park'),
  onBusy: z.enum(['fail', 'wait']).default('fail'),
  parkForHours: z.number().positive().max(720).default(72),
  concurrency,
  copyAliases: z.boolean().default(false),
  /** Trust the source's digest that was taken while copying, instead of reading the source again for the proof. */
  trustCopyDigest: z.boolean().default(false),
  /** Delete points of the target that the source does not have, whoever wrote them. */
  deleteExtras: z.boolean().default(false),
  /** Migrate a source that another job has not finished filling. */
  allowUnfinished: z.boolean().default(false),
  replicas: z.boolean().default(false),
  /** Go on although replicas of a shard hold different numbers of points. */
  allowReplicaDifference: z.boolean().default(false),
  awaitIndexing: z.boolean().default(true),
  awaitIndexingMinutes: z.number().min(0).max(10_080).default(60),
  ...pace,
  ...work,
});

export const verifyCollectionsSchema = z.strictObject({
  source: alias,
  target: alias,
  collections: z.array(collectionName).min(1).max(1_000).optional(),
  as: z.union([collectionName, z.record(collectionName, collectionName)]).optional(),
  overrides: z.record(z.string(), z.unknown()).optional(),
  concurrency,
  /** Points of the target that the source does not have are no difference. */
  subset: z.boolean().default(false),
  replicas: z.boolean().default(false),
  /** Go on although replicas of a shard hold different numbers of points. */
  allowReplicaDifference: z.boolean().default(false),
  /** Pause before a difference is believed, in milliseconds. */
  recheckAfterMs: z.int().min(0).max(600_000).default(2_000),
  ...pace,
  ...work,
});
export type VerifyCollectionsInput = z.infer<typeof verifyCollectionsSchema>;

const collectionRef = z.strictObject({ cluster: alias, collection: collectionName });

/** What a job hands to the child of one collection. */
/** No other collection of the job is worked on at the same time. */
export const isOnly = z.boolean().default(false);

export const childFields = {
  source: collectionRef,
  target: collectionRef,
  /** The name that the user wrote: a Qdrant alias, or the collection's own. */
  asked: collectionName,
  dataQueue: z.string().min(1),
  paused: z.boolean().default(false),
  isOnly,
  searchAttributes: z.boolean().default(true),
};

export const migrateCollectionSchema = z.strictObject({
  ...childFields,
  /** Why it goes point by point, where another way was asked for first. */
  because: z.string().optional(),
  options: scrollMigrationSchema.omit({
    source: true,
    target: true,
    collections: true,
    as: true,
    concurrency: true,
    onBusy: true,
  }),
});
export type MigrateCollectionInput = z.input<typeof migrateCollectionSchema>;

export const verifyCollectionSchema = z.strictObject({
  ...childFields,
  options: verifyCollectionsSchema.omit({
    source: true,
    target: true,
    collections: true,
    as: true,
    concurrency: true,
  }),
});
export type VerifyCollectionInput = z.input<typeof verifyCollectionSchema>;

/** What the command takes as arguments, or not at all: no flag has their name. */
const WITHOUT_FLAG = ['source', 'target', 'scratch', 'cluster', 'clusters', 'collections', 'policy'];

/** A line for each fault: the field, also by its flag, and what it must be. Values are not repeated. */
export function inputFaults(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const [field] = issue.path;
      if (field === undefined) return faultText(issue);
      const flag = String(field).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const isFlag = issue.path.length === 1 && !WITHOUT_FLAG.includes(String(field));
      return `\`${issue.path.map(String).join('.')}\`${isFlag ? ` (\`--${flag}\`)` : ''}: ${faultText(issue)}`;
    })
    .join('\n');
}

/** What a field must be, or what is wrong with it, without its name. */
export function faultText(issue: z.core.$ZodIssue): string {
  if (!ZOD_SAYS.test(issue.message)) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return issue.message.endsWith('received undefined')
        ? 'is missing'
        : `must be ${kindText(issue.expected)}`;
    case 'invalid_value':
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    case 'unrecognized_keys':
      return `has an unknown field: ${issue.keys.map((key) => `\`${key}\``).join(', ')}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    case 'too_small':
    case 'too_big':
      return boundText(issue);
    case 'invalid_format':
      return issue.format === 'datetime'
        ? 'must be a time with a zone, like 2026-11-23T02:00:00Z'
        : issue.message;
    default:
      return issue.message === 'Invalid input' ? 'is not of a form that is known here' : issue.message;
  }
}

/** How its own messages begin; the others are ours. */
const ZOD_SAYS = /^(Invalid|Too (small|big)|Unrecognized key)/;

const KINDS: Partial<Record<string, string>> = {
  array: 'a list, like [a, b]',
  string: 'a text',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
};

function kindText(expected: string): string {
  return KINDS[expected] ?? `a ${expected}`;
}

function boundText(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const [bound, word] =
    issue.code === 'too_small'
      ? [issue.minimum, issue.inclusive === false ? 'more than' : 'at least']
      : [issue.maximum, issue.inclusive === false ? 'less than' : 'at most'];
  if (issue.origin === 'string' || issue.origin === 'array') {
    const unit = issue.origin === 'string' ? 'characters' : 'entries';
    return word === 'at least' && Number(bound) === 1
      ? 'must not be empty'
      : `must have ${word} ${bound} ${unit}`;
  }
  return `must be ${word} ${bound}`;
}

/** Parses, or throws `InvalidInput` with one line an issue. Secrets are refused without being repeated. */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown): T {
  refuseSecrets(input);
  const parsed = schema.safeParse(input);
  if (!parsed.success) throw new FerryError('InvalidInput', inputFaults(parsed.error));
  return parsed.data;
}

const SECRET_NAME = /(key(id)?$|api[-_]?key|secret|token|passw|credential|authorization)/i;
/** The names in these fields are collections' and files', which may be called anything. */
const NAMES_OF_ANYTHING = ['input.as', 'input.map'];
const URL_WITH_CREDENTIALS = /^[a-z][a-z0-9+.-]*:\/\/[^/\s@]+@/i;

function refuseSecrets(value: unknown, path = 'input'): void {
  if (typeof value === 'string') {
    if (URL_WITH_CREDENTIALS.test(value)) throw secretRefused(path, 'a URL that holds credentials');
    return;
  }
  if (value === null || typeof value !== 'object') return;
  for (const [key, inner] of Object.entries(value)) {
    if (!NAMES_OF_ANYTHING.includes(path) && SECRET_NAME.test(key))
      throw secretRefused(`${path}.${key}`, 'a field that looks like a secret');
    refuseSecrets(inner, `${path}.${key}`);
  }
}

function secretRefused(path: string, what: string): FerryError {
  return new FerryError(
    'InvalidInput',
    `${path} is ${what}. Inputs are stored unencrypted in Temporal: name an alias, and keep secrets in ferry.yaml`,
  );
}
