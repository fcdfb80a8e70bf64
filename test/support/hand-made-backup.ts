// A backup written by a stranger: from what docs/backup-format.md says and nothing else. Plain requests to Qdrant, objects
// put into a store, documents parsed by their schemas. Nothing of src/backup/ is used.

import { createHash } from 'node:crypto';
import { parse, stringify } from 'lossless-json';
import {
  backupKey,
  completeKey,
  collectionFolder,
  manifestKey,
  proofKey,
  snapshotName,
} from '../../src/model/format/backup-names.js';
import {
  completeDocumentSchema,
  collectionManifestSchema,
  proofSchema,
  type CollectionManifest,
  type ManifestPart,
  type ManifestShard,
} from '../../src/model/format/manifest.js';
import { backupDocumentSchema, type BackupDocument } from '../../src/model/format/run-documents.js';
import type { RangeDigest } from '../../src/model/format/digest.js';
import type { ObjectStore } from '../../src/storage/object-store.js';

export interface HandMade {
  /** REST address of every node. */
  nodes: string[];
  collection: string;
  cluster?: string;
  backup?: string;
  /** Cut into parts of so many bytes. */
  partBytes?: number;
  digest?: RangeDigest;
  /** Changes the manifest before it is written. */
  change?(manifest: CollectionManifest): unknown;
  noManifest?: boolean;
  /** Without complete.json. */
  unchecked?: boolean;
  /** The manifest that complete.json names, where it is another one. */
  checkedSha256?: string;
}

export interface MadeBackup {
  backup: string;
  manifest: CollectionManifest;
  manifestKey: string;
}

const BACKUP = '20261123_010203-0a1b2c3d';

interface Replica {
  url: string;
  shard: number;
  key: unknown;
}

export async function makeBackup(store: ObjectStore, wanted: HandMade): Promise<MadeBackup> {
  const { collection, cluster = 'source', backup = BACKUP } = wanted;
  const [first = ''] = wanted.nodes;
  const startedAt = new Date('2026-11-23T01:02:03Z');
  const folder = collectionFolder(cluster, backup, collection);
  const at = `/collections/${encodeURIComponent(collection)}`;
  const shards: ManifestShard[] = [];
  const ordinals = new Map<string, number>();
  const replicas = await replicasOf(wanted.nodes, at);
  for (const { url, shard, key } of replicas) {
    const shardKey = shardKeyOf(key);
    const group = JSON.stringify(shardKey ?? null);
    const ordinal = ordinals.get(group) ?? 0;
    ordinals.set(group, ordinal + 1);
    const name = snapshotName(collection, startedAt, shard, '0a1b2c3d');
    const body = await bytesAt(`${url}${at}/shards/${shard}/snapshot`);
    const parts = await putInParts(store, `${folder}${name}`, body, wanted.partBytes);
    const times = { startedAt: startedAt.toISOString(), finishedAt: new Date().toISOString() };
    const which = shardKey === undefined ? {} : { shardKey };
    shards.push({ id: shard, ...which, ordinal, name, bytes: body.length, parts, ...times });
  }
  const info = stringify(resultOf(await textAt(`${first}${at}`))) ?? '';
  const { sharding_method } = (parse(info) as { config: { params: { sharding_method?: string } } }).config
    .params;
  const count = await textAt(`${first}${at}/points/count`, '{"exact":true}');
  const aliases = (resultOf(await textAt(`${first}${at}/aliases`)) as { aliases: { alias_name: string }[] })
    .aliases;
  const version = (parse(await textAt(`${first}/`)) as { version: string }).version;
  const manifest: CollectionManifest = {
    format: 'qdrant-ferry/collection',
    version: 2,
    backup,
    kind: 'full',
    cluster,
    clusterIdentity: [],
    collection,
    startedAt: startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    qdrantVersion: version,
    ferryVersion: '0.2.0',
    capture: { method: 'snapshot', mode: 'stream' },
    settingsAt: new Date().toISOString(),
    info,
    aliases: aliases.map((one) => one.alias_name),
    sharding: sharding_method === 'custom' ? 'custom' : 'auto',
    shardKeys: keysOf(shards),
    countedAt: new Date().toISOString(),
    points: Number(String((resultOf(count) as { count: unknown }).count)),
    shards,
    notes: [],
  };
  const written = wanted.change ? wanted.change(collectionManifestSchema.parse(manifest)) : manifest;
  const text = JSON.stringify(written, null, 1);
  const key = manifestKey(cluster, backup, collection);
  if (!wanted.noManifest) await store.put(key, Buffer.from(text), { ifAbsent: true });
  const manifestSha256 = sha256(Buffer.from(text));
  if (!wanted.noManifest && !wanted.unchecked) {
    const complete = completeDocumentSchema.parse({
      ...{ format: 'qdrant-ferry/complete', version: 2, backup, cluster, collection },
      ...{ manifestSha256: wanted.checkedSha256 ?? manifestSha256, verify: 'full' },
      checkedAt: new Date().toISOString(),
    });
    await store.put(completeKey(cluster, backup, collection), Buffer.from(JSON.stringify(complete)));
  }
  if (wanted.digest) {
    const proof = proofSchema.parse({
      format: 'qdrant-ferry/proof',
      version: 2,
      ...{ backup, cluster, collection, kind: 'quiesced', at: new Date().toISOString(), manifestSha256 },
      digest: { version: 1, ...wanted.digest },
    });
    await store.put(
      proofKey(cluster, backup, collection, 'quiesced', new Date()),
      Buffer.from(JSON.stringify(proof)),
    );
  }
  return { backup, manifest, manifestKey: key };
}

/** Last of all, and optional for whoever restores. */
export async function closeBackup(
  store: ObjectStore,
  made: MadeBackup[],
  more: Partial<BackupDocument> = {},
): Promise<void> {
  const [first] = made;
  if (!first) return;
  const { cluster, backup, qdrantVersion } = first.manifest;
  const document = backupDocumentSchema.parse({
    format: 'qdrant-ferry/backup',
    version: 2,
    ...{ backup, kind: 'full', cluster, qdrantVersion, ferryVersion: '0.2.0', workflowId: 'by-hand' },
    ...{ clusterIdentity: [], scope: 'named', aliases: [] },
    ...{ startedAt: first.manifest.startedAt, finishedAt: new Date().toISOString() },
    collections: made.map(({ manifest }) => ({
      collection: manifest.collection,
      outcome: 'complete',
    })),
    ...more,
  });
  await store.put(backupKey(cluster, backup), Buffer.from(JSON.stringify(document)), { ifAbsent: true });
}

/** One replica of each shard, in order of id. */
async function replicasOf(nodes: string[], at: string): Promise<Replica[]> {
  const found = new Map<number, Replica>();
  for (const url of nodes) {
    const { local_shards } = resultOf(await textAt(`${url}${at}/cluster`)) as {
      local_shards: { shard_id: unknown; shard_key?: unknown }[];
    };
    for (const { shard_id, shard_key } of local_shards) {
      const shard = Number(String(shard_id));
      if (!found.has(shard)) found.set(shard, { url, shard, key: shard_key });
    }
  }
  return [...found.values()].sort((a, b) => a.shard - b.shard);
}

function shardKeyOf(key: unknown): ManifestShard['shardKey'] {
  if (key === undefined || key === null) return undefined;
  return typeof key === 'string' ? { keyword: key } : { number: String(key) };
}

function keysOf(shards: ManifestShard[]): CollectionManifest['shardKeys'] {
  const keys = new Map<string, CollectionManifest['shardKeys'][number]>();
  for (const { shardKey } of shards) {
    if (shardKey === undefined) continue;
    const known = keys.get(JSON.stringify(shardKey));
    if (known) known.shards += 1;
    else keys.set(JSON.stringify(shardKey), { shardKey, shards: 1, replicas: 1 });
  }
  return [...keys.values()];
}

async function putInParts(
  store: ObjectStore,
  key: string,
  body: Buffer,
  partBytes?: number,
): Promise<ManifestPart[]> {
  await store.put(key, body);
  const size = partBytes ?? body.length;
  const parts: ManifestPart[] = [];
  for (let offset = 0; offset < body.length; offset += size) {
    const piece = body.subarray(offset, offset + size);
    parts.push({ key, offset, bytes: piece.length, sha256: sha256(piece) });
  }
  return parts;
}

export function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

function resultOf(text: string): unknown {
  return (parse(text) as { result: unknown }).result;
}

async function textAt(url: string, body?: string): Promise<string> {
  const request = { method: 'POST', body: body ?? '', headers: { 'content-type': 'application/json' } };
  const answer = await fetch(url, body === undefined ? {} : request);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${text}`);
  return text;
}

async function bytesAt(url: string): Promise<Buffer> {
  const answer = await fetch(url, { headers: { 'accept-encoding': 'identity' } });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return Buffer.from(await answer.arrayBuffer());
}
