// A collection with every setting away from its default, made through plain REST text: nothing of src/ is used.

import { collectionPath, rest, type RestSide } from './rest-text.js';

const COLLECTION = `{
  "vectors": {
    "text": {"size":4,"distance":"Cosine","datatype":"float16","on_disk":true,
      "hnsw_config":{"m":24,"ef_construct":80,"payload_m":8,"on_disk":true},
      "quantization_config":{"scalar":{"type":"int8","quantile":0.95,"always_ram":true}}},
    "image": {"size":8,"distance":"Euclid","datatype":"uint8",
      "quantization_config":{"binary":{"always_ram":false,"encoding":"two_bits","query_encoding":"scalar8bits"}}},
    "late": {"size":4,"distance":"Dot","multivector_config":{"comparator":"max_sim"},
      "quantization_config":{"product":{"compression":"x16","always_ram":true}}},
    "city": {"size":4,"distance":"Manhattan"}
  },
  "sparse_vectors": {
    "words": {"index":{"full_scan_threshold":777,"on_disk":true,"datatype":"float16"},"modifier":"idf"},
    "plain": {}
  },
  "hnsw_config": {"m":20,"ef_construct":150,"full_scan_threshold":9000,"max_indexing_threads":1,"on_disk":true,
    "payload_m":12,"inline_storage":true},
  "optimizers_config": {"deleted_threshold":0.3,"vacuum_min_vector_number":1500,"default_segment_number":3,
    "max_segment_size":200000,"memmap_threshold":30000,"indexing_threshold":12345,"flush_interval_sec":7,
    "max_optimization_threads":1},
  "wal_config": {"wal_capacity_mb":16,"wal_segments_ahead":1,"wal_retain_closed":2},
  "quantization_config": {"scalar":{"type":"int8","quantile":0.99}},
  "on_disk_payload": false, "shard_number": 2, "replication_factor": 1, "write_consistency_factor": 1,
  "sharding_method": "custom",
  "strict_mode_config": {"enabled":true,"max_query_limit":500,"upsert_max_batchsize":100,"read_rate_limit":60000,
    "write_rate_limit":60000,"unindexed_filtering_retrieve":false,"max_payload_index_count":50},
  "metadata": {"big":18446744073709551615,"one":1.0,"1":1,"nested":{"n":9007199254740993,"none":null,"ü":"é"}}
}`;

export const SHARD_KEYS = [
  '{"shard_key":"zulu","shards_number":1}',
  '{"shard_key":18446744073709551615}',
  '{"shard_key":7,"shards_number":1}',
  '{"shard_key":"7","shards_number":3}',
];

const INDEXES = [
  '"keyword"',
  '{"type":"keyword","is_tenant":true,"on_disk":true}',
  '"integer"',
  '{"type":"integer","lookup":true,"range":false,"is_principal":true,"on_disk":true}',
  '"float"',
  '{"type":"float","is_principal":true,"on_disk":true}',
  '"bool"',
  '{"type":"bool","on_disk":true}',
  '"geo"',
  '{"type":"geo","on_disk":true}',
  '"datetime"',
  '{"type":"datetime","is_principal":true,"on_disk":true}',
  '"uuid"',
  '{"type":"uuid","is_tenant":true,"on_disk":true}',
  '"text"',
  '{"type":"text","stopwords":"german"}',
  `{"type":"text","tokenizer":"multilingual","min_token_len":2,"max_token_len":15,"lowercase":true,
    "ascii_folding":true,"phrase_matching":true,"stopwords":{"languages":["english"],"custom":["foo"]},
    "stemmer":{"type":"snowball","language":"english"},"on_disk":true}`,
];
export const INDEX_COUNT = INDEXES.length;

export async function makeEverything(side: RestSide, name: string): Promise<void> {
  const at = collectionPath(name);
  await rest(side, 'PUT', at, COLLECTION);
  for (const key of SHARD_KEYS) await rest(side, 'PUT', `${at}/shards`, key);
  await rest(side, 'PATCH', at, '{"params":{"read_fan_out_factor":2}}');
  for (const [position, schema] of INDEXES.entries()) {
    const body = `{"field_name":"f${position}.a[].b","field_schema":${schema}}`;
    await rest(side, 'PUT', `${at}/index?wait=true`, body);
  }
}
