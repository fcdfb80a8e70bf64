// What the demo moves: a small real collection and a larger made one, both created and filled here.

import { samplePoints } from './debian-packages.js';
import { fillCollection, type OnFilled, qdrantRequest } from './fill-collection.js';
import { MADE_DIMENSION, madePoints } from './made-points.js';

export const SAMPLE_COLLECTION = 'debian-packages';
export const MADE_COLLECTION = 'made-50k';

export interface FillMadeOptions {
  points?: number;
  seed?: number;
  collection?: string;
  onProgress?: OnFilled;
}

/** 4,000 Debian packages with their embeddings, as `debian-packages`, alias `packages`. Returns the number of points. */
export async function fillSample(url: string, onProgress?: OnFilled): Promise<number> {
  const points = await samplePoints();
  await recreate(url, SAMPLE_COLLECTION, SAMPLE_CONFIGURATION);
  await createIndexes(url, SAMPLE_COLLECTION, SAMPLE_INDEXES);
  await fillCollection(url, SAMPLE_COLLECTION, points, points.length, onProgress);
  await createAlias(url, SAMPLE_COLLECTION, 'packages');
  return points.length;
}

/** A payload of every type, dense and sparse vectors, indexes, a configuration far from the default; alias `made`. */
export async function fillMade(url: string, options: FillMadeOptions = {}): Promise<number> {
  const { points = 50_000, seed = 1, collection = MADE_COLLECTION, onProgress } = options;
  await recreate(url, collection, MADE_CONFIGURATION);
  await createIndexes(url, collection, MADE_INDEXES);
  await fillCollection(url, collection, madePoints(points, seed), points, onProgress);
  await createAlias(url, collection, 'made');
  return points;
}

const SAMPLE_CONFIGURATION = {
  vectors: { size: 384, distance: 'Cosine' },
  optimizers_config: { indexing_threshold: 1_000, default_segment_number: 2 },
};

const SAMPLE_INDEXES: Record<string, unknown> = {
  section: 'keyword',
  installed_kb: 'integer',
  tags: 'keyword',
  summary: { type: 'text', tokenizer: 'word', lowercase: true, min_token_len: 2 },
};

const MADE_CONFIGURATION = {
  vectors: {
    meaning: {
      size: MADE_DIMENSION,
      distance: 'Cosine',
      on_disk: true,
      hnsw_config: { m: 24, ef_construct: 128 },
      quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } },
    },
  },
  sparse_vectors: { words: { modifier: 'idf', index: { on_disk: true, full_scan_threshold: 4_000 } } },
  shard_number: 1,
  on_disk_payload: true,
  hnsw_config: { m: 12, ef_construct: 80, full_scan_threshold: 8_000, payload_m: 8 },
  optimizers_config: { default_segment_number: 3, indexing_threshold: 40_000, flush_interval_sec: 7 },
  wal_config: { wal_capacity_mb: 48, wal_segments_ahead: 1 },
  metadata: { owner: 'qdrant-ferry demo', revision: 3 },
};

const MADE_INDEXES: Record<string, unknown> = {
  name: { type: 'keyword', on_disk: true },
  batch: { type: 'uuid', is_tenant: true },
  stock: { type: 'integer', lookup: true, range: true },
  price: 'float',
  active: 'bool',
  made_at: { type: 'datetime', is_principal: true },
  place: 'geo',
  'maker.city': 'keyword',
  text: { type: 'text', tokenizer: 'multilingual', lowercase: true, phrase_matching: true },
};

async function recreate(url: string, collection: string, configuration: unknown): Promise<void> {
  await qdrantRequest(url, 'DELETE', `/collections/${collection}`);
  await qdrantRequest(url, 'PUT', `/collections/${collection}`, JSON.stringify(configuration));
}

async function createIndexes(url: string, collection: string, indexes: Record<string, unknown>) {
  for (const [field_name, field_schema] of Object.entries(indexes)) {
    const body = JSON.stringify({ field_name, field_schema });
    await qdrantRequest(url, 'PUT', `/collections/${collection}/index?wait=true`, body);
  }
}

async function createAlias(url: string, collection_name: string, alias_name: string): Promise<void> {
  const body = JSON.stringify({ actions: [{ create_alias: { collection_name, alias_name } }] });
  await qdrantRequest(url, 'POST', '/collections/aliases', body);
}
