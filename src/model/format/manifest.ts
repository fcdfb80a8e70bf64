// The documents of a backup, version 2. They outlive this code and are read back from buckets that anybody may have
// written to: parsed, never trusted. docs/backup-format.md is their specification for people with only an S3 client.
//
// Numbers over 2^53 (peer ids, numeric shard keys) stand as decimal text; Qdrant's own configuration stands as the text
// that Qdrant sent, in a string. A document is written once and never changed; what is learnt later is another document
// beside it:
//
//   started.json    the run has begun: of which cluster, what it is to cover, all aliases of that moment
//   manifest.json   everything of a collection is in the store
//   complete.json   the objects of that very manifest were checked: only now does the collection's backup count
//   proof-….json    how its content is known
//   backup.json     the run has ended, and what became of each collection
//   pin.json        no prune removes it
//   pruned.json     it was removed, or is being removed

import * as z from 'zod';
import {
  bytes,
  count,
  identity,
  idsRefSchema,
  MANIFEST_VERSION,
  sha256,
  shardKeySchema,
  time,
} from './fields.js';
import { indexedSliceSchema, sliceSchema, type ManifestSlice } from './slices.js';
import { writtenSinceSchema } from './written-since.js';

/** A stretch of a snapshot: in its object from `offset` on, so that one snapshot may lie in several objects. */
const partSchema = z.strictObject({ key: z.string(), offset: bytes, bytes, sha256 });

const recallRefSchema = z.strictObject({ key: z.string(), bytes, sha256 });

const shardSchema = z.strictObject({
  /** On the source; not portable. */
  id: z.int().min(0),
  shardKey: shardKeySchema.optional(),
  /** Position among the shards of its key (of the collection without custom sharding), in order of id: portable. */
  ordinal: z.int().min(0),
  /** Peer it was taken from, where Qdrant runs with clustering. */
  peer: z.string().optional(),
  /** File name of the snapshot. Ends in a nonce of its upload: no other attempt ever wrote, or deletes, under this key. */
  name: z.string(),
  bytes,
  /** Of the whole snapshot; absent where its capture was resumed, for a hash cannot be. */
  sha256: sha256.optional(),
  parts: z.array(partSchema).min(1),
  startedAt: time,
  finishedAt: time,
});

/** Beside each snapshot once it is whole in the store; from these the manifest is made. */
export const shardDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/shard'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  shard: shardSchema,
});
export type ShardDocument = z.infer<typeof shardDocumentSchema>;

export const nodeSnapshotSchema = z.strictObject({
  name: z.string(),
  bytes,
  parts: z.array(partSchema).min(1),
});

/** The same for Qdrant's own full storage snapshot. */
export const nodeDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/node'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  node: nodeSnapshotSchema,
});
export type NodeDocument = z.infer<typeof nodeDocumentSchema>;

const keySchema = z.strictObject({
  shardKey: shardKeySchema,
  shards: z.int().min(1),
  replicas: z.int().min(1),
});

/** `full`: all of the collection. `increment`: what changed since another backup, its `base`. */
export const backupKind = z.enum(['full', 'increment']);

/**
 * How the points were read. `snapshot`: Qdrant's snapshots of the shards, sent while they were made (`stream`) or kept as
 * a file on the node first (`stored`). `points`: slice by slice over the points themselves; `detect` says how an increment
 * found what changed (`digest`: every point was read and compared; `field`: those were read whose field says that they were
 * written, and those that are new).
 */
const mode = z.enum(['stream', 'stored']);
export const detect = z.enum(['all', 'digest', 'field']);
const captureSchema = z.discriminatedUnion('method', [
  z.strictObject({ method: z.literal('snapshot'), mode }),
  z.strictObject({
    method: z.literal('points'),
    detect,
    /** Where a field was asked what was written, be it only to find out what it does not tell. */
    since: writtenSinceSchema.optional(),
  }),
]);
/** Other words in these fields of `capture` are of a newer ferry, and no damage. */
export const CAPTURE_FORMS: Record<string, readonly string[]> = {
  method: ['snapshot', 'points'],
  mode: mode.options,
  detect: detect.options,
};

/** The backup that an increment continues, in the same store. */
const baseSchema = z.strictObject({
  cluster: z.string(),
  backup: z.string(),
  collection: z.string(),
  manifestSha256: sha256,
});
export type BaseRef = z.infer<typeof baseSchema>;

export const collectionManifestSchema = z.strictObject({
  format: z.literal('qdrant-ferry/collection'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  kind: backupKind,
  /** Of an increment. */
  base: baseSchema.optional(),
  cluster: z.string(),
  clusterIdentity: identity,
  collection: z.string(),
  /** Random id in the collection's stamp, where ferry ever left one. */
  creation: z.string().optional(),
  /** The source was being filled by a job: never "the latest complete backup", recovered only when it is named. */
  partial: z.strictObject({ reason: z.string() }).optional(),
  startedAt: time,
  finishedAt: time,
  qdrantVersion: z.string(),
  ferryVersion: z.string(),
  capture: captureSchema,
  /** When `info`, `aliases` and `shardKeys` were read. */
  settingsAt: time,
  /** The `result` of `GET /collections/{name}`, as Qdrant's text. */
  info: z.string(),
  /** Of the collection at `settingsAt`. A recovery of a whole run goes by the aliases of its backup.json. */
  aliases: z.array(z.string()),
  sharding: z.enum(['auto', 'custom']),
  /** Custom sharding: every key in order of creation, also those without points. */
  shardKeys: z.array(keySchema),
  /** When `points` were counted. */
  countedAt: time,
  /** Exact count at `countedAt`; under live writes the snapshots may hold others. */
  points: count,
  /** Of `capture.method: snapshot`. */
  shards: z.array(shardSchema),
  /** Of `capture.method: points`. */
  slices: z.array(sliceSchema).optional(),
  digestIndex: z.array(indexedSliceSchema).optional(),
  /** Of snapshots: ids of the points that were alive after the last shard was captured; what is not among them is removed. */
  ids: idsRefSchema.optional(),
  /** The baseline of searches, where there is one: recall-document.ts. A recovery does without it. */
  recall: recallRefSchema.optional(),
  /** Vectors `float16` with `Cosine` may come back with other bits: a restore of files is exact, a copy is not. */
  notes: z.array(z.string()),
});
export type CollectionManifest = z.infer<typeof collectionManifestSchema>;
export type ManifestShard = z.infer<typeof shardSchema>;
export type ManifestPart = z.infer<typeof partSchema>;
export type RecallRef = z.infer<typeof recallRefSchema>;

/** Every stretch of every object that the manifest names: what has to be there, and what it hashes to. */
export function partsOf(manifest: CollectionManifest): ManifestPart[] {
  const { shards, recall, ids } = manifest;
  const ofSlices = storedSlices(manifest).flatMap((slice) => [slice.ids, slice.points, slice.digests]);
  const beside = [...ofSlices, ids, recall].filter((one) => one !== undefined);
  return [
    ...shards.flatMap((shard) => shard.parts),
    ...beside.map(({ key, bytes, sha256 }) => ({ key, offset: 0, bytes, sha256 })),
  ];
}

/** Every slice that has objects and a document of its own. */
export function storedSlices({
  slices = [],
  digestIndex = [],
}: Pick<CollectionManifest, 'slices' | 'digestIndex'>): ManifestSlice[] {
  return [...slices, ...digestIndex.flatMap(({ before, after }) => [before, after])];
}

/** Of the content that it stores itself, without documents. */
export function storedBytes({ shards, slices = [] }: Pick<CollectionManifest, 'shards' | 'slices'>): number {
  const ofSlice = ({ ids, points, digests }: ManifestSlice) =>
    ids.bytes + (points?.bytes ?? 0) + (digests?.bytes ?? 0);
  return [...shards.map((shard) => shard.bytes), ...slices.map(ofSlice)].reduce((sum, one) => sum + one, 0);
}

/** Beside a manifest, written after its objects were checked. Without one the collection's backup is not complete. */
export const completeDocumentSchema = z.strictObject({
  format: z.literal('qdrant-ferry/complete'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  /** Of the manifest's bytes as stored. */
  manifestSha256: sha256,
  /** `quick`: existence and size of every object. `full`: every byte was read and hashed again. */
  verify: z.enum(['full', 'quick']),
  checkedAt: time,
});
export type CompleteDocument = z.infer<typeof completeDocumentSchema>;

export const proofSchema = z.strictObject({
  format: z.literal('qdrant-ferry/proof'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  /**
   * `quiesced`: the source's digest before and after the capture was this one. `rehearsed`: the backup was recovered
   * into a scratch cluster and had this digest; true for the captured bytes, also under live writes.
   */
  kind: z.enum(['quiesced', 'rehearsed']),
  at: time,
  manifestSha256: sha256,
  digest: z.strictObject({ version: z.int(), count, sum: z.string().regex(/^[0-9a-f]{32}$/) }),
  /** Of a rehearsal: how long the recovery took. */
  recoverySeconds: z.number().optional(),
  /**
   * Share of the recall baseline's neighbours found again, 0 … 1, by exact and by approximate search; `atCapture` is
   * what the source's own approximate search had found of them.
   */
  recall: z
    .strictObject({ exact: z.number(), approximate: z.number(), atCapture: z.number(), queries: count })
    .optional(),
});
export type ContentProof = z.infer<typeof proofSchema>;

/** Beside a manifest: no prune removes this backup. Deleted to unpin it. */
export const pinSchema = z.strictObject({
  format: z.literal('qdrant-ferry/pin'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  at: time,
  reason: z.string().optional(),
});
export type PinDocument = z.infer<typeof pinSchema>;

/** Written before the manifest is deleted, so that what a killed prune left is known for what it is. */
export const prunedSchema = z.strictObject({
  format: z.literal('qdrant-ferry/pruned'),
  version: z.literal(MANIFEST_VERSION),
  backup: z.string(),
  cluster: z.string(),
  collection: z.string(),
  at: time,
  reasons: z.array(z.string()),
});
export type PrunedDocument = z.infer<typeof prunedSchema>;

/** Of whoever prunes a store. Each renewal is another document, with the next number. */
export const pruneLeaseSchema = z.strictObject({
  format: z.literal('qdrant-ferry/prune-lease'),
  version: z.literal(MANIFEST_VERSION),
  number: count,
  holder: z.string(),
  /** Tells two documents of the same number and holder apart. */
  nonce: z.string(),
  at: time,
  released: z.literal(true).optional(),
});
export type PruneLeaseDocument = z.infer<typeof pruneLeaseSchema>;
