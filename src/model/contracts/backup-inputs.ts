// The inputs of the workflows that write backups, as a user writes them; {"cluster":"prod"} is enough.

import * as z from 'zod';
import { fieldUnit } from '../format/written-since.js';
import { childFields, collectionName, alias, concurrency, pace, work } from './inputs.js';

export const fullBackupSchema = z.strictObject({
  cluster: alias,
  /** Absent: `defaults.store` of ferry.yaml. */
  store: alias.optional(),
  /** Names, Qdrant aliases, or patterns with `*` and `?`; absent: all. */
  collections: z.array(collectionName).min(1).max(1_000).optional(),
  /** Names or patterns that are left out. */
  exclude: z.array(collectionName).min(1).max(1_000).optional(),
  /** A name that the cluster does not have: refuse the job, or let that collection fail and go on with the others. */
  onMissing: z.enum(['fail', 'continue']).default('fail'),
  /**
   * `snapshot`: Qdrant's snapshots of the shards. `points`: the points themselves; restores into any version and any number
   * of shards, and is what increments continue.
   */
  format: z.enum(['snapshot', 'points']).default('snapshot'),
  /** `auto`: stream from Qdrant 1.17 on, stored on the node below. */
  capture: z.enum(['auto', 'stream', 'stored']).default('auto'),
  /** Of every object against its manifest, at the end. */
  verify: z.enum(['full', 'quick']).default('full'),
  /** Digest the source before and after; equal ones are the proof `quiesced`. */
  digest: z.boolean().default(true),
  /** Keep the digests of all points too, so that increments can continue this backup. */
  index: z.boolean().default(false),
  /** Write down what some searches find, for a rehearsal to find again. */
  recall: z.boolean().default(true),
  /** Stored points to search by, for each vector name. */
  recallQueries: z.int().min(1).max(200).default(20),
  /** Qdrant's own full storage snapshot too; for a cluster of one node. */
  nodeSnapshot: z.boolean().default(false),
  /** The alias leads to another cluster than the one whose backups the store holds under it, and that is meant. */
  newCluster: z.boolean().default(false),
  /** Also a collection that a migration or recovery is still filling; its backup is marked as partial. */
  allowUnfinished: z.boolean().default(false),
  allowReplicaDifference: z.boolean().default(false),
  /** Wait so long for the optimizers before the capture, in milliseconds. */
  settleMs: z.int().min(0).max(86_400_000).default(60_000),
  /** `parkForKeys`: park where new keys are all that it takes, else fail. */
  onFailure: z.enum(['park', 'parkForKeys', 'fail']).default('parkForKeys'),
  onBusy: z.enum(['fail', 'wait']).default('fail'),
  parkForHours: z.number().positive().max(720).default(72),
  concurrency,
  /** Shards of a collection captured at the same time. */
  shards: z.int().min(1).max(16).default(2),
  ...pace,
  ...work,
});
export type FullBackupInput = z.infer<typeof fullBackupSchema>;

/** Only what a backup by points has. */
const {
  cluster: _cluster,
  store,
  collections,
  exclude,
  onMissing,
  verify,
  newCluster,
  allowUnfinished,
  ...rest
} = fullBackupSchema.shape;
const { allowReplicaDifference, onFailure, parkForHours } = rest;

/** How an increment finds what changed. */
export const detection = {
  /** `digest`: every point is read and compared. `field`: those are read whose `field` says that they were written. */
  detect: z.enum(['digest', 'field']).default('digest'),
  /** Of the payload: when a point was last written, as the application says. */
  field: z.string().min(1).max(1_000).default('updated_at'),
  /** `auto`: what its index or its values say. */
  fieldUnit: z.enum(['auto', ...fieldUnit.options]).default('auto'),
  /** Ask for so much more than the time since the base: clocks differ, and writes are under way. */
  overlapSeconds: z.int().min(0).max(86_400).default(600),
  /** With `field`: compare all points when that was not done for so long. */
  digestEveryHours: z.number().positive().max(8_760).default(24),
};

export const incrementalBackupSchema = z.strictObject({
  cluster: alias,
  ...detection,
  ...{ store, collections, exclude, onMissing, verify, newCluster, allowUnfinished, allowReplicaDifference },
  /** A chain of so many increments ends: the next backup is a full one. */
  maxLinks: z.int().min(1).max(1_000).default(30),
  onFailure,
  /** `skip`: a collection that another job is backing up is left to it, which counts as success. */
  onBusy: z.enum(['skip', 'fail', 'wait']).default('skip'),
  ...{ parkForHours, concurrency },
  ...pace,
  ...work,
});
export type IncrementalBackupInput = z.infer<typeof incrementalBackupSchema>;

export const backupCollectionSchema = z.strictObject({
  ...childFields,
  backup: z.string().min(1),
  startedAt: z.iso.datetime(),
  options: fullBackupSchema
    .omit({
      cluster: true,
      store: true,
      collections: true,
      exclude: true,
      onMissing: true,
      concurrency: true,
      onBusy: true,
      nodeSnapshot: true,
      newCluster: true,
    })
    .extend({
      increment: z.boolean().default(false),
      maxLinks: incrementalBackupSchema.shape.maxLinks,
      ...detection,
    }),
});
export type BackupCollectionInput = z.input<typeof backupCollectionSchema>;
