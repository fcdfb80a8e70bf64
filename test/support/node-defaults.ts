// What a node's configuration file can set for new collections, all at once: `--config-path`.

export const NODE_DEFAULTS = {
  storage: {
    on_disk_payload: false,
    hnsw_index: { on_disk: true, payload_m: 24 },
    optimizers: { max_segment_size_kb: 150_000, max_optimization_threads: 0, memmap_threshold_kb: 50_000 },
    collection: {
      vectors: { on_disk: true },
      quantization: { scalar: { type: 'int8', quantile: 0.9 } },
      strict_mode: {
        enabled: true,
        max_query_limit: 50,
        upsert_max_batchsize: 20,
        max_payload_index_count: 2,
        unindexed_filtering_retrieve: false,
        unindexed_filtering_update: false,
        search_allow_exact: false,
        search_max_oversampling: 1.5,
        max_collection_vector_size_bytes: 1_000_000,
        filter_max_conditions: 10,
      },
    },
  },
};
