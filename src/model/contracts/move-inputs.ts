// The inputs of snapshot migration, as a user writes them, and what a job hands to the child of one collection.

import * as z from 'zod';
import { alias, childFields, scrollMigrationSchema } from './inputs.js';

const scroll = scrollMigrationSchema.shape;

export const snapshotMigrationSchema = z.strictObject({
  source: alias,
  target: alias,
  collections: scroll.collections,
  as: scroll.as,
  /** `auto`: a collection that cannot go as snapshots goes point by point, and its report says why. */
  method: z.enum(['snapshot', 'auto']).default('snapshot'),
  /** A snapshot cannot be changed on its way: only `method: auto` takes them, and goes point by point. */
  overrides: scroll.overrides,
  onExisting: z.enum(['fail', 'swap', 'replace']).default('fail'),
  /** With `replace`: back up what is there before it is deleted. */
  safetyBackup: z.boolean().default(true),
  /** Of the safety backup; absent: `through`, else `defaults.store` of ferry.yaml. */
  store: alias.optional(),
  /** By way of this store, which keeps the backup; absent: from cluster to cluster. */
  through: alias.optional(),
  via: z.enum(['auto', 'pull', 'push']).default('auto'),
  capture: z.enum(['auto', 'stream', 'stored']).default('auto'),
  onDifference: scroll.onDifference,
  deleteExtras: scroll.deleteExtras,
  allowUnfinished: scroll.allowUnfinished,
  onFailure: scroll.onFailure,
  onBusy: scroll.onBusy,
  parkForHours: scroll.parkForHours,
  concurrency: scroll.concurrency,
  copyAliases: z.boolean().default(true),
  replicas: scroll.replicas,
  allowReplicaDifference: scroll.allowReplicaDifference,
  awaitIndexing: scroll.awaitIndexing,
  awaitIndexingMinutes: scroll.awaitIndexingMinutes,
  /** Shards of one collection moved at the same time. */
  shards: z.int().min(1).max(16).default(2),
  maxPointsPerSecond: scroll.maxPointsPerSecond,
  maxMegabytesPerSecond: scroll.maxMegabytesPerSecond,
  slices: scroll.slices,
  batchBytes: scroll.batchBytes,
  budgetMs: scroll.budgetMs,
  stallAfterAttempts: scroll.stallAfterAttempts,
  heartbeatSeconds: scroll.heartbeatSeconds,
  continueAsNewAfterEvents: scroll.continueAsNewAfterEvents,
});

export const moveCollectionSchema = z.strictObject({
  ...childFields,
  options: snapshotMigrationSchema.omit({
    source: true,
    target: true,
    collections: true,
    as: true,
    concurrency: true,
  }),
});
export type MoveCollectionInput = z.input<typeof moveCollectionSchema>;
