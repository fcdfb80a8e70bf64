// Two configurations side by side, setting by setting. Null equals absent (1.17 writes `prevent_unoptimized: null`),
// what is written down as off equals what is unset, numbers equal by value in settings and by their digits in metadata. Sentences name settings, never metadata's values.

import { isLosslessNumber } from 'lossless-json';
import { bitsOf, indexSchema, vectorsOf } from './collection-settings.js';
import {
  canonicalJson,
  isObject,
  objectAt,
  valueAt,
  withoutNulls,
  type Json,
  type JsonObject,
} from '../json.js';
import { CANNOT_BE_UNSET, withoutOff } from './node-defaults.js';

/** One sentence a setting. `ignored`: paths with their dots; whatever lies under them does not count. */
export function settingDifferences(
  expected: JsonObject,
  actual: JsonObject,
  ignored: readonly string[] = [],
): string[] {
  const sentences: string[] = [];
  const walk = (left: Json, right: Json, path: string): void => {
    if (ignored.includes(path)) return;
    const exact = path === 'metadata' || path.startsWith('metadata.');
    if (isObject(left) && isObject(right)) {
      const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
      for (const key of [...keys].sort()) {
        walk(left[key] ?? null, right[key] ?? null, path === '' ? key : `${path}.${key}`);
      }
    } else if (!isSame(left, right, exact)) sentences.push(sentence(path, left, right, exact));
  };
  walk(withoutOff(expected), withoutOff(actual), '');
  return sentences;
}

/** Paths of what the target has only by its node's defaults, and what no request can unset. */
export function lastingPaths(wanted: JsonObject, actual: JsonObject): string[] {
  const isSet = (settings: JsonObject, path: string) =>
    (valueAt(settings, ...path.split('.')) ?? null) !== null;
  return CANNOT_BE_UNSET.filter((path) => isSet(actual, path) && !isSet(wanted, path));
}

/** One sentence for each of them. */
export function lastingDefaults(wanted: JsonObject, actual: JsonObject): string[] {
  return lastingPaths(wanted, actual).map((path) => {
    const value = short(valueAt(actual, ...path.split('.')) ?? null);
    return `${path} is ${value} by the configuration of the target's node: Qdrant cannot unset it (\`overrides\` can set another value).`;
  });
}

function isSame(left: Json, right: Json, exact: boolean): boolean {
  if (!exact && isLosslessNumber(left) && isLosslessNumber(right)) return sameNumber(left.value, right.value);
  if (exact) return canonicalJson(left) === canonicalJson(right);
  return canonicalJson(withoutNulls(left)) === canonicalJson(withoutNulls(right));
}

function sameNumber(left: string, right: string): boolean {
  if (left === right) return true;
  const [a, b] = [Number(left), Number(right)];
  return a === b && Math.abs(a) <= Number.MAX_SAFE_INTEGER;
}

function sentence(path: string, expected: Json, actual: Json, isMetadata: boolean): string {
  if (isMetadata) return `${path} differs`;
  if (actual === null) return `${path} is not set on the target, ${short(expected)} was expected`;
  if (expected === null) return `${path} is ${short(actual)} on the target, nothing was expected`;
  return `${path} is ${short(actual)} on the target, ${short(expected)} was expected`;
}

function short(json: Json): string {
  const text = canonicalJson(json);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** One sentence a payload index. */
export function indexDifferences(expected: JsonObject, actual: JsonObject): string[] {
  const fields = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...fields].sort().flatMap((field) => {
    const [left, right] = [expected[field], actual[field]];
    if (right === undefined) return [`the payload index on "${field}" is missing on the target`];
    if (left === undefined) return [`the payload index on "${field}" is only on the target`];
    if (isSameIndex(left, right)) return [];
    return [
      `the payload index on "${field}" is ${short(indexSchema(right))} on the target, ` +
        `${short(indexSchema(left))} was expected`,
    ];
  });
}

export function isSameIndex(left: Json, right: Json): boolean {
  return canonicalJson(indexParameters(left)) === canonicalJson(indexParameters(right));
}

function indexParameters(schema: Json): Json {
  const wanted = indexSchema(schema);
  return isObject(wanted) ? withoutNulls(wanted) : { type: wanted };
}

/** What makes it impossible to hold these points bit for bit in an existing collection; empty when they fit. */
export function misfits(source: JsonObject, target: JsonObject): string[] {
  const methods = [source, target].map((settings) => settings.sharding_method ?? 'auto') as string[];
  const found =
    methods[0] === methods[1] ? [] : [`sharding_method is ${methods[1]} there, not ${methods[0]}`];
  const there = vectorsOf(target);
  for (const [name, vector] of Object.entries(vectorsOf(source))) {
    const called = name === '' ? 'the unnamed vector' : `vector "${name}"`;
    const other = there[name];
    if (other === undefined) found.push(`${called} does not exist there`);
    else found.push(...vectorMisfits(called, vector, other));
  }
  const sparse = objectAt(target.sparse_vectors);
  for (const name of Object.keys(objectAt(source.sparse_vectors))) {
    if (!Object.hasOwn(sparse, name)) found.push(`sparse vector "${name}" does not exist there`);
  }
  return found;
}

function vectorMisfits(called: string, source: Json, target: Json): string[] {
  const fields = ['size', 'distance', 'datatype', 'multivector_config'] as const;
  return fields.flatMap((field) => {
    const [left, right] = [bitsOf(source, field), bitsOf(target, field)];
    return left === right ? [] : [`${field} of ${called} is ${right} there, not ${left}`];
  });
}
