// `.ferry-readers/…`: of a job that reads a backup. The store's own time of the object says until when it counts.

import * as z from 'zod';
import { MANIFEST_VERSION, time } from './fields.js';

export const readerSchema = z.strictObject({
  format: z.literal('qdrant-ferry/reader'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  /** The workflow. */
  reader: z.string(),
  at: time,
});
export type ReaderDocument = z.infer<typeof readerSchema>;
