// A node's own configuration holds defaults for new collections: what a create request leaves out, the node sets (strict
// mode, quantization, vectors on disk, HNSW, optimizers; every managed cluster has some). Nothing that is unset elsewhere
// stays unset there, and a PATCH cannot unset it. So it is written down as off: the value that means the same as none.
// Both are one when configurations are compared. Found out on Qdrant 1.16.3 and 1.17.0: test/contract/node-defaults.test.ts.

import { isLosslessNumber, LosslessNumber } from 'lossless-json';
import { vectorsOf } from './collection-settings.js';
import { isObject, objectAt, type Json, type JsonObject } from '../json.js';

/** The greatest number that every client of Qdrant can read. */
const NO_LIMIT = new LosslessNumber(String(Number.MAX_SAFE_INTEGER));
/** Of memory (1.18) or of the disk (1.18 alone), in percent. */
const WHOLE = new LosslessNumber('100');
const NO_THRESHOLD = new LosslessNumber('0');
const USUAL_THRESHOLD = new LosslessNumber('10000');

/** Forbidden by false alone. */
const PERMISSIONS = ['unindexed_filtering_retrieve', 'unindexed_filtering_update', 'search_allow_exact'];

/** What Qdrant takes no value for that would mean "unset". The second one is unset before Qdrant 1.16. */
export const CANNOT_BE_UNSET: readonly string[] = [
  'optimizers_config.max_segment_size',
  'wal_config.wal_retain_closed',
];

/**
 * The PATCH that takes away what only a node's defaults gave to a collection made from `wanted`; empty where nothing did.
 * `left`: paths that are left to the defaults, with their dots.
 */
export function takeAway(wanted: JsonObject, actual: JsonObject, left: readonly string[] = []): JsonObject {
  const patch: Wanted = {
    quantization_config:
      actual.quantization_config !== undefined && wanted.quantization_config === undefined
        ? 'Disabled'
        : undefined,
    vectors: vectorsOff(vectorsOf(wanted), vectorsOf(actual)),
    hnsw_config: hnswOff(objectAt(wanted.hnsw_config), objectAt(actual.hnsw_config)),
    optimizers_config: optimizersOff(objectAt(wanted.optimizers_config), objectAt(actual.optimizers_config)),
    strict_mode_config: strictModeOff(
      objectAt(wanted.strict_mode_config),
      objectAt(actual.strict_mode_config),
    ),
  };
  return lessLeft(present(patch), left);
}

/** Strict mode is never left: it would act on our own load. */
function lessLeft(patch: JsonObject, left: readonly string[], path = ''): JsonObject {
  const entries = Object.entries(patch).flatMap(([key, value]): [string, Json][] => {
    const at = [path, key].filter((step) => step !== '').join('.');
    if (at === 'strict_mode_config') return [[key, value]];
    if (left.includes(at)) return [];
    return [[key, isObject(value) ? lessLeft(value, left, at) : value]];
  });
  return present(Object.fromEntries(entries));
}

type Wanted = Record<string, Json | undefined>;

function present(settings: Wanted): JsonObject {
  const entries = Object.entries(settings).filter(
    ([, value]) => value !== undefined && !(isObject(value) && Object.keys(value).length === 0),
  );
  return Object.fromEntries(entries) as JsonObject;
}

/** Those of `off` that are set and were not to be. */
function unwanted(wanted: JsonObject, actual: JsonObject, off: Wanted): JsonObject {
  const entries = Object.entries(off).filter(
    ([key, value]) => wanted[key] === undefined && actual[key] !== undefined && !isSame(actual[key], value),
  );
  return present(Object.fromEntries(entries));
}

function vectorsOff(wanted: JsonObject, actual: JsonObject): JsonObject {
  const changed = Object.entries(actual).map(([name, vector]) => {
    return [name, unwanted(objectAt(wanted[name]), objectAt(vector), { on_disk: false })] as const;
  });
  return present(Object.fromEntries(changed));
}

function hnswOff(wanted: JsonObject, actual: JsonObject): JsonObject {
  return unwanted(wanted, actual, { on_disk: false, inline_storage: false, payload_m: wanted.m ?? actual.m });
}

function optimizersOff(wanted: JsonObject, actual: JsonObject): JsonObject {
  return unwanted(wanted, actual, {
    max_optimization_threads: 'auto',
    memmap_threshold: NO_THRESHOLD,
    indexing_threshold: USUAL_THRESHOLD,
    prevent_unoptimized: false,
  });
}

/**
 * Strict mode is off while ferry works, whatever it is at the end. The limit on payload indexes holds also then, so it is
 * lifted until the wanted one is restored.
 */
function strictModeOff(wanted: JsonObject, actual: JsonObject): JsonObject {
  const limits = Object.entries(actual).filter(([key]) => key !== 'enabled');
  const lifted = limits.flatMap(([key, value]): [string, Json][] => {
    const isWanted = wanted[key] !== undefined && key !== 'max_payload_index_count';
    const none = noLimit(key, value);
    return isWanted || isSame(value, none) ? [] : [[key, none]];
  });
  if (lifted.length === 0 && actual.enabled !== true) return {};
  return { enabled: false, ...Object.fromEntries(lifted) };
}

function noLimit(key: string, value: Json): Json {
  if (PERMISSIONS.includes(key)) return true;
  if (key.endsWith('_percent')) return WHOLE;
  return isObject(value) ? {} : NO_LIMIT;
}

/** Qdrant answers a number with a fraction where it keeps one. */
function isSame(left: Json | undefined, right: Json | undefined): boolean {
  if (isLosslessNumber(left) && isLosslessNumber(right)) return Number(left.value) === Number(right.value);
  if (isObject(left) && isObject(right)) return Object.keys(left).length + Object.keys(right).length === 0;
  return left === right;
}

/** Settings without what is written down as off. */
export function withoutOff(settings: JsonObject): JsonObject {
  const hnsw = objectAt(settings.hnsw_config);
  return {
    ...settings,
    ...without(settings, 'hnsw_config', { on_disk: false, inline_storage: false, payload_m: hnsw.m }),
    ...without(settings, 'optimizers_config', {
      memmap_threshold: NO_THRESHOLD,
      indexing_threshold: USUAL_THRESHOLD,
      prevent_unoptimized: false,
    }),
    ...(settings.vectors === undefined ? {} : { vectors: denseWithoutOff(settings) }),
    strict_mode_config: strictWithoutOff(objectAt(settings.strict_mode_config)),
  };
}

function without(settings: JsonObject, name: string, off: Wanted): JsonObject {
  const config = settings[name];
  return isObject(config) ? { [name]: lessOff(config, off) } : {};
}

function lessOff(config: JsonObject, off: Wanted): JsonObject {
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !(key in off) || !isSame(value, off[key])),
  );
}

function denseWithoutOff(settings: JsonObject): Json {
  const vectors = Object.entries(vectorsOf(settings)).map(([name, vector]) => {
    return [name, isObject(vector) ? lessOff(vector, { on_disk: false }) : vector] as const;
  });
  const [first] = vectors;
  const isUnnamed = first?.[0] === '' && 'size' in objectAt(settings.vectors);
  return isUnnamed ? first[1] : Object.fromEntries(vectors);
}

/** Null where it forbids nothing, be it on or off. */
function strictWithoutOff(strict: JsonObject): Json {
  const limits = Object.entries(strict).filter(
    ([key, value]) => key !== 'enabled' && value !== null && !isSame(value, noLimit(key, value)),
  );
  if (limits.length === 0 && strict.enabled !== true) return null;
  return {
    ...(strict.enabled === undefined ? {} : { enabled: strict.enabled }),
    ...Object.fromEntries(limits),
  };
}
