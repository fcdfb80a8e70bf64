import type { Schemas } from '@qdrant/js-client-rest';
import { describe, expect, it, test } from 'vitest';
import {
  removedPaths,
  setPaths,
  settingsOf,
  reencodedVectors,
  SET_LATER,
  splitSettings,
  wholeConfig,
  wholeSettings,
  withOverrides,
} from '../../src/model/settings/collection-settings.js';
import {
  canonicalJson,
  fromPlain,
  mergePatch,
  parseJson,
  writeJson,
  type JsonObject,
} from '../../src/model/json.js';
import { takeAway } from '../../src/model/settings/node-defaults.js';
import {
  indexDifferences,
  misfits,
  settingDifferences,
} from '../../src/model/settings/settings-difference.js';
import type { HeldBack } from '../../src/model/collections.js';
import { stampJson, stampMetadata, stampOf, type StampedWork } from '../../src/model/stamp.js';
import { shapeOf } from '../../src/cluster/pin.js';

const object = (text: string): JsonObject => parseJson(text) as JsonObject;
const NAMED = object('{"vectors":{"a":{"size":4,"distance":"Dot"},"b":{"size":8,"distance":"Cosine"}}}');

test('keeps numbers over 2^53 and the difference of 1 and 1.0 through parsing, patching and writing', () => {
  const text = '{"u":18446744073709551615,"f":1.0,"i":1,"e":1e2}';
  expect(writeJson(parseJson(text))).toBe(text);
  expect(writeJson(mergePatch(parseJson(text), object('{"i":null,"x":9007199254740993}')))).toBe(
    '{"u":18446744073709551615,"f":1.0,"e":1e2,"x":9007199254740993}',
  );
});

test('reads the settings of a collection that is being filled as its stamp holds them back', () => {
  const heldBack = {
    indexingThreshold: '20000',
    strictMode: '{"enabled":true,"max_query_limit":50}',
  };
  const work: StampedWork = {
    kind: 'migration',
    name: 'a',
    job: 'j',
    state: 'open',
    renewedAt: '',
    source: [],
  };
  const config = object(
    '{"params":{},"optimizer_config":{"indexing_threshold":1000000000,"deleted_threshold":0.2},"strict_mode_config":{"enabled":false}}',
  );
  const stamped = (held: HeldBack): JsonObject => ({
    ...config,
    metadata: stampMetadata({ creation: 'c', work: { ...work, heldBack: held } }),
  });
  expect(canonicalJson(wholeSettings(stamped(heldBack)))).toBe(
    '{"optimizers_config":{"deleted_threshold":0.2,"indexing_threshold":20000},' +
      '"strict_mode_config":{"enabled":true,"max_query_limit":50}}',
  );
  expect(canonicalJson(wholeSettings(stamped({ indexingThreshold: 'null' })))).toBe(
    '{"optimizers_config":{"deleted_threshold":0.2}}',
  );
  expect(canonicalJson(settingsOf(stamped(heldBack)))).toContain('1000000000');
  expect(wholeConfig(config)).toBe(config);
});

test('merges patches as RFC 7396 has it', () => {
  const cases = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"a":1,"e":null}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target, patch, merged] of cases) {
    expect(canonicalJson(mergePatch(parseJson(target ?? ''), parseJson(patch ?? '')))).toBe(merged);
  }
});

test('turns what Qdrant says of a collection into a request that makes it', () => {
  const config = object(`{
    "params":{"vectors":{"size":4,"distance":"Dot"},"shard_number":2,"read_fan_out_factor":3},
    "optimizer_config":{"indexing_threshold":7,"memmap_threshold":null,"prevent_unoptimized":null},
    "quantization_config":null,"strict_mode_config":{"enabled":false},
    "metadata":{"a":null,"qdrant-ferry":{"migration":"x"}}}`);
  const { create, params } = splitSettings(settingsOf(config));
  expect(canonicalJson(create)).toBe(
    '{"metadata":{"a":null},"optimizers_config":{"indexing_threshold":7},"shard_number":2,' +
      '"vectors":{"distance":"Dot","size":4}}',
  );
  expect(canonicalJson(params)).toBe('{"read_fan_out_factor":3}');
});

test('passes settings of a newer Qdrant through, except the id of one collection', () => {
  const config = object(`{
    "params":{"vectors":{"a":{"size":4,"distance":"Dot","memory":"cold","datatype":"turbo4"}},
      "payload":{"memory":"cold"},"read_fan_out_delay_ms":5,"of_the_future":{"x":1}},
    "hnsw_config":{"m":16,"memory":"pinned"},"uuid":"3f1a",
    "strict_mode_config":{"enabled":true,"max_disk_usage_percent":90},"another_config":{"y":2}}`);
  const { create, params } = splitSettings(settingsOf(config));
  expect(canonicalJson(create)).toBe(
    '{"another_config":{"y":2},"hnsw_config":{"m":16,"memory":"pinned"},"of_the_future":{"x":1},' +
      '"payload":{"memory":"cold"},"strict_mode_config":{"enabled":true,"max_disk_usage_percent":90},' +
      '"vectors":{"a":{"datatype":"turbo4","distance":"Dot","memory":"cold","size":4}}}',
  );
  expect(canonicalJson(params)).toBe(
    '{"another_config":{"y":2},"of_the_future":{"x":1},"read_fan_out_delay_ms":5}',
  );
});

test('knows which parameters of a collection its create request does not take', () => {
  // Does not compile once Qdrant's OpenAPI has another one.
  type Later = Exclude<keyof Schemas['CollectionParams'], keyof Schemas['CreateCollection']>;
  const later: Record<Later, true> = { read_fan_out_factor: true, read_fan_out_delay_ms: true };
  expect(Object.keys(later).sort()).toEqual([...SET_LATER].sort());
});

test('names the vectors that Qdrant encodes again when they are written', () => {
  const config = object(`{"params":{"vectors":{
    "plain":{"size":4,"distance":"Cosine"},
    "half":{"size":4,"distance":"Cosine","datatype":"float16"},
    "half_dot":{"size":4,"distance":"Dot","datatype":"float16"},
    "bytes":{"size":4,"distance":"Cosine","datatype":"uint8"},
    "turbo":{"size":4,"distance":"Euclid","datatype":"turbo4"}}}}`);
  expect([...reencodedVectors(config)].sort()).toEqual(['half', 'turbo']);
});

test.each([
  ['a dimension', { vectors: { a: { size: 5 } } }, 'overrides.vectors.a.size'],
  ['a distance', { vectors: { a: { distance: 'Cosine' } } }, 'overrides.vectors.a.distance'],
  ['a datatype', { vectors: { a: { datatype: 'uint8' } } }, 'overrides.vectors.a.datatype'],
  ['multivectors', { vectors: { a: { multivector_config: {} } } }, 'overrides.vectors.a.multivector_config'],
  ['the loss of a vector', { vectors: { a: null } }, 'overrides.vectors.a would leave out'],
  ['the loss of all vectors', { vectors: null }, 'overrides.vectors must be an object'],
  ['a new vector', { vectors: { c: { size: 4 } } }, 'overrides.vectors.c: the source has no such vector'],
  ['a misspelt field', { vectors: { a: { ondisk: true } } }, 'has no setting "ondisk"'],
  ['our own stamp', { metadata: { 'qdrant-ferry': {} } }, 'where ferry leaves its own stamp'],
  ['an inexact number', { hnsw_config: { m: 2 ** 53 } }, 'over 2^53'],
])('refuses overrides with %s', (_, overrides, reason) => {
  expect(() => withOverrides(NAMED, overrides)).toThrow(reason);
});

test('lets overrides repeat what is, and change what does not touch the bits', () => {
  const overrides = { vectors: { a: { size: 4, datatype: 'float32', on_disk: true } }, shard_number: 6 };
  expect(canonicalJson(withOverrides(NAMED, overrides))).toBe(
    '{"shard_number":6,"vectors":{"a":{"datatype":"float32","distance":"Dot","on_disk":true,"size":4},' +
      '"b":{"distance":"Cosine","size":8}}}',
  );
});

test('asks to remove the old quantization where another is wanted', () => {
  const before = object('{"vectors":{},"quantization_config":{"scalar":{"type":"int8"}}}');
  const both = { quantization_config: { binary: {} } };
  expect(() => withOverrides(before, both)).toThrow('scalar and binary at once');
  const one = { quantization_config: { scalar: null, binary: {} } };
  expect(canonicalJson(withOverrides(before, one).quantization_config ?? null)).toBe('{"binary":{}}');
});

test('knows which settings an override sets and which it leaves to Qdrant', () => {
  const overrides = { hnsw_config: { m: 4, ef_construct: null }, metadata: null };
  expect(setPaths(overrides)).toEqual(['hnsw_config.m']);
  expect(removedPaths(overrides)).toEqual(['hnsw_config.ef_construct', 'metadata']);
});

test('takes null for absent and 1 for 1.0 in settings, but no two different numbers for one', () => {
  const left = object('{"q":1,"optimizers_config":{"a":null},"n":9007199254740993}');
  const right = object('{"q":1.0,"optimizers_config":{},"n":9007199254740992}');
  expect(settingDifferences(left, right)).toEqual([
    'n is 9007199254740992 on the target, 9007199254740993 was expected',
  ]);
});

test('compares metadata digit by digit and never repeats its values', () => {
  const left = object('{"metadata":{"a":1,"secret":"x","same":[1.0]}}');
  const right = object('{"metadata":{"a":1.0,"secret":"y","same":[1.0]}}');
  expect(settingDifferences(left, right)).toEqual(['metadata.a differs', 'metadata.secret differs']);
});

test('ignores a setting that was left to Qdrant', () => {
  const [left, right] = [object('{"hnsw_config":{}}'), object('{"hnsw_config":{"m":16}}')];
  expect(settingDifferences(left, right, ['hnsw_config.m'])).toEqual([]);
  expect(settingDifferences(left, right)).toHaveLength(1);
});

test('says which payload index is missing, surplus or different', () => {
  const left = object(
    '{"a":{"data_type":"keyword","points":3},"b":{"data_type":"bool"},"c":{"data_type":"geo"}}',
  );
  const right = object(
    '{"a":{"data_type":"keyword","points":9},"b":{"data_type":"geo"},"d":{"data_type":"geo"}}',
  );
  expect(indexDifferences(left, right)).toEqual([
    'the payload index on "b" is "geo" on the target, "bool" was expected',
    'the payload index on "c" is missing on the target',
    'the payload index on "d" is only on the target',
  ]);
});

test('lets a target have more vectors than the source, but none less', () => {
  const more = object(
    '{"vectors":{"a":{"size":4,"distance":"Dot","datatype":"float32"}},"sparse_vectors":{"s":{}}}',
  );
  const less = object('{"vectors":{"a":{"size":4,"distance":"Dot"}}}');
  expect(misfits(less, more)).toEqual([]);
  expect(misfits(more, less)).toEqual(['sparse vector "s" does not exist there']);
});

test('hashes a shape by what cannot change, and by nothing else', () => {
  const config = (params: string, rest = '') => object(`{"params":${params}${rest}}`);
  const one = config('{"vectors":{"size":4,"distance":"Dot"}}');
  const same = config(
    '{"vectors":{"distance":"Dot","size":4,"datatype":"float32","on_disk":true}}',
    ',"hnsw_config":{"m":3}',
  );
  expect(shapeOf(same)).toBe(shapeOf(one));
  for (const other of [
    '{"vectors":{"size":5,"distance":"Dot"}}',
    '{"vectors":{"size":4,"distance":"Dot"},"sparse_vectors":{"s":{}}}',
    '{"vectors":{"size":4,"distance":"Dot"},"sharding_method":"custom"}',
    '{"vectors":{"x":{"size":4,"distance":"Dot"}}}',
  ]) {
    expect(shapeOf(config(other))).not.toBe(shapeOf(one));
  }
});

test('reads back the stamp it wrote, strict mode with its numbers', () => {
  const heldBack = {
    aliases: ['live'],
    indexingThreshold: '20000',
    strictMode: '{"enabled":true,"max_query_limit":9007199254740993}',
  };
  const work = {
    kind: 'migration' as const,
    name: 'a/x -> b/y',
    job: 'ferry/b/y',
    state: 'closed' as const,
    renewedAt: '2026-11-27T10:00:00.000Z',
    source: ['9007199254740993'],
    heldBack,
    verified: { count: 3, sum: 'ab'.repeat(16) },
  };
  const stamp = { creation: '5f0c9a3e-0000-4000-8000-000000000000', work };
  const config = { metadata: { 'qdrant-ferry': parseJson(writeJson(stampJson(stamp))) } };
  expect(stampOf(config)).toEqual(stamp);
  expect(stampOf({ metadata: fromPlain({ 'qdrant-ferry': 'by hand' }) })).toBeUndefined();
});

describe('what is written down as off', () => {
  const json = (value: unknown) => fromPlain(value) as JsonObject;
  const size = { size: 4, distance: 'Dot' };

  it('equals what is unset, on either side', () => {
    const off = json({
      vectors: { ...size, on_disk: false },
      hnsw_config: { m: 16, on_disk: false, payload_m: 16 },
      optimizers_config: { indexing_threshold: 10_000, memmap_threshold: 0, prevent_unoptimized: false },
      strict_mode_config: {
        enabled: false,
        max_query_limit: Number.MAX_SAFE_INTEGER,
        search_allow_exact: true,
      },
    });
    const unset = json({ vectors: size, hnsw_config: { m: 16 }, optimizers_config: {} });
    expect(settingDifferences(unset, off)).toEqual([]);
    expect(settingDifferences(off, unset)).toEqual([]);
  });

  it('does not hide what is on, or a limit that acts', () => {
    const on = json({
      vectors: { a: { ...size, on_disk: true } },
      hnsw_config: { m: 16, payload_m: 17 },
      strict_mode_config: { enabled: false, max_payload_index_count: 2 },
    });
    const unset = json({ vectors: { a: size }, hnsw_config: { m: 16 } });
    expect(settingDifferences(unset, on)).toEqual([
      'hnsw_config.payload_m is 17 on the target, nothing was expected',
      'strict_mode_config is {"enabled":false,"max_payload_index_count":2} on the target, nothing was expected',
      'vectors.a.on_disk is true on the target, nothing was expected',
    ]);
  });

  it('is not asked for where the collection already is as it should be', () => {
    const settings = json({ vectors: size, hnsw_config: { m: 16 }, quantization_config: { binary: {} } });
    expect(takeAway(settings, settings)).toEqual({});
  });

  it('leaves what an override removes to the defaults, but for strict mode', () => {
    const made = json({
      vectors: { ...size, on_disk: true },
      quantization_config: { binary: {} },
      strict_mode_config: { enabled: true },
    });
    const left = ['vectors.on_disk', 'quantization_config', 'strict_mode_config'];
    expect(takeAway(json({ vectors: size }), made, left)).toEqual({ strict_mode_config: { enabled: false } });
  });
});
