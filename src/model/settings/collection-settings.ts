// A collection's settings in the terms of Qdrant's create request: taken from what Qdrant reports of a collection, and
// changed by a job's `overrides`. Numbers are kept as text throughout. What a newer Qdrant adds is passed through.

import { FerryError } from '../errors.js';
import {
  canonicalJson,
  fromPlain,
  isObject,
  mergePatch,
  objectAt,
  parseJson,
  withoutNulls,
  type Json,
  type JsonObject,
} from '../json.js';
import { STAMP_KEY } from '../names.js';
import { workIn } from '../stamp.js';

/** What `GET /collections/{name}` answers, as far as ferry needs it. */
export interface CollectionInfo {
  status: string;
  /** "ok", or the optimizer's error. */
  optimizerStatus: string;
  indexedVectors: number;
  /** Roughly: a point that is being moved between segments counts twice. */
  points: number;
  config: JsonObject;
  payloadSchema: JsonObject;
}

/** What every supported Qdrant, or a newer one, is known to take when a collection is created (OpenAPI 1.19). */
const CREATE_KEYS = new Set([
  'vectors',
  'sparse_vectors',
  'shard_number',
  'sharding_method',
  'replication_factor',
  'write_consistency_factor',
  'on_disk_payload',
  'payload',
  'hnsw_config',
  'wal_config',
  'optimizers_config',
  'quantization_config',
  'strict_mode_config',
  'metadata',
]);

/** `CollectionParams` that the create request does not have: set by PATCH alone. */
export const SET_LATER = ['read_fan_out_factor', 'read_fan_out_delay_ms'] as const;

/** Qdrant's id of one collection, in the settings inside a snapshot: another collection must not get it. */
const OWN_ID = 'uuid';

/**
 * The configuration with what a job holds back (indexing threshold, strict mode) as its stamp records it: as the
 * collection is meant to be, not as it is set while it is being filled. Unchanged where nothing is held back.
 */
export function wholeConfig(config: JsonObject): JsonObject {
  const held = workIn(config)?.heldBack;
  if (held === undefined) return config;
  const optimizers = {
    ...objectAt(config.optimizer_config),
    indexing_threshold: parseJson(held.indexingThreshold),
  };
  const strict = held.strictMode === undefined ? {} : { strict_mode_config: parseJson(held.strictMode) };
  return { ...config, optimizer_config: optimizers, ...strict };
}

/** `settingsOf` the whole configuration: for whoever copies or stores a collection's settings. */
export function wholeSettings(config: JsonObject): JsonObject {
  return settingsOf(wholeConfig(config));
}

/** Everything a collection is set to now, without nulls (outside metadata) and without our stamp. */
export function settingsOf(config: JsonObject): JsonObject {
  const { params, optimizer_config: optimizers, metadata, [OWN_ID]: _, ...rest } = config;
  const settings = withoutNulls({
    ...objectAt(params),
    ...rest,
    optimizers_config: optimizers ?? null,
  }) as JsonObject;
  const own = withoutStamp(objectAt(metadata));
  if (Object.keys(own).length > 0) settings.metadata = own;
  if (canonicalJson(settings.strict_mode_config ?? null) === '{"enabled":false}') {
    delete settings.strict_mode_config;
  }
  return settings;
}

function withoutStamp(metadata: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key !== STAMP_KEY));
}

/**
 * `params` can only be changed once the collection exists. A setting that this ferry does not know is in both: a Qdrant
 * that knows it takes it from one of them, any other ignores it, and the comparison at the end names what was not taken.
 */
export function splitSettings(settings: JsonObject): { create: JsonObject; params: JsonObject } {
  const entries = Object.entries(settings);
  const isLater = (key: string) => (SET_LATER as readonly string[]).includes(key);
  return {
    create: Object.fromEntries(entries.filter(([key]) => !isLater(key))),
    params: Object.fromEntries(entries.filter(([key]) => !CREATE_KEYS.has(key))),
  };
}

/** The request that makes an index like this one. */
export function indexSchema(schema: Json): Json {
  const { params, data_type: type } = objectAt(schema);
  return params ?? type ?? null;
}

/** Settings with the job's overrides. Refuses what would change the stored bits, so that the proof could not hold. */
export function withOverrides(settings: JsonObject, overrides?: Record<string, unknown>): JsonObject {
  if (overrides === undefined) return settings;
  refuseUnsafeNumbers(overrides, 'overrides');
  const patch = fromPlain(overrides) as JsonObject;
  refuseUnknownSettings(settings, patch);
  const changed = mergePatch(settings, patch) as JsonObject;
  refuseOtherVectors(settings, patch, changed);
  refuseTwoQuantizations(changed.quantization_config, 'overrides.quantization_config');
  return changed;
}

/** Paths of the values an override sets. */
export function setPaths(overrides: Record<string, unknown> | undefined): string[] {
  return leavesOf(overrides).flatMap(([path, value]) => (value === null ? [] : [path]));
}

/** Paths an override removes, so that Qdrant's default holds there. */
export function removedPaths(overrides: Record<string, unknown> | undefined): string[] {
  return leavesOf(overrides).flatMap(([path, value]) => (value === null ? [path] : []));
}

function leavesOf(overrides: Record<string, unknown> | undefined): [string, Json][] {
  const leaves: [string, Json][] = [];
  const walk = (json: Json, path: string[]): void => {
    if (!isObject(json)) leaves.push([path.join('.'), json]);
    else for (const [key, value] of Object.entries(json)) walk(value, [...path, key]);
  };
  if (overrides) walk(fromPlain(overrides), []);
  return leaves;
}

function refuse(happened: string): never {
  throw new FerryError('InvalidInput', happened);
}

function refuseUnsafeNumbers(value: unknown, path: string): void {
  if (typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    refuse(`${path} is a number over 2^53, which an input cannot carry exactly`);
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) refuseUnsafeNumbers(inner, `${path}.${key}`);
}

function refuseUnknownSettings(settings: JsonObject, patch: JsonObject): void {
  const known = new Set([...CREATE_KEYS, ...Object.keys(settings), ...SET_LATER]);
  const unknown = Object.keys(patch).filter((key) => !known.has(key));
  if (unknown.length > 0) {
    refuse(`overrides has no setting "${unknown.join('", "')}". There are: ${[...known].sort().join(', ')}`);
  }
  if (Object.hasOwn(objectAt(patch.metadata), STAMP_KEY)) {
    refuse(`overrides.metadata.${STAMP_KEY} is where ferry leaves its own stamp`);
  }
  const method = patch.sharding_method;
  if (method !== undefined && method !== (settings.sharding_method ?? 'auto')) {
    refuse(
      'overrides.sharding_method would change which points have one id: the sides could not be compared',
    );
  }
}

const BITS = ['size', 'distance', 'datatype', 'multivector_config'] as const;

function refuseOtherVectors(settings: JsonObject, patch: JsonObject, changed: JsonObject): void {
  if (patch.vectors !== undefined) {
    const [before, after] = [vectorsOf(settings), vectorsOf(changed)];
    refuseOtherNames('vectors', before, after, patch.vectors);
    refuseUnknownFields(before, after);
    for (const [name, vector] of Object.entries(after)) {
      const path = name === '' ? 'overrides.vectors' : `overrides.vectors.${name}`;
      for (const field of BITS) {
        if (bitsOf(vector, field) !== bitsOf(before[name] ?? null, field)) {
          refuse(`${path}.${field} would change the stored vectors, so equality could not be proved`);
        }
      }
      refuseTwoQuantizations(objectAt(vector).quantization_config, `${path}.quantization_config`);
    }
  }
  if (patch.sparse_vectors !== undefined) {
    const [before, after] = [objectAt(settings.sparse_vectors), objectAt(changed.sparse_vectors)];
    refuseOtherNames('sparse_vectors', before, after, patch.sparse_vectors);
  }
}

const VECTOR_FIELDS = [...BITS, 'hnsw_config', 'quantization_config', 'on_disk', 'memory'];

function refuseUnknownFields(before: JsonObject, after: JsonObject): void {
  for (const [name, vector] of Object.entries(after)) {
    const known = new Set([...VECTOR_FIELDS, ...Object.keys(objectAt(before[name]))]);
    const unknown = Object.keys(objectAt(vector)).find((field) => !known.has(field));
    if (unknown === undefined) continue;
    if (name !== '') refuse(`overrides.vectors.${name} has no setting "${unknown}"`);
    refuse(`overrides.vectors.${unknown}: the source has one unnamed vector and no setting of that name`);
  }
}

function refuseOtherNames(what: string, before: JsonObject, after: JsonObject, patch: Json): void {
  const there = Object.keys(before).join(', ') || 'none';
  if (!isObject(patch)) refuse(`overrides.${what} must be an object with settings of existing vectors`);
  for (const name of Object.keys(after)) {
    if (!Object.hasOwn(before, name)) {
      refuse(`overrides.${what}.${name}: the source has no such vector. It has: ${there}`);
    }
  }
  for (const name of Object.keys(before)) {
    if (!Object.hasOwn(after, name)) refuse(`overrides.${what}.${name} would leave out a vector`);
  }
}

/** Of a point, dense and sparse together. */
export function vectorNumber(config: JsonObject): number {
  const params = objectAt(config, 'params');
  return Object.keys(vectorsOf(params)).length + Object.keys(objectAt(params.sparse_vectors)).length;
}

/** Dense vectors by name; the unnamed one under the empty name. */
export function vectorsOf(settings: JsonObject): JsonObject {
  const vectors = objectAt(settings.vectors);
  const isUnnamed = 'size' in vectors && !isObject(vectors.size);
  return isUnnamed ? { '': vectors } : vectors;
}

export function bitsOf(vector: Json, field: (typeof BITS)[number]): string {
  const value = objectAt(vector)[field];
  if (field === 'datatype') return canonicalJson(value ?? 'float32');
  return canonicalJson(value ?? null);
}

/**
 * Dense vectors whose bits may change when Qdrant is given the very floats that it showed: float16 with Cosine, which it
 * normalises again when the rounded length is not 1, and the turbo datatypes (1.18 and newer), which it quantizes again:
 * to the same codes with a scale that may round differently. Whether a difference is one of these is decided point by point.
 */
export function reencodedVectors(config: JsonObject): ReadonlySet<string> {
  const isReencoded = (vector: Json): boolean => {
    const datatype = bitsOf(vector, 'datatype');
    if (datatype === '"float16"') return bitsOf(vector, 'distance') === '"Cosine"';
    return datatype.startsWith('"turbo');
  };
  const vectors = Object.entries(vectorsOf(settingsOf(config)));
  return new Set(vectors.filter(([, vector]) => isReencoded(vector)).map(([name]) => name));
}

function refuseTwoQuantizations(config: Json | undefined, path: string): void {
  const kinds = Object.keys(objectAt(config));
  if (kinds.length > 1) {
    refuse(`${path} would be ${kinds.join(' and ')} at once: set the one to remove to null`);
  }
}
