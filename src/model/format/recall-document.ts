// `recall.json`: searches of the source while it was backed up, and what they found. Of the same kind as the documents of
// manifest.ts: written once, read back from buckets that anybody may have written to. Ids are text, for they may exceed
// 2^53.

import * as z from 'zod';
import { MANIFEST_VERSION, shardKeySchema, time } from './fields.js';

const neighbours = z.array(z.strictObject({ id: z.string(), score: z.number().nullable() }));

const querySchema = z.strictObject({
  shardKey: shardKeySchema.optional(),
  /** The stored point whose vector was searched for; it is not among its own neighbours. */
  point: z.string(),
  /** Best first; a search that found nothing is not written down. */
  exact: neighbours.min(1),
  approximate: neighbours,
});

export const recallDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/recall'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  startedAt: time,
  finishedAt: time,
  /** Neighbours that each search asked for. */
  limit: z.int().min(1),
  vectors: z.array(
    z.strictObject({
      /** Empty for the unnamed vector. */
      vector: z.string(),
      queries: z.array(querySchema).min(1),
    }),
  ),
  /** What could not be searched to the end, and why; not what has no points. */
  leftOut: z.array(z.strictObject({ vector: z.string(), why: z.string() })),
});
export type RecallDocument = z.infer<typeof recallDocumentSchema>;
export type RecallQuery = z.infer<typeof querySchema>;

export function queriesIn({ vectors }: RecallDocument): number {
  return vectors.reduce((sum, one) => sum + one.queries.length, 0);
}
