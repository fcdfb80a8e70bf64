// The inputs of the workflows that administer Qdrant's own snapshots, as a user writes them. Without `collection` the
// whole storage of a node is meant, with `shard` one shard of the collection.

import * as z from 'zod';
import { alias, collectionName } from './inputs.js';
import { priorities, type SnapshotScope } from './snapshot-activities.js';

const shard = z.int().min(0).max(4_294_967_295);
/** The URL by which ferry.yaml leads to it, or its peer id. */
const node = z.string().min(1).max(300);
const sha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, 'a checksum is a SHA-256: 64 hexadecimal digits')
  .transform((text) => text.toLowerCase());

/** The full name of one file: never a pattern, and never a path. */
const snapshotFile = z
  .string()
  .min(1)
  .max(512)
  .refine((name) => !/[/\\*?]/.test(name) && !hasControls(name), {
    error: 'give the full name of one snapshot: no pattern, and no path',
  })
  .refine((name) => name.endsWith('.snapshot'), { error: 'the name of a snapshot ends with ".snapshot"' });

/** Of an object in a store, relative to the store's prefix. */
const objectKey = z
  .string()
  .min(1)
  .max(900)
  .refine((key) => !/^\/|\/$|\/\/|\\/.test(key) && !hasControls(key) && !hasDots(key), {
    error: 'a key is names with "/" between them: "downloads/docs.snapshot"',
  });

const place = { cluster: alias, collection: collectionName.optional(), shard: shard.optional() };

type Place = { collection?: string | undefined; shard?: number | undefined };
const shardHasCollection = ({ collection, shard: id }: Place) => collection !== undefined || id === undefined;
const NO_COLLECTION = { error: '`shard` is a shard of a `collection`: name both', path: ['collection'] };

export const listSnapshotsSchema = z
  .strictObject({
    ...place,
    node: node.optional(),
    /** Absent: all of them. */
    snapshot: snapshotFile.optional(),
  })
  .refine(shardHasCollection, NO_COLLECTION);

export const createSnapshotSchema = z
  .strictObject({
    ...place,
    /** Absent: every node that holds a part of it. */
    node: node.optional(),
    /** On each node, with the new one; of those that were made with `keepOnNode`, and of the same scope. */
    keepOnNode: z.int().min(1).optional(),
    /** Where those are recorded; absent: `defaults.store` of ferry.yaml. */
    store: alias.optional(),
    onBusy: z.enum(['fail', 'wait']).default('fail'),
  })
  .refine(shardHasCollection, NO_COLLECTION)
  .refine(({ store, keepOnNode }) => store === undefined || keepOnNode !== undefined, {
    error: '`store` goes with `keepOnNode`',
    path: ['store'],
  });

export const deleteSnapshotSchema = z
  .strictObject({ ...place, node, snapshot: snapshotFile })
  .refine(shardHasCollection, NO_COLLECTION);

export const downloadSnapshotSchema = z
  .strictObject({
    ...place,
    /** May be absent where the cluster has one node. */
    node: node.optional(),
    snapshot: snapshotFile,
    /** Absent: `defaults.store` of ferry.yaml. */
    store: alias.optional(),
    object: objectKey,
    maxMegabytesPerSecond: z.number().positive().optional(),
    heartbeatSeconds: z.int().min(2).max(600).default(30),
  })
  .refine(shardHasCollection, NO_COLLECTION);

const SOURCES = ['snapshot', 'url', 'object'] as const;

export const recoverSnapshotSchema = z
  .strictObject({
    ...place,
    collection: z
      .string(
        'is required: Qdrant recovers a full storage snapshot only when it starts (--storage-snapshot); `ferry restore --from` recovers its collections one by one',
      )
      .min(1)
      .max(255),
    /** May be absent where the cluster has one node. */
    node: node.optional(),
    /** Name of one that lies on the node, among those of this collection or shard. */
    snapshot: snapshotFile.optional(),
    /** The node fetches it. */
    url: z
      .string()
      .max(2_000)
      .superRefine((text, issue) => urlFaults(text).forEach((fault) => issue.addIssue(fault)))
      .optional(),
    /** With `object`; absent: `defaults.store` of ferry.yaml. */
    store: alias.optional(),
    object: objectKey.optional(),
    checksum: sha256.optional(),
    priority: z.enum(priorities, {
      error:
        'is required: "snapshot" (the snapshot wins; the other replicas are synchronised from it), "replica" (the other replicas win) or "no_sync" (this node only)',
    }),
    /** Into a collection that exists. Its content is lost. */
    replace: z.boolean().default(false),
    /** That nothing is in the collection afterwards is right. */
    allowEmpty: z.boolean().default(false),
    onBusy: z.enum(['fail', 'wait']).default('fail'),
    heartbeatSeconds: z.int().min(2).max(600).default(30),
  })
  .refine((input) => SOURCES.filter((name) => input[name] !== undefined).length === 1, {
    error: 'give one of `snapshot` (a name on the node), `url`, or `object` (in a `store`)',
  })
  .refine(({ store, object }) => store === undefined || object !== undefined, {
    error: '`store` goes with `object`',
    path: ['store'],
  });
export type RecoverSnapshotInput = z.infer<typeof recoverSnapshotSchema>;

/** Without what is not there. */
export function scopeOf({ collection, shard: id }: Place): SnapshotScope {
  return given({ collection, shard: id });
}

export function given<T extends object>(fields: T): Given<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** What a signature could stand in is refused whole: the input stays in Temporal, readable, for days. */
function urlFaults(text: string): string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    return [
      'must be a URL that begins with http:// or https://; a file goes into a store first, see `object`',
    ];
  }
  if (url.username === '' && url.password === '' && url.search === '' && url.hash === '') return [];
  return [
    'must not contain a user name, password or query: inputs are stored unencrypted in Temporal, and a signed URL is a secret. Put the file into a store of ferry.yaml and name it by `store` and `object`',
  ];
}

function hasControls(text: string): boolean {
  return [...text].some((sign) => (sign.codePointAt(0) ?? 0) < 32);
}

function hasDots(key: string): boolean {
  return key.split('/').some((name) => name === '.' || name === '..');
}
