// What ferry.yaml may say, after `${NAME}` was replaced. Messages name the field and never repeat a value:
// any value may be a secret.

import * as z from 'zod';
import type { ClusterConnection, NodeAddress } from './cluster.js';
import { FerryError } from './errors.js';
import { DATA_QUEUE } from './names.js';
import { S3_PARTS, type PartRules } from './format/part-sizes.js';
import { notifierSchema, type Notifier } from './health/notifier-schema.js';
import { policySchema } from './policies/policy-schema.js';

const ALIAS = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
// zod would repeat the name of an unlawful key only as a path; that is wanted, a name is no secret.
const alias = z.string().regex(ALIAS, 'an alias is letters, digits, ".", "_" and "-", at most 64 of them');
const taskQueue = z.string().min(1).max(200);

const httpUrl = z
  .string()
  .superRefine((text, issue) =>
    urlFaults(text, ['http:', 'https:']).forEach((message) => issue.addIssue(message)),
  );
const storeUrl = z
  .string()
  .superRefine((text, issue) =>
    urlFaults(text, ['s3:', 'file:']).forEach((message) => issue.addIssue(message)),
  );

const nodeSchema = z.strictObject({ url: httpUrl, grpcUrl: httpUrl.optional() });

const clusterSchema = z
  .strictObject({
    url: httpUrl.optional(),
    grpcUrl: httpUrl.optional(),
    /** False: REST only. Points then go as text, bit for bit but more slowly. */
    grpc: z.boolean().optional(),
    nodes: z.array(nodeSchema).min(1).optional(),
    apiKey: z.string().min(1).optional(),
    /** Path, relative to ferry.yaml, of a file that holds it; read again when it changes. */
    apiKeyFile: z.string().min(1).optional(),
    /** Path of a PEM file, relative to ferry.yaml. */
    ca: z.string().min(1).optional(),
    /** Another name of `ca`. */
    caFile: z.string().min(1).optional(),
    /** Client certificate with its chain, and its key (PEM), for a cluster that asks for one. */
    certFile: z.string().min(1).optional(),
    keyFile: z.string().min(1).optional(),
    taskQueue: taskQueue.optional(),
  })
  .superRefine((cluster, issue) => {
    if (cluster.apiKey !== undefined && cluster.apiKeyFile !== undefined) {
      issue.addIssue('set either `apiKey` or `apiKeyFile`');
    }
    if (cluster.ca !== undefined && cluster.caFile !== undefined) {
      issue.addIssue('`ca` and `caFile` are the same: set only one of them');
    }
    if ((cluster.certFile === undefined) !== (cluster.keyFile === undefined)) {
      issue.addIssue('`certFile` and `keyFile` belong together');
    }
    if ((cluster.url === undefined) === (cluster.nodes === undefined)) {
      issue.addIssue('set either `url` (one node, or a load balancer) or `nodes` (every node)');
    }
    if (cluster.nodes !== undefined && cluster.grpcUrl !== undefined) {
      issue.addIssue('with `nodes`, `grpcUrl` belongs to each node');
    }
    const isNamed =
      cluster.grpcUrl !== undefined || cluster.nodes?.some((node) => node.grpcUrl !== undefined);
    if (cluster.grpc === false && isNamed)
      issue.addIssue('`grpc: false` and `grpcUrl` contradict each other; remove one of them');
  });

const CREDENTIALS = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const;

const storeSchema = z
  .strictObject({
    url: storeUrl,
    region: z.string().min(1).optional(),
    endpoint: httpUrl.optional(),
    /** Whose S3 it is: sets what that provider needs. Without one: AWS, or whatever a probe finds at `endpoint`. */
    profile: z.enum(['aws', 'oss', 'gcs', 'minio', 'r2', 'b2', 'scaleway', 'ceph']).optional(),
    /** Of every part of an upload but the last, 5 MiB to 5 GiB; it takes three times as much memory for each upload. */
    partSizeBytes: z.int().min(5_242_880).max(5_368_709_120).optional(),
    /** The most parts of an upload that the store takes. */
    maxParts: z.int().min(1).max(10_000).optional(),
    taskQueue: taskQueue.optional(),
    /** Backups in it are listed and recovered; none is written, pinned or removed. */
    readOnly: z.boolean().optional(),
    /** The ordinary AWS chain (environment, profile, role) where these are absent. */
    accessKeyId: z.string().min(1).optional(),
    secretAccessKey: z.string().min(1).optional(),
    /** Of credentials that end. */
    sessionToken: z.string().min(1).optional(),
    /** Paths, relative to ferry.yaml, of files that hold them; read again when the store refuses what was in them. */
    accessKeyIdFile: z.string().min(1).optional(),
    secretAccessKeyFile: z.string().min(1).optional(),
    sessionTokenFile: z.string().min(1).optional(),
    /** "https://host/bucket" instead of "https://bucket.host"; by itself where an endpoint is given. */
    pathStyle: z.boolean().optional(),
    sse: z.union([z.literal('AES256'), z.strictObject({ kms: z.string().min(1) })]).optional(),
    storageClass: z.string().min(1).optional(),
  })
  .superRefine(({ url, taskQueue: _queue, readOnly: _readOnly, ...ofS3 }, issue) => {
    const has = (field: (typeof CREDENTIALS)[number]) =>
      ofS3[field] !== undefined || ofS3[`${field}File`] !== undefined;
    for (const field of CREDENTIALS) {
      if (ofS3[field] !== undefined && ofS3[`${field}File`] !== undefined)
        issue.addIssue(`set either \`${field}\` or \`${field}File\``);
    }
    if (has('accessKeyId') !== has('secretAccessKey')) {
      issue.addIssue('`accessKeyId` and `secretAccessKey` belong together');
    }
    if (has('sessionToken') && !has('accessKeyId')) {
      issue.addIssue('`sessionToken` belongs to `accessKeyId` and `secretAccessKey`');
    }
    const given = Object.keys(ofS3).filter((field) => ofS3[field as keyof typeof ofS3] !== undefined);
    if (url.startsWith('file:') && given.length > 0) {
      issue.addIssue(`a file:// store has no ${given.map((field) => `\`${field}\``).join(', ')}`);
    }
  });

const fields = z.strictObject({
  /** Whose schedules are whose, where several ferry.yaml share a namespace of Temporal. */
  installation: alias.default('default'),
  clusters: z.record(alias, clusterSchema),
  stores: z.record(alias, storeSchema).default({}),
  defaults: z.strictObject({ store: alias.optional() }).default({}),
  policies: z.record(alias, policySchema).default({}),
  notifiers: z.record(alias, notifierSchema).default({}),
  temporal: z
    .strictObject({
      address: z.string().min(1).optional(),
      namespace: z.string().min(1).optional(),
      /** Of the web UI, for links: "http://localhost:8233". */
      ui: httpUrl.optional(),
    })
    .default({}),
});

/** What a policy names is in the same file. */
export const configurationSchema = fields.superRefine((all, issue) => {
  const { clusters, stores, defaults, policies, notifiers } = all;
  for (const [name, policy] of Object.entries(policies)) {
    const { clusters: protectedOnes, store = defaults.store, rehearse, notify = [] } = policy;
    const refuse = (path: (string | number)[], message: string) =>
      issue.addIssue({ code: 'custom', path: ['policies', name, ...path], message });
    protectedOnes.forEach((one, at) => {
      if (!Object.hasOwn(clusters, one)) refuse(['clusters', at], noSuch('cluster', clusters));
    });
    if (rehearse && !Object.hasOwn(clusters, rehearse.cluster))
      refuse(['rehearse', 'cluster'], noSuch('cluster', clusters));
    notify.forEach((one, at) => {
      if (!Object.hasOwn(notifiers, one)) refuse(['notify', at], noSuch('notifier', notifiers));
    });
    if (store === undefined)
      refuse(['store'], 'is missing: name a store here, or in `defaults.store` for all policies');
    else if (!Object.hasOwn(stores, store)) refuse(['store'], noSuch('store', stores));
  }
});

function noSuch(what: string, there: object): string {
  const known = Object.keys(there).sort().join(', ') || 'none';
  return `is not a ${what} of this file, which has: ${known}`;
}

export type Configuration = z.infer<typeof configurationSchema>;
export type ClusterEntry = Configuration['clusters'][string];
export type StoreEntry = Configuration['stores'][string];
export type StoreConnection = StoreEntry & { alias: string };

export interface FerryConfig {
  /** The file it was read from. */
  path: string;
  installation: string;
  clusters: Record<string, ClusterConnection>;
  stores: Record<string, StoreConnection>;
  defaults: Configuration['defaults'];
  policies: Configuration['policies'];
  notifiers: Record<string, Notifier>;
  temporal: Configuration['temporal'];
}

/** The cluster of that alias, or `UnknownAlias` naming those that exist. */
export function requireCluster(config: Pick<FerryConfig, 'clusters'>, name: string): ClusterConnection {
  const found = Object.hasOwn(config.clusters, name) ? config.clusters[name] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(config.clusters).sort().join(', ') || 'none';
  throw new FerryError('UnknownAlias', `There is no cluster "${name}" in ferry.yaml; it has: ${known}`);
}

/** The store of that alias, the default one without, or an error naming those that exist. */
export function requireStore(
  config: Pick<FerryConfig, 'stores' | 'defaults'>,
  name: string | undefined = config.defaults.store,
): StoreConnection {
  const known = Object.keys(config.stores).sort().join(', ') || 'none';
  if (name === undefined) {
    const happened = `No store was named, and ferry.yaml has no \`defaults.store\`; its stores: ${known}`;
    const remedy = 'Name one with `store` (`--store`), or set `defaults.store` in ferry.yaml.';
    throw new FerryError('UnknownAlias', happened, { remedy });
  }
  const found = Object.hasOwn(config.stores, name) ? config.stores[name] : undefined;
  if (found !== undefined) return found;
  throw new FerryError('UnknownAlias', `There is no store "${name}" in ferry.yaml; it has: ${known}`);
}

/** What a profile says of the parts of an upload, and what ferry.yaml says besides. */
const PROFILE_PARTS: Partial<Record<NonNullable<StoreConnection['profile']>, Partial<PartRules>>> = {
  // "All parts except the last one must be the same size": developers.cloudflare.com/r2/objects/multipart-objects
  r2: { alike: true },
  // "1 to 1000 parts per object": scaleway.com/en/docs/storage/object/api-cli/multipart-uploads
  scaleway: { maxParts: 1_000 },
};

export function partRulesOf({ profile, partSizeBytes, maxParts }: StoreConnection): PartRules {
  return {
    ...S3_PARTS,
    ...(profile === undefined ? {} : PROFILE_PARTS[profile]),
    ...(partSizeBytes === undefined ? {} : { partSizeBytes }),
    ...(maxParts === undefined ? {} : { maxParts }),
  };
}

/** A folder: on another machine the same URL may be another disk, or none. */
export function isDisk({ url }: Pick<StoreConnection, 'url'>): boolean {
  return url.startsWith('file:');
}

/** The queues whose workers read and write a store: its own, or else those of the clusters. */
export function queuesOfStore(config: Pick<FerryConfig, 'clusters'>, store: StoreConnection): string[] {
  if (store.taskQueue !== undefined) return [store.taskQueue];
  const queues = Object.values(config.clusters).map((cluster) => cluster.taskQueue ?? DATA_QUEUE);
  return [...new Set(queues)].sort();
}

export function clusterNodes(entry: ClusterEntry): NodeAddress[] {
  const given = entry.nodes ?? (entry.url === undefined ? [] : [{ url: entry.url, grpcUrl: entry.grpcUrl }]);
  return given.map((node) => ({
    url: withoutSlash(node.url),
    grpcUrl: withoutSlash(node.grpcUrl ?? besidePort(node.url, '6334')),
  }));
}

function urlFaults(text: string, schemes: string[]): string[] {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !schemes.includes(url.protocol)) {
    return [`must be a URL that begins with ${schemes.map((scheme) => `${scheme}//`).join(' or ')}`];
  }
  const faults: string[] = [];
  if (url.username !== '' || url.password !== '') {
    faults.push('must not hold credentials: URLs are shown in messages; there are fields for keys');
  }
  if (url.search !== '' || url.hash !== '') faults.push('must not have a query or a fragment');
  return faults;
}

function besidePort(url: string, port: string): string {
  const beside = new URL(url);
  return `${beside.protocol}//${beside.hostname}:${port}`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
