// Runs as ferry leaves them in a store, each collection with one small shard: for tests of which backup is chosen.

import { timeOfBackup } from '../../src/model/format/backup-names.js';
import {
  backupKey,
  collectionFolder,
  completeKey,
  manifestKey,
  startedKey,
} from '../../src/model/format/backup-names.js';
import { collectionManifestSchema, completeDocumentSchema } from '../../src/model/format/manifest.js';
import { type IdsRef } from '../../src/model/format/fields.js';
import {
  backupDocumentSchema,
  startedDocumentSchema,
  type BackupDocument,
} from '../../src/model/format/run-documents.js';
import type { MemoryStore } from './memory-store.js';

export interface KeptRun {
  cluster?: string;
  backup: string;
  /** What became of each. */
  collections: Record<string, 'complete' | 'failed' | 'partial'>;
  /** Alias → collection. */
  aliases?: Record<string, string>;
  identity?: string[];
  scope?: 'all' | 'named';
  /** Whose schedule took it, by patterns. */
  policy?: string;
  selection?: { collections?: string[]; exclude?: string[] };
  interrupted?: boolean;
  /** Of each collection. */
  ids?: IdsRef;
  /** The run still goes on, or died. */
  unfinished?: boolean;
  /** When the store says that it was stored. */
  storedAt?: string;
}

const SHARD = 'a snapshot';
const INFO = '{"config":{"params":{"vectors":{"size":4,"distance":"Dot"}}}}';

export function keepRun(store: MemoryStore, run: KeptRun): void {
  const { cluster = 'prod', backup, identity = ['1'], scope = 'all', storedAt } = run;
  const time = (timeOfBackup(backup) ?? new Date()).toISOString();
  const at = storedAt ?? time;
  const aliases = Object.entries(run.aliases ?? {}).map(([alias, collection]) => ({ alias, collection }));
  const { policy, selection } = run;
  const shared = {
    ...{ version: 2, backup, cluster, clusterIdentity: identity, startedAt: time, qdrantVersion: '1.17.0' },
    ...{ ferryVersion: '0.1.0', workflowId: 'a job', scope, aliases },
    ...(policy === undefined ? {} : { policy, scope: 'policy', selection }),
  };
  const collections = Object.keys(run.collections);
  const started = { ...shared, format: 'qdrant-ferry/started', collections };
  store.write(startedKey(cluster, backup), startedDocumentSchema.parse(started), at);
  const lines: BackupDocument['collections'] = [];
  for (const [collection, outcome] of Object.entries(run.collections)) {
    if (outcome === 'failed') lines.push({ collection, outcome, error: 'ObjectDamaged: a bit' });
    else
      lines.push({
        collection,
        outcome,
        manifestSha256: keepCollection(store, run, collection, outcome, at),
      });
  }
  if (run.unfinished) return;
  const document = {
    ...{ ...shared, format: 'qdrant-ferry/backup', kind: 'full', finishedAt: time, collections: lines },
    ...(run.interrupted ? { interrupted: true } : {}),
  };
  store.write(backupKey(cluster, backup), backupDocumentSchema.parse(document), at);
}

function keepCollection(
  store: MemoryStore,
  { cluster = 'prod', backup, identity = ['1'], aliases = {}, ids }: KeptRun,
  collection: string,
  outcome: 'complete' | 'partial',
  at: string,
): string {
  const time = (timeOfBackup(backup) ?? new Date()).toISOString();
  const key = `${collectionFolder(cluster, backup, collection)}s.snapshot`;
  const sha256 = store.write(key, SHARD, at);
  const part = { key, offset: 0, bytes: SHARD.length, sha256 };
  const manifest = collectionManifestSchema.parse({
    ...{ format: 'qdrant-ferry/collection', version: 2, backup, kind: 'full', cluster, collection },
    ...{ clusterIdentity: identity, startedAt: time, finishedAt: time, settingsAt: time, countedAt: time },
    ...{ qdrantVersion: '1.17.0', ferryVersion: '0.1.0', info: INFO, sharding: 'auto' },
    capture: { method: 'snapshot', mode: 'stream' },
    aliases: Object.keys(aliases).filter((alias) => aliases[alias] === collection),
    ...{ shardKeys: [], points: 7, notes: [] },
    ...(ids === undefined ? {} : { ids }),
    ...(outcome === 'partial' ? { partial: { reason: 'a migration was filling it' } } : {}),
    shards: [
      {
        ...{ id: 0, ordinal: 0, name: 's.snapshot', bytes: SHARD.length, sha256, parts: [part] },
        ...{ startedAt: time, finishedAt: time },
      },
    ],
  });
  const manifestSha256 = store.write(manifestKey(cluster, backup, collection), manifest, at);
  const complete = completeDocumentSchema.parse({
    ...{ format: 'qdrant-ferry/complete', version: 2, backup, cluster, collection, manifestSha256 },
    ...{ verify: 'full', checkedAt: time },
  });
  store.write(completeKey(cluster, backup, collection), complete, at);
  return manifestSha256;
}
