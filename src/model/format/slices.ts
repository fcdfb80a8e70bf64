// What a backup holds of one range of ids: docs/backup-format.md, "Backups by points, and increments".

import * as z from 'zod';
import { bytes, count, idsRefSchema, MANIFEST_VERSION, sha256, shardKeySchema } from './fields.js';

const objectRefSchema = z.strictObject({ key: z.string(), bytes, sha256 });

const digestSchema = z.strictObject({ count, sum: z.string().regex(/^[0-9a-f]{32}$/) });

/** Of `capture.method: points`. Slices of a shard key touch without a gap, in order of id. */
export const sliceSchema = z.strictObject({
  shardKey: shardKeySchema.optional(),
  /** First id of the slice; absent: from the very first. */
  from: z.string().optional(),
  /** First id behind it; absent: to the very last. */
  to: z.string().optional(),
  /** Of all its points at this backup, those of its base included. */
  digest: digestSchema,
  /** All its ids at this backup: what the base holds and this set does not was deleted. */
  ids: idsRefSchema,
  /** Points that are stored here: all in a full backup, in an increment the new and the changed ones. */
  changed: count,
  /** Points of the base that no longer exist. */
  deleted: count,
  /** Changed points whose field did not say so, and the first of their ids; absent where there were none. */
  unstamped: z.strictObject({ count, ids: z.array(z.string()) }).optional(),
  /** Absent where nothing changed. */
  points: objectRefSchema.optional(),
  digests: objectRefSchema.optional(),
});
export type ManifestSlice = z.infer<typeof sliceSchema>;

/**
 * Of a snapshot that increments can continue: the digests of its points, read before its first shard was captured and again
 * after the last. Only of a point that was the same both times is it known what the snapshot holds.
 */
export const indexedSliceSchema = z.strictObject({
  before: sliceSchema,
  /** Its `digests` are of the points that were another before. */
  after: sliceSchema,
});
export type IndexedSlice = z.infer<typeof indexedSliceSchema>;

/** Beside the objects of a slice once they are whole in the store; from these the manifest is made. */
export const sliceDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/slice'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  slice: sliceSchema,
});
export type SliceDocument = z.infer<typeof sliceDocumentSchema>;
