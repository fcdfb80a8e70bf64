// The stamp a migration leaves in the metadata of a collection it creates, or finds empty and fills: whose it is, and
// what to put back.

import { isObject, objectAt, parseJson, textAt, valueAt, writeJson, type JsonObject } from './json.js';
import { LosslessNumber } from 'lossless-json';
import type { HeldBack } from './collections.js';
import { STAMP_KEY } from './names.js';

export interface Stamp {
  migration: string;
  /** Absent once everything has been put back. */
  heldBack?: HeldBack;
  /** Somebody else created it, and it was empty: resumed like our own, but its settings and surplus points are not ours. */
  isAdopted?: boolean;
  /** Every shard came as a snapshot: what is left is the proof. */
  isMoved?: boolean;
}

/** Collections have metadata since this version of Qdrant. */
export const METADATA_SINCE = '1.16.0';

/** A threshold in KiB a segment that holds indexing back. 0 means "never" too; a terabyte needs no special meaning. */
export const NO_INDEXING = new LosslessNumber('1000000000');

export function stampOf(config: JsonObject): Stamp | undefined {
  const stamp = objectAt(config, 'metadata', STAMP_KEY);
  const migration = textAt(stamp, 'migration');
  if (migration === undefined) return undefined;
  const held = stamp.held_back;
  return {
    migration,
    ...(isObject(held) ? { heldBack: heldBackOf(held) } : {}),
    ...(stamp.adopted === true ? { isAdopted: true } : {}),
    ...(stamp.moved === true ? { isMoved: true } : {}),
  };
}

export function stampJson({ migration, heldBack, isAdopted, isMoved }: Stamp): JsonObject {
  const stamp: JsonObject = { migration, version: new LosslessNumber('1') };
  if (heldBack) stamp.held_back = heldBackJson(heldBack);
  if (isAdopted) stamp.adopted = true;
  if (isMoved) stamp.moved = true;
  return stamp;
}

function heldBackOf(held: JsonObject): HeldBack {
  const strict = valueAt(held, 'strict_mode_config') ?? null;
  const aliases = Array.isArray(held.aliases) ? held.aliases.filter((one) => typeof one === 'string') : [];
  return {
    indexingThreshold: writeJson(valueAt(held, 'indexing_threshold') ?? null),
    ...(strict === null ? {} : { strictMode: writeJson(strict) }),
    ...(aliases.length === 0 ? {} : { aliases }),
  };
}

function heldBackJson({ indexingThreshold, strictMode, aliases }: HeldBack): JsonObject {
  return {
    indexing_threshold: parseJson(indexingThreshold),
    ...(strictMode === undefined ? {} : { strict_mode_config: parseJson(strictMode) }),
    ...(aliases === undefined ? {} : { aliases }),
  };
}

/** Compares "1.16.3" with "1.9.0" by their numbers. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [a, b] = [version, wanted].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (let i = 0; i < 3; i++) {
    const gap = (a?.[i] || 0) - (b?.[i] || 0);
    if (gap !== 0) return gap > 0;
  }
  return true;
}
