// Whether a snapshot is whole, seen while it passes. Promises that a stream which stops anywhere, also between two
// entries, is noticed: the archive must end with its two empty blocks, and hold what a snapshot holds. Does not look
// into the entries. Its state is a few numbers, so that a check can go on where a dead worker's stood (at a block).

import { FerryError } from '../model/errors.js';

const BLOCK = 512;

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
      state.holes = block[504] === 1;
      return;
    }
    if (block.every((byte) => byte === 0)) {
      state.empty += 1;
      return;
    }
    if (state.empty > 0 || !isHeader(block))
      throw incomplete(`What was sent is no archive at byte ${state.bytes}`);
    const size = sizeIn(block);
    state.skip = Math.ceil(size / BLOCK) * BLOCK;
    // The list of holes stands between the header and the bytes: it is passed block by block, `skip` waits.
    state.holes = block[156] === 0x53 && block[482] === 1;
    this.#note(nameIn(block));
  }

  #note(name: string): void {
    const found = this.#wanted.find((one) => (one.endsWith('/') ? name.startsWith(one) : name === one));
    if (found !== undefined && !this.#state.seen.includes(found)) this.#state.seen.push(found);
  }
}

/** The sum of its bytes, with the sum's own field as blanks. */
function isHeader(block: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let at = 0; at < BLOCK; at += 1) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return octal(block.subarray(148, 156)) === sum;
}

/** Octal text, or from 8 GiB on a binary number. */
function sizeIn(block: Buffer): number {
  const field = block.subarray(124, 136);
  return (field[0] ?? 0) & 0x80 ? Number(field.readBigUInt64BE(4)) : octal(field);
}

function octal(field: Buffer): number {
  return Number.parseInt(field.toString('latin1').replaceAll('\0', ' ').trim() || '0', 8);
}

function nameIn(block: Buffer): string {
  const name = block.subarray(0, 100);
  const end = name.indexOf(0);
  return name.toString('utf8', 0, end < 0 ? 100 : end);
}

function incomplete(happened: string): FerryError {
  return new FerryError('SnapshotIncomplete', happened);
}
