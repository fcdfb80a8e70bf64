// What a snapshot has to be, seen while it passes from one node to another: whole, and with a file what the node said it
// hashes to. Keeps the pace, and tells how far it is.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { MoveShardInput } from '../model/contracts/move-activities.js';
import type { Pacer } from '../cluster/pacer.js';
import type { CaptureState, StoredFile } from './node-file.js';
import { SHARD_ENTRIES, TarCheck } from './tar-check.js';

/** Each telling costs a heartbeat's encoding. */
const TELL_EVERY_BYTES = 1024 ** 2;

export interface PassingDeps {
  input: MoveShardInput;
  state: CaptureState;
  onProgress(state: CaptureState, moved?: boolean): void;
  signal: AbortSignal;
  pacer: Pacer;
}

export const otherHash = ({ name }: StoredFile) =>
  new FerryError(
    'SnapshotIncomplete',
    `The snapshot ${name} came over with another SHA-256 than its node says`,
  );

export class Passing {
  /** Why the body ended before its end. */
  trouble: unknown;
  /** All of it came, and it is not what the node said. */
  isOther = false;
  bytes = 0;
  readonly #room: PassingDeps;
  readonly #file: StoredFile | undefined;

  constructor(room: PassingDeps, file?: StoredFile) {
    this.#room = room;
    this.#file = file;
  }

  async *pass(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const { pacer, signal, input } = this.#room;
    const tar = new TarCheck(SHARD_ENTRIES);
    const hash = createHash('sha256');
    try {
      for await (const chunk of body) {
        await pacer.take(0, chunk.length, signal);
        tar.push(chunk);
        if (this.#file?.sha256 !== undefined) hash.update(chunk);
        this.#count(chunk.length);
        yield chunk;
      }
      tar.finish(`The snapshot of shard ${input.placed.shard.id} of "${input.source.collection}"`);
      this.#compare(hash.digest('hex'));
    } catch (error) {
      this.trouble = error;
      throw error;
    }
  }

  #count(bytes: number): void {
    const { state, onProgress } = this.#room;
    this.bytes += bytes;
    state.bytes = this.bytes;
    if (this.bytes < state.best + TELL_EVERY_BYTES) return;
    state.best = this.bytes;
    onProgress(state, true);
  }

  #compare(found: string): void {
    const file = this.#file;
    if (file?.sha256 === undefined || file.sha256 === found) return;
    this.isOther = true;
    throw otherHash(file);
  }
}
