// Whether a snapshot is whole, seen while it passes. Promises that a stream which stops anywhere, also between two
// entries, is noticed: the archive must end with its two empty blocks, and hold what a snapshot holds. Does not look
// into the entries. Its state is a few numbers, so that a check can go on where a dead worker's stood (at a block).

import { FerryError } from '../model/errors.js';
import { BLOCK, hasMoreHoles, isHeader, nameIn, padded, sizeIn } from './tar-headers.js';

export interface TarState {
  /** Bytes left of the entry that passes, with its padding. */
  skip: number;
  /** Empty blocks at the end so far. */
  empty: number;
  /** The next block continues a list of holes (GNU sparse), before the entry's bytes. */
  holes: boolean;
  /** Which of the wanted entries have passed. */
  seen: string[];
  bytes: number;
}

/** Names, or folders with a "/" at the end. */
export const SHARD_ENTRIES = ['segments/', 'shard_config.json'];
export const COLLECTION_ENTRIES = ['config.json'];
export const STORAGE_ENTRIES = ['config.json'];

export class TarCheck {
  readonly #wanted: readonly string[];
  #state: TarState;
  #partial = Buffer.alloc(0);

  constructor(wanted: readonly string[], state?: TarState) {
    this.#wanted = wanted;
    this.#state = state ? { ...state } : { skip: 0, empty: 0, holes: false, seen: [], bytes: 0 };
  }

  /** Meaningful at the border of a block, as the borders of all parts are. */
  get state(): TarState {
    return { ...this.#state, seen: [...this.#state.seen] };
  }

  push(chunk: Uint8Array): void {
    this.#state.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      if (this.#state.skip > 0 && !this.#state.holes) {
        const passed = Math.min(this.#state.skip, chunk.length - at);
        this.#state.skip -= passed;
        at += passed;
        continue;
      }
      const part = chunk.subarray(at, at + BLOCK - this.#partial.length);
      at += part.length;
      this.#partial = Buffer.concat([this.#partial, part]);
      if (this.#partial.length === BLOCK) this.#block(this.#partial);
      if (this.#partial.length === BLOCK) this.#partial = Buffer.alloc(0);
    }
  }

  /** Throws `SnapshotIncomplete` unless all of it has passed. */
  finish(what: string): void {
    const { skip, empty, holes, seen } = this.#state;
    if (skip > 0 || holes || this.#partial.length > 0 || empty < 2) {
      throw incomplete(`${what} ended after ${this.#state.bytes} bytes, before the end of its archive`);
    }
    const missing = this.#wanted.filter((name) => !seen.includes(name));
    if (missing.length > 0) throw incomplete(`${what} holds no ${missing.join(', ')}`);
  }

  #block(block: Buffer): void {
    const state = this.#state;
    if (state.holes) {
      state.holes = hasMoreHoles(block, false);
      return;
    }
    if (block.every((byte) => byte === 0)) {
      state.empty += 1;
      return;
    }
    if (state.empty > 0 || !isHeader(block))
      throw incomplete(`What was sent is no archive at byte ${state.bytes}`);
    state.skip = padded(sizeIn(block));
    // The list of holes stands between the header and the bytes: it is passed block by block, `skip` waits.
    state.holes = hasMoreHoles(block, true);
    this.#note(nameIn(block));
  }

  #note(name: string): void {
    const found = this.#wanted.find((one) => (one.endsWith('/') ? name.startsWith(one) : name === one));
    if (found !== undefined && !this.#state.seen.includes(found)) this.#state.seen.push(found);
  }
}

function incomplete(happened: string): FerryError {
  return new FerryError('SnapshotIncomplete', happened);
}
