// Whether a snapshot is whole and the right one, seen while it passes: length, SHA-256, and the archive, which must end
// with its two empty blocks and hold what a snapshot of its kind holds. Promises that a stream which stops anywhere, also
// between two entries, is noticed. Does not look into the entries. The state of the archive's check is a few numbers, so
// that another process can continue it (at a block).
//
// Two codes: `SnapshotIncomplete` when bytes are missing, which another attempt may bring; `SnapshotDamaged` when all are
// there and wrong, so that the file is of no use. It is retryable only where the next attempt takes another snapshot.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';
import type { Check } from './pump.js';
import { BLOCK, hasMoreHoles, isHeader, nameIn, padded, sizeIn } from '../qdrant/files/tar-headers.js';

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

/** What the archive must hold: names, or folders with a "/" at the end. */
function entriesOf(source: SnapshotSource): string[] {
  const isShard = source !== 'storage' && source.shard !== undefined;
  return isShard ? ['segments/', 'shard_config.json'] : ['config.json'];
}

export interface ExpectedSnapshot {
  /** In messages: the name of the file, or "shard 3 of docs". */
  what: string;
  source: SnapshotSource;
  /** Absent for a stream: only its end of archive shows that it is whole. */
  bytes?: number;
  /** As its node, or whoever names the file, gives it. */
  sha256?: string;
  /** A damaged one is retryable: the next attempt takes another snapshot. */
  isRemade?: boolean;
  /** Of the bytes before, which an earlier attempt has checked. */
  tar?: TarState;
}

export class SnapshotCheck implements Check {
  readonly #expected: ExpectedSnapshot;
  readonly #tar: TarCheck;
  readonly #hash = createHash('sha256');
  #sha256: string | undefined;

  constructor(expected: ExpectedSnapshot) {
    this.#expected = expected;
    this.#tar = new TarCheck(entriesOf(expected.source), expected.tar);
  }

  get bytes(): number {
    return this.#tar.bytes;
  }

  /** Meaningful at the border of a block, as the borders of all parts are. */
  get tar(): TarState {
    return this.#tar.state;
  }

  /** Of the whole, once it is finished; undefined when an earlier attempt saw the beginning. */
  get sha256(): string | undefined {
    return this.#sha256;
  }

  pass(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.#tar.push(piece);
    const { corruptAt } = this.#tar;
    if (corruptAt !== undefined)
      throw this.#damaged(`${this.#expected.what} has a corrupt tar header at byte ${corruptAt}`);
  }

  finish(): void {
    const { what, bytes, sha256, tar } = this.#expected;
    const found = this.#hash.digest('hex');
    if (bytes !== undefined && bytes !== this.bytes)
      throw new FerryError('SnapshotIncomplete', `${what} ended after ${this.bytes} of ${bytes} bytes`);
    if (tar === undefined) this.#sha256 = found;
    if (tar === undefined && sha256 !== undefined && sha256 !== found)
      throw this.#damaged(`${what} has the SHA-256 ${found}, and should have ${sha256}`);
    const happened = `${what} ended after ${this.bytes} bytes, before the end of its archive`;
    if (!this.#tar.hasEnded)
      throw bytes === undefined ? new FerryError('SnapshotIncomplete', happened) : this.#damaged(happened);
    const { missing } = this.#tar;
    if (missing.length > 0) throw this.#damaged(`${what} has no ${missing.join(', ')} in its archive`);
  }

  #damaged(happened: string): FerryError {
    return new FerryError('SnapshotDamaged', happened, { retryable: this.#expected.isRemade ?? false });
  }
}

class TarCheck {
  /** Where something else stood in the place of a header; behind it nothing is checked. */
  corruptAt: number | undefined;
  readonly #wanted: readonly string[];
  #state: TarState;
  #partial = Buffer.alloc(0);

  constructor(wanted: readonly string[], state?: TarState) {
    this.#wanted = wanted;
    this.#state = state ? { ...state } : { skip: 0, empty: 0, holes: false, seen: [], bytes: 0 };
  }

  get state(): TarState {
    return { ...this.#state, seen: [...this.#state.seen] };
  }

  get bytes(): number {
    return this.#state.bytes;
  }

  get hasEnded(): boolean {
    const { skip, empty, holes } = this.#state;
    return skip === 0 && !holes && this.#partial.length === 0 && empty >= 2;
  }

  get missing(): string[] {
    return this.#wanted.filter((name) => !this.#state.seen.includes(name));
  }

  push(chunk: Uint8Array): void {
    const state = this.#state;
    for (let at = 0; at < chunk.length;) {
      if (state.skip > 0 && !state.holes) {
        const passed = Math.min(state.skip, chunk.length - at);
        state.skip -= passed;
        state.bytes += passed;
        at += passed;
        continue;
      }
      const part = chunk.subarray(at, at + BLOCK - this.#partial.length);
      at += part.length;
      state.bytes += part.length;
      this.#partial = Buffer.concat([this.#partial, part]);
      if (this.#partial.length === BLOCK) this.#block(this.#partial);
      if (this.#partial.length === BLOCK) this.#partial = Buffer.alloc(0);
    }
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
    if (state.empty > 0 || !isHeader(block)) {
      this.corruptAt ??= state.bytes - BLOCK;
      return;
    }
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
