// A collection with custom shard keys, words and a number: the same ids under two keys, and a key without points.
// Needs a node in cluster mode.

import { createIndex, recreateCollection, rest, type RestSide, upsertTexts } from './rest-text.js';

export const WORST_SHARDED = 'worst-sharded';
/** As JSON text. */
export const SHARD_KEYS = ['"eu"', '"us"', '"empty"', '7', '18446744073709551615'];

/** `largest` number in a payload: between nodes Qdrant turns whole numbers of 2^63 and more into doubles, by itself. */
export async function fillSharded(
  side: RestSide,
  name = WORST_SHARDED,
  perKey = 150,
  largest = 18_446_744_073_709_551_615n,
): Promise<number> {
  await recreateCollection(side, name, CONFIGURATION);
  for (const key of SHARD_KEYS) await createKey(side, name, key);
  // only now: without a shard key 1.16 refuses the index ("Shard key not specified")
  await createIndex(side, name, 'k', '"keyword"');
  const filled = SHARD_KEYS.filter((key) => key !== '"empty"');
  for (const key of filled) {
    const points = Array.from({ length: perKey }, (_, i) => pointText(i, key, largest));
    await upsertTexts(side, name, points, key);
  }
  return filled.length * perKey;
}

const CONFIGURATION = `{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom","shard_number":1,
  "replication_factor":1,"write_consistency_factor":1}`;

async function createKey(side: RestSide, name: string, key: string): Promise<void> {
  const shards = key === '"us"' ? 2 : 1;
  await rest(side, 'PUT', `/collections/${name}/shards`, `{"shard_key":${key},"shards_number":${shards}}`);
}

/** The same ids under every key, with other payloads and vectors. */
function pointText(i: number, key: string, largest: bigint): string {
  const id = i % 5 === 4 ? `"00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}"` : String(i);
  const weight = `${key.length}.${i}`;
  return `{"id":${id},"vector":[${weight},-0.0,1.0,0.5],"payload":{"k":${JSON.stringify(key)},"n":${9_007_199_254_740_993n + BigInt(i)},"u":${largest - BigInt(i)}}}`;
}
