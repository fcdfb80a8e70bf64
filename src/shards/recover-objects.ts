// The bytes of a shard's snapshot in the objects that a manifest lists, hashed as they pass. Promises that a body ends as
// if whole only when every part hashed to what the manifest lists.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { ManifestPart, ManifestShard } from '../model/format/manifest.js';
import type { ObjectStore } from '../storage/object-store.js';
import { checkedBytes, type Check } from './pump.js';
import type { Passing } from './recoverable-collection.js';

/**
 * Throws `ObjectDamaged` before it ends, when a part is not what it was. Parts that follow each other in one object are
 * read as one: a request for each would cost a store's delay as often as there are parts.
 */
export async function* shardBytes(
  store: ObjectStore,
  shard: ManifestShard,
  passing: Passing,
): AsyncIterable<Uint8Array> {
  for (const run of runsOf(shard.parts)) yield* runBytes(store, run, shard.name, passing);
}

function runsOf(parts: readonly ManifestPart[]): ManifestPart[][] {
  const runs: ManifestPart[][] = [];
  for (const part of parts) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    if (run && last?.key === part.key && last.offset + last.bytes === part.offset) run.push(part);
    else runs.push([part]);
  }
  return runs;
}

function runBytes(
  store: ObjectStore,
  run: readonly ManifestPart[],
  name: string,
  passing: Passing,
): AsyncIterable<Uint8Array> {
  const key = run[0]?.key ?? '';
  const from = run[0]?.offset ?? 0;
  const range = { from, to: from + run.reduce((sum, { bytes }) => sum + bytes, 0) };
  const check = new PartsCheck(store, run, name);
  const open = (signal: AbortSignal) => (range.to > from ? store.read(key, { range, signal }) : none());
  return checkedBytes({ ...passing, open, check });
}

async function* none(): AsyncGenerator<Uint8Array> {}

/** The hashes of parts, one after the other, while their bytes pass in whatever pieces. */
class PartsCheck implements Check {
  readonly #store: ObjectStore;
  readonly #name: string;
  readonly #ahead: ManifestPart[];
  #hash = createHash('sha256');
  /** Of the part that passes. */
  #passed = 0;

  constructor(store: ObjectStore, run: readonly ManifestPart[], name: string) {
    this.#store = store;
    this.#name = name;
    this.#ahead = [...run];
  }

  pass(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#ahead.length > 0;) {
      const bytes = this.#ahead[0]?.bytes ?? 0;
      const piece = chunk.subarray(at, at + bytes - this.#passed);
      this.#hash.update(piece);
      this.#passed += piece.length;
      at += piece.length;
      if (this.#passed === bytes) this.#close();
    }
  }

  finish(): void {
    while (this.#ahead.length > 0) this.#close();
  }

  #close(): void {
    const part = this.#ahead.shift();
    const found = this.#hash.digest('hex');
    this.#hash = createHash('sha256');
    this.#passed = 0;
    if (!part || found === part.sha256) return;
    const { key, offset, bytes } = part;
    const happened = `${this.#name} is damaged between bytes ${offset} and ${offset + bytes}: it has another SHA-256`;
    throw new FerryError('ObjectDamaged', happened, { context: { store: this.#store.alias, key } });
  }
}

/** The one object that is this snapshot from its first byte to its last; a node can pull nothing else. */
export function soleObject({ parts }: ManifestShard): string | undefined {
  const key = parts[0]?.key;
  let next = 0;
  for (const part of parts) {
    if (part.key !== key || part.offset !== next) return undefined;
    next += part.bytes;
  }
  return key;
}

/** Absent where the capture was resumed inside several parts: the hash of the whole cannot be made of theirs. */
export function wholeHash({ sha256, parts }: ManifestShard): string | undefined {
  return sha256 ?? (parts.length === 1 ? parts[0]?.sha256 : undefined);
}

const MOST_NAMED = 10;

/** "archived: restore these 3 objects first: …". */
export function restoreFirst(keys: readonly string[]): string {
  const which = keys.length === 1 ? 'this object' : `these ${keys.length} objects`;
  const more = keys.length > MOST_NAMED ? ` and ${keys.length - MOST_NAMED} more` : '';
  return `archived: restore ${which} first: ${keys.slice(0, MOST_NAMED).join(', ')}${more}`;
}
