// Fields that several documents of a backup have.

import * as z from 'zod';

export const MANIFEST_VERSION = 2;

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
export const time = z.iso.datetime();
export const bytes = z.int().min(0);
export const count = z.int().min(0);

export const shardKeySchema = z.union([
  z.strictObject({ keyword: z.string() }),
  z.strictObject({ number: z.string() }),
]);

/** Peer ids as decimal text; empty where the cluster's identity could not be established. */
export const identity = z.array(z.string());

export const idsRefSchema = z.strictObject({ key: z.string(), bytes, sha256, count });
export type IdsRef = z.infer<typeof idsRefSchema>;
