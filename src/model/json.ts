// JSON whose numbers are kept as text: Qdrant's ids, peer ids, shard keys and metadata go beyond 2^53.

import { isLosslessNumber, parse, stringify, type LosslessNumber } from 'lossless-json';

export type Json = null | boolean | string | LosslessNumber | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

export function parseJson(text: string): Json {
  return parse(text) as Json;
}

export function writeJson(json: Json): string {
  return stringify(json) ?? 'null';
}

/** From a value that came through JSON.parse, as workflow inputs do. */
export function fromPlain(value: unknown): Json {
  return parseJson(JSON.stringify(value ?? null));
}

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !isLosslessNumber(json);
}

/** An object, or an empty one where there is none. */
export function objectAt(json: Json | undefined, ...path: string[]): JsonObject {
  const found = valueAt(json, ...path);
  return isObject(found) ? found : {};
}

export function valueAt(json: Json | undefined, ...path: string[]): Json | undefined {
  let here: Json | undefined = json;
  for (const step of path) here = isObject(here) && Object.hasOwn(here, step) ? here[step] : undefined;
  return here;
}

/** A number's digits or a string; undefined for anything else. */
export function textAt(json: Json | undefined, ...path: string[]): string | undefined {
  const found = valueAt(json, ...path);
  if (isLosslessNumber(found)) return found.value;
  return typeof found === 'string' ? found : undefined;
}

/** An empty list where there is none. */
export function listAt(json: Json | undefined, ...path: string[]): Json[] {
  const found = valueAt(json, ...path);
  return Array.isArray(found) ? found : [];
}

export function numberAt(json: Json | undefined, ...path: string[]): number | undefined {
  const found = valueAt(json, ...path);
  return isLosslessNumber(found) ? Number(found.value) : undefined;
}

/** JSON merge patch, RFC 7396: objects merge, null removes, anything else replaces. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: JsonObject = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** For settings, where null equals absent. */
export function withoutNulls(json: Json): Json {
  if (Array.isArray(json)) return json.map(withoutNulls);
  if (!isObject(json)) return json;
  const kept = Object.entries(json).filter(([, value]) => value !== null);
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutNulls(value)]));
}

/** The same text for the same value: keys sorted at every depth. */
export function canonicalJson(json: Json): string {
  if (Array.isArray(json)) return `[${json.map(canonicalJson).join(',')}]`;
  if (!isObject(json)) return writeJson(json);
  const entries = Object.entries(json).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonicalJson(value)}`).join(',')}}`;
}
