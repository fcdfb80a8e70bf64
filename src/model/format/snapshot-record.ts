// `.ferry-snapshots/…`: a snapshot that a job made on a node with `keepOnNode`, and that a later one may delete from it.

import * as z from 'zod';
import { bytes, MANIFEST_VERSION, sha256, time } from './fields.js';

export const snapshotRecordSchema = z.strictObject({
  format: z.literal('qdrant-ferry/snapshot'),
  version: z.literal(MANIFEST_VERSION),
  cluster: z.string(),
  /** Its address. */
  node: z.string(),
  /** Absent where Qdrant runs without clustering. */
  peer: z.string().optional(),
  /** Absent: the whole storage of the node. */
  collection: z.string().optional(),
  shard: z.int().min(0).optional(),
  name: z.string(),
  bytes,
  /** Qdrant's own, as the node's list has it. */
  sha256,
  /** By the node's clock. */
  createdAt: time,
  /** The workflow. */
  job: z.string(),
  at: time,
});
export type SnapshotRecord = z.infer<typeof snapshotRecordSchema>;
