// The removal of old backups: the input of `pruneBackups` as a user writes it, and its activity.

import * as z from 'zod';
import type { BackupRef, CollectionBackup } from './backup-catalogue.js';
import { alias, collectionName, work } from './inputs.js';

const count = z.int().min(0).max(1_000_000).optional();
export const KEEP_RULES = [
  'keepLast',
  'keepHours',
  'keepDays',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
] as const;

/** The same in a policy of ferry.yaml. */
export const keepFields = {
  keepLast: count,
  keepHours: count,
  keepDays: count,
  keepHourly: count,
  keepDaily: count,
  keepWeekly: count,
  keepMonthly: count,
  keepYearly: count,
  minimum: z.int().min(1).max(1_000).optional(),
  timezone: z
    .string()
    .refine(isTimezone, { error: 'must be the name of a time zone, like Europe/Berlin or UTC' })
    .optional(),
};

/** What the command takes as flags. */
export const pruneOptionsSchema = z.strictObject({
  store: alias.optional(),
  ...keepFields,
  minimum: keepFields.minimum.unwrap().default(2),
  timezone: keepFields.timezone.unwrap().default('UTC'),
  /** Backups of these collections stay as they are. Names or patterns. */
  exclude: z.array(collectionName).min(1).max(1_000).optional(),
  unusableAfterDays: z.int().min(1).max(3_650).default(7),
  /** Only says what it would remove. */
  dryRun: z.boolean().default(false),
  heartbeatSeconds: work.heartbeatSeconds,
});

export const pruneBackupsSchema = pruneOptionsSchema
  .extend({
    /** Absent: the backups of every cluster in the store. */
    cluster: alias.optional(),
    /** Names, or patterns with `*` and `?`. */
    collections: z.array(collectionName).min(1).max(1_000).optional(),
  })
  // Without a rule nearly everything would go: nobody means that.
  .refine((input) => KEEP_RULES.some((rule) => (input[rule] ?? 0) > 0), {
    error:
      'no rule says what to keep, so nearly everything would be deleted. Set at least one: ' +
      KEEP_RULES.map((rule) => `${rule} (--${flagOf(rule)})`).join(', '),
  });

function flagOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export interface PruneStoreInput extends Omit<z.infer<typeof pruneBackupsSchema>, 'heartbeatSeconds'> {
  store: string;
}

export interface JudgedBackup extends Omit<BackupRef, 'store'> {
  collection: string;
  state: CollectionBackup['state'];
  keep: boolean;
  reasons: string[];
  bytes: number;
}

export interface PruneStoreResult {
  store: string;
  dryRun: boolean;
  kept: number;
  /** Of one collection each. With `dryRun`: to be removed. */
  removed: number;
  removedBytes: number;
  /** By attempts of this job that were cut off: neither in `removed` nor in `backups`. */
  removedEarlier?: number;
  /** At most 500; those that are removed first. */
  backups: JudgedBackup[];
  /** Of attempts that were cut off, and of prunes. */
  swept: { objects: number; bytes: number; uploads: number };
  /** What the store did not delete, at most 100. */
  left: { key: string; why: string }[];
}

/** The queue of the store; it heartbeats. */
export interface PruneActivities {
  pruneStore(input: PruneStoreInput): Promise<PruneStoreResult>;
}
