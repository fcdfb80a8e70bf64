// The worst collections we can make: every kind of vector, id, payload and index, written as hand-made text.

import { seededRandom, type SeededRandom } from '../../demo/seeded-random.js';
import {
  collectionPath,
  createIndex,
  recreateCollection,
  rest,
  type RestSide,
  upsertTexts,
} from './rest-text.js';
import { largePayload, WORST_PAYLOADS } from './worst-payloads.js';

export const WORST = 'worst';
export const WORST_HALVES = 'worst-halves';

const BORDER_IDS = [
  '0',
  '1',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '18446744073709551614',
  '18446744073709551615',
  '"00000000-0000-0000-0000-000000000000"',
  '"00000000-0000-0000-0000-000000000001"',
  '"7fffffff-ffff-ffff-ffff-ffffffffffff"',
  '"80000000-0000-0000-0000-000000000000"',
  '"ffffffff-ffff-ffff-ffff-ffffffffffff"',
];

/** Id of a point in the middle of the collection whose payload is safe to damage. */
export const DAMAGED_ID = '1500';
export const LOST_ID = '"c0ffee00-0000-4000-8000-000000000001"';
export const EXTRA_ID = '9007199254740999';

export interface WorstSize {
  ordinary?: number;
  /** Points of several megabytes: off where they would only cost time. */
  large?: boolean;
  shards?: number;
  replicas?: number;
  /** For several nodes: between them Qdrant turns whole numbers of 2^63 and more into doubles, by itself. */
  spread?: boolean;
  /** Small limits on what one request may ask for. */
  strict?: boolean;
}

/** Creates and fills `worst`; returns the number of points. */
export async function fillWorst(side: RestSide, name = WORST, size: WorstSize = {}): Promise<number> {
  const { ordinary = 600, large = true, shards = 1, replicas = 1, strict = false, spread = false } = size;
  const layout = `{"shard_number": ${shards}, "replication_factor": ${replicas},`;
  const text = CONFIGURATION.replace('{', layout);
  await recreateCollection(side, name, spread ? text.replace(HUGE, '9007199254740993') : text);
  for (const [field, schema] of Object.entries(INDEXES)) {
    await createIndex(side, name, field, spread ? schema.replace('"english"', SPELT_OUT) : schema);
  }
  const random = seededRandom(11);
  const payloads = WORST_PAYLOADS.filter((text) => !spread || !HUGE.test(text));
  const points = [...oddPoints(payloads, random), ...ordinaryPoints(ordinary, random)];
  for (let from = 0; from < points.length; from += 200)
    await upsertTexts(side, name, points.slice(from, from + 200));
  const heavy = large ? largePoints(random) : [];
  for (const point of heavy) await upsertTexts(side, name, [point]);
  await rest(side, 'POST', '/collections/aliases', aliasText(name));
  if (strict) await rest(side, 'PATCH', collectionPath(name), STRICT_MODE);
  return points.length + heavy.length;
}

/** Short float16 vectors with Cosine, some of which a target normalises again to other bits. */
export async function fillHalves(side: RestSide, name = WORST_HALVES, count = 2_000): Promise<number> {
  const vectors = '{"size":4,"distance":"Cosine","datatype":"float16"}';
  await recreateCollection(side, name, `{"vectors":${vectors}}`);
  const random = seededRandom(12);
  const points = Array.from(
    { length: count },
    (_, id) => `{"id":${id},"vector":${floats(4, random)},"payload":{}}`,
  );
  await upsertTexts(side, name, points);
  return count;
}

const CONFIGURATION = `{
  "vectors": {
    "dense": {"size": 8, "distance": "Dot"},
    "cosine": {"size": 64, "distance": "Cosine", "on_disk": true, "hnsw_config": {"m": 24, "ef_construct": 77},
      "quantization_config": {"scalar": {"type": "int8", "quantile": 0.95, "always_ram": true}}},
    "half": {"size": 8, "distance": "Euclid", "datatype": "float16"},
    "bytes": {"size": 8, "distance": "Manhattan", "datatype": "uint8"},
    "rows": {"size": 4, "distance": "Dot", "multivector_config": {"comparator": "max_sim"}},
    "half rows": {"size": 4, "distance": "Dot", "datatype": "float16", "multivector_config": {"comparator": "max_sim"}},
    "ünïcode 🦀": {"size": 2, "distance": "Dot"}
  },
  "sparse_vectors": {
    "words": {"modifier": "idf", "index": {"full_scan_threshold": 1234, "on_disk": true}},
    "half words": {"index": {"datatype": "float16"}}
  },
  "on_disk_payload": true,
  "hnsw_config": {"m": 13, "ef_construct": 99, "full_scan_threshold": 5000, "on_disk": true, "payload_m": 7},
  "optimizers_config": {"default_segment_number": 3, "indexing_threshold": 33333, "flush_interval_sec": 11,
    "deleted_threshold": 0.31, "vacuum_min_vector_number": 1111},
  "wal_config": {"wal_capacity_mb": 16, "wal_segments_ahead": 1},
  "metadata": {"owner": "the tests 🦀", "big": 18446744073709551615, "one": 1.0, "list": [null, 9007199254740993]}
}`;

const STRICT_MODE =
  '{"strict_mode_config":{"enabled":true,"max_query_limit":50,"upsert_max_batchsize":30,"max_timeout":90}}';

/** What one node of several says of the short form, and another not. */
const SPELT_OUT = '{"languages":["english"]}';

const INDEXES: Record<string, string> = {
  k: '{"type":"keyword","is_tenant":true,"on_disk":true}',
  n: '{"type":"integer","lookup":true,"range":false}',
  at_rank: '{"type":"integer","lookup":false,"range":true,"is_principal":true}',
  x: '"float"',
  flag: '{"type":"bool","on_disk":true}',
  place: '{"type":"geo","on_disk":true}',
  at: '{"type":"datetime","on_disk":true}',
  text: '{"type":"text","tokenizer":"prefix","min_token_len":2,"max_token_len":9,"lowercase":false}',
  'deep.text': '{"type":"text","tokenizer":"multilingual","phrase_matching":true,"stopwords":"english"}',
  owner: '{"type":"uuid"}',
  'list[].name': '"keyword"',
};

/** 2^63 and more, whole. */
const HUGE = /\b(9223372036854775(80[89]|8[1-9]\d|9\d\d)|1844674407370955\d{4})\b(?!\.)/;

function oddPoints(payloads: readonly string[], random: SeededRandom): string[] {
  const byId = BORDER_IDS.map((id, i) => pointText(id, vectorsText(random, i), payloads[i % 5]!));
  const byPayload = payloads.map((payload, i) => pointText(`${1_000 + i}`, vectorsText(random, i), payload));
  return [...byId, ...byPayload, ...missingVectors(random), ...oddVectors()];
}

/** Points with some, one, or none of the vectors, and with no payload in each of the ways to say so. */
function missingVectors(random: SeededRandom): string[] {
  return [
    pointText('2000', '{}', '{"vectors":"none"}'),
    '{"id":2001,"vector":{}}',
    '{"id":2002,"vector":{},"payload":null}',
    `{"id":2003,"vector":{"words":{"indices":[],"values":[]}},"payload":{}}`,
    pointText('2004', `{"dense":${floats(8, random)}}`, '{}'),
    pointText('2005', `{"words":{"indices":[4294967295,0,7],"values":[0.5,-0.25,1.0]}}`, '{}'),
    pointText('2006', `{"rows":[${floats(4, random)}]}`, '{}'),
  ];
}

function oddVectors(): string[] {
  return [
    // rows of whole floats: JSON.stringify would make integers of them, and 1.17 refuses those
    pointText(
      '3000',
      '{"rows":[[1.0,2.0,3.0,4.0],[5.0,6.0,7.0,8.0]],"half rows":[[1.0,0.0,0.0,-1.0]]}',
      '{}',
    ),
    pointText('3001', '{"dense":[-0.0,0.0,1.0,-1.0,3.4028235e38,1e-45,0.1,16777217.0]}', '{}'),
    pointText('3002', '{"half":[-0.0,65504.0,6e-8,0.1,-65504.0,1.0,0.333,2048.5]}', '{}'),
    pointText('3003', '{"bytes":[0,1,127,128,254,255,3,4]}', '{}'),
    pointText('3004', '{"cosine":[1.0' + ',0.0'.repeat(63) + '],"ünïcode 🦀":[0.1,-0.0]}', '{}'),
    pointText('3005', '{"cosine":[' + '0.0,'.repeat(63) + '0.0]}', '{}'),
    pointText(
      '3006',
      `{"rows":[${Array.from({ length: 200 }, (_, i) => `[${i}.0,0.5,-0.0,1e-30]`).join(',')}]}`,
      '{}',
    ),
  ];
}

function ordinaryPoints(count: number, random: SeededRandom): string[] {
  const texts = Array.from({ length: count }, (_, i) => {
    const id =
      i % 3 === 2 ? `"c0ffee00-0000-4000-8000-${i.toString(16).padStart(12, '0')}"` : `${5_000 + i * 977}`;
    return pointText(id, vectorsText(random, i), indexedPayload(i, random));
  });
  return [
    ...texts,
    pointText(DAMAGED_ID, vectorsText(random, 0), '{"text":"to be damaged","n":1}'),
    pointText(LOST_ID, vectorsText(random, 1), '{"text":"to be lost","n":2}'),
  ];
}

function indexedPayload(i: number, random: SeededRandom): string {
  const uuid = `${i.toString(16).padStart(8, '0')}-aaaa-4bbb-8ccc-dddddddddddd`;
  return `{"k":"tenant ${i % 7}","n":${i},"at_rank":${i * 3},"x":${i}.0,"flag":${i % 2 === 0},"place":{"lat":${i % 90},
    "lon":${-(i % 180)}.25},"at":"2024-0${1 + (i % 9)}-11T10:00:00.123456Z","text":"some words ${random.below(999)}",
    "deep":{"text":"the quick brown fox ${i}"},"owner":"${uuid}","list":[{"name":"a${i}"},{"name":null}]}`;
}

const LARGE_MEGABYTES = [3, 5, 4];

function largePoints(random: SeededRandom): string[] {
  const ids = ['4000', '4001', '"a0000000-0000-4000-8000-00000000000a"'];
  return ids.map((id, i) => pointText(id, vectorsText(random, i), largePayload(LARGE_MEGABYTES[i]!)));
}

const pointText = (id: string, vector: string, payload: string) =>
  `{"id":${id},"vector":${vector},"payload":${payload}}`;

/** All the vectors, but one of them left out of every point in turn. */
function vectorsText(random: SeededRandom, turn: number): string {
  const vectors = [
    `"dense":${floats(8, random)}`,
    `"cosine":${floats(64, random)}`,
    `"half":${floats(8, random)}`,
    `"bytes":[${Array.from({ length: 8 }, () => random.below(256)).join(',')}]`,
    `"rows":[${floats(4, random)},${floats(4, random)},${floats(4, random)}]`,
    `"half rows":[${floats(4, random)},${floats(4, random)}]`,
    `"ünïcode 🦀":${floats(2, random)}`,
    `"words":{"indices":[${900 + turn},3,${70 + turn}],"values":${floats(3, random)}}`,
    `"half words":{"indices":[1,2],"values":${floats(2, random)}}`,
  ];
  return `{${vectors.filter((_, i) => i !== turn % 11).join(',')}}`;
}

function floats(count: number, random: SeededRandom): string {
  return `[${Array.from({ length: count }, () => String(Math.fround(random.next() * 2 - 1))).join(',')}]`;
}

function aliasText(name: string): string {
  const action = (alias: string) =>
    `{"create_alias":{"collection_name":"${name}","alias_name":"${name}-${alias}"}}`;
  return `{"actions":[${action('alias')},${action('псевдоним')}]}`;
}
