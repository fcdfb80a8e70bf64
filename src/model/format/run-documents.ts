// The documents of a run as a whole: started.json, its first one, and backup.json, its last. docs/backup-format.md.

import * as z from 'zod';
import { backupKind, nodeSnapshotSchema } from './manifest.js';
import { bytes, count, identity, MANIFEST_VERSION, sha256, time } from './fields.js';

const aliasSchema = z.strictObject({ alias: z.string(), collection: z.string() });

/** What is known of a run when it begins; the same stands in its backup.json. */
const runFields = {
  backup: z.string(),
  cluster: z.string(),
  clusterIdentity: identity,
  /** An operator said that the alias leads to another cluster from this run on. */
  newCluster: z.strictObject({ before: identity, backup: z.string() }).optional(),
  startedAt: time,
  qdrantVersion: z.string(),
  ferryVersion: z.string(),
  workflowId: z.string(),
  /**
   * `all`: every collection that the cluster had, so that what is not in the run was not there. `policy`: the same of
   * those that the policy's patterns select. `named`: what somebody asked for once.
   */
  scope: z.enum(['all', 'policy', 'named']),
  /** Whose schedule started the run. */
  policy: z.string().optional(),
  /** Of `policy`: names and patterns. */
  selection: z
    .strictObject({ collections: z.array(z.string()).optional(), exclude: z.array(z.string()).optional() })
    .optional(),
  /** Every alias of the cluster when the run began. */
  aliases: z.array(aliasSchema),
};

/** The first document of a run. */
export const startedDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/started'),
  version: z.literal(MANIFEST_VERSION),
  ...runFields,
  /** What is to be backed up. */
  collections: z.array(z.string()),
});
export type StartedDocument = z.infer<typeof startedDocumentSchema>;

export const backupDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/backup'),
  version: z.literal(MANIFEST_VERSION),
  kind: backupKind,
  ...runFields,
  finishedAt: time,
  /** The run was cancelled or broke: collections that it never came to are not named as failed. */
  interrupted: z.literal(true).optional(),
  /** There when the backup was opened, deleted before their turn came; in no line of `collections`. */
  skipped: z.array(z.string()).optional(),
  collections: z.array(
    z.strictObject({
      collection: z.string(),
      /** As complete.json says, when this was written; never more than that. */
      outcome: z.enum(['complete', 'partial', 'failed']),
      /** Of the manifest's bytes as stored. */
      manifestSha256: sha256.optional(),
      bytes: bytes.optional(),
      points: count.optional(),
      /** Code and first sentence, when it failed. */
      error: z.string().optional(),
    }),
  ),
  /** Qdrant's own full storage snapshot, when it was asked for. */
  nodeSnapshot: nodeSnapshotSchema.optional(),
});
export type BackupDocument = z.infer<typeof backupDocumentSchema>;
