// A whole snapshot file, looked at while it passes: its hash, and whether the archive is whole and of the kind that was
// asked for. Promises `SnapshotDamaged`, which nobody retries: the same file would be damaged again.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';
import { COLLECTION_ENTRIES, SHARD_ENTRIES, STORAGE_ENTRIES, TarCheck } from '../shards/tar-check.js';

export class Inspection {
  /** Once it is finished. */
  sha256 = '';
  readonly #what: string;
  readonly #wanted: string | undefined;
  readonly #tar: TarCheck;
  readonly #hash = createHash('sha256');

  /** `wanted` is the hash that somebody promised. */
  constructor(what: string, source: SnapshotSource, wanted?: string) {
    this.#what = what;
    this.#wanted = wanted;
    this.#tar = new TarCheck(entriesOf(source));
  }

  get bytes(): number {
    return this.#tar.state.bytes;
  }

  pass(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#damaged(() => this.#tar.push(chunk));
  }

  finish(): void {
    this.sha256 = this.#hash.digest('hex');
    if (this.#wanted !== undefined && this.#wanted !== this.sha256) {
      const happened = `${this.#what} has the SHA-256 ${this.sha256}, and should have ${this.#wanted}`;
      throw new FerryError('SnapshotDamaged', happened);
    }
    this.#damaged(() => this.#tar.finish(this.#what));
  }

  #damaged(check: () => void): void {
    try {
      check();
    } catch (error) {
      if (!(error instanceof FerryError)) throw error;
      throw new FerryError('SnapshotDamaged', error.happened, { cause: error });
    }
  }
}

function entriesOf(source: SnapshotSource): string[] {
  if (source === 'storage') return STORAGE_ENTRIES;
  return source.shard === undefined ? COLLECTION_ENTRIES : SHARD_ENTRIES;
}
