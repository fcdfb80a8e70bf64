// The inputs of recovery and rehearsal, as a user writes them, and what a job hands to the child of one collection.

import * as z from 'zod';
import { externalFilesSchema, externalSourceSchema, namesByFileSchema } from '../externals/source.js';
import { isOnly, scrollMigrationSchema } from './inputs.js';

const { slices, batchBytes, budgetMs, stallAfterAttempts, heartbeatSeconds, continueAsNewAfterEvents } =
  scrollMigrationSchema.shape;
const { collections, as, maxMegabytesPerSecond, concurrency, onBusy, parkForHours } =
  scrollMigrationSchema.shape;

const alias = z.string().min(1).max(64);

const work = {
  /** `parkForKeys`: park where new keys are all that it takes, else fail. */
  onFailure: z.enum(['park', 'parkForKeys', 'fail']).default('parkForKeys'),
  parkForHours,
  /** Shards of one collection recovered at the same time. */
  shards: z.int().min(1).max(64).default(2),
  maxMegabytesPerSecond,
  awaitIndexingMinutes: z.number().min(0).max(10_080).default(60),
  ...{ slices, batchBytes, budgetMs, stallAfterAttempts, heartbeatSeconds, continueAsNewAfterEvents },
};

const which = {
  store: alias.optional(),
  /** Cluster whose backups are meant. */
  cluster: alias.optional(),
  backup: z.string().min(1).max(64).optional(),
  before: z.iso.datetime({ offset: true }).optional(),
  /** Also what older runs hold and the newest one does not: it was dropped before that one. */
  includeDropped: z.boolean().default(false),
  collections,
  /** Names or patterns that are left out. */
  exclude: z.array(z.string().min(1).max(255)).min(1).max(1_000).optional(),
};

const way = {
  via: z.enum(['auto', 'pull', 'push']).default('auto'),
  precheck: z.enum(['quick', 'full']).default('quick'),
};

/** What becomes of content that is not what the proof says. */
const judgement = {
  /** `keep`: it stays under its name, without aliases, and the job fails. `remove`: it goes. */
  onDifference: z.enum(['keep', 'remove']).default('keep'),
  /** Nothing is compared with the proof; the result says that the content is unproven. */
  ignoreProof: z.boolean().default(false),
};

const disasterRecoveryFields = z.strictObject({
  target: alias,
  ...which,
  /** Snapshots that ferry did not make, instead of a backup. */
  from: externalSourceSchema.optional(),
  /** With `from`: which file is of which collection, where the names do not tell. */
  map: namesByFileSchema.optional(),
  as,
  onExisting: z.enum(['fail', 'swap', 'replace']).default('fail'),
  /** With `replace`: back up what is there before it is deleted. */
  safetyBackup: z.boolean().default(true),
  ...judgement,
  onBusy,
  concurrency,
  ...way,
  ...work,
});
export const disasterRecoverySchema = disasterRecoveryFields.superRefine((input, issue) => {
  const { from, map, store, cluster, backup, before, exclude } = input;
  if (from === undefined && map !== undefined)
    issue.addIssue('`map` (`--map`) can be used only with `from` (`--from`)');
  const named = Object.entries({ store, cluster, backup, before, exclude }).filter(
    ([, value]) => value !== undefined,
  );
  if (from === undefined || named.length === 0) return;
  issue.addIssue(`\`${named.map(([name]) => name).join('`, `')}\` cannot be combined with \`from\``);
});
export type DisasterRecoveryInput = z.infer<typeof disasterRecoverySchema>;

export const rehearseRecoverySchema = z.strictObject({
  scratch: alias,
  ...which,
  /** Only collections whose backup has no proof yet. */
  onlyUnproven: z.boolean().default(false),
  /** So many of them, chosen at random. */
  sample: z.int().min(1).max(100).optional(),
  onBusy,
  concurrency,
  ...way,
  ...work,
});
export type RehearseRecoveryInput = z.infer<typeof rehearseRecoverySchema>;

const name = z.string().min(1).max(255);

export const recoverCollectionSchema = z.strictObject({
  from: z.strictObject({
    /** Empty for a URL, where ferry.yaml has no default store. */
    store: z.string().max(64),
    cluster: alias,
    backup: z.string(),
    collection: name,
    aliases: z.array(z.string()).optional(),
    external: externalFilesSchema.optional(),
  }),
  target: z.strictObject({ cluster: alias, collection: name }),
  /** Into a scratch cluster, proved, and removed again. */
  rehearse: z.boolean().default(false),
  points: z.int().min(0),
  dataQueue: z.string().min(1),
  paused: z.boolean().default(false),
  isOnly,
  searchAttributes: z.boolean().default(true),
  options: z.strictObject({
    onExisting: disasterRecoveryFields.shape.onExisting,
    safetyBackup: disasterRecoveryFields.shape.safetyBackup,
    ...judgement,
    maxPointsPerSecond: scrollMigrationSchema.shape.maxPointsPerSecond,
    ...way,
    ...work,
  }),
});
export type RecoverCollectionInput = z.input<typeof recoverCollectionSchema>;
