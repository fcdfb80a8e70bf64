// What a recovery of external snapshots needs: somebody's files, to be read only. storage/ implements it.

import type { ByteRange, StoredObject } from '../storage/object-store.js';

export interface ExternalPlace {
  /** Every file below a folder, however deep; a folder that is not there is empty. */
  list(folder: string): AsyncIterable<StoredObject>;
  /** Undefined when there is no such file. */
  head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined>;
  /** Exactly that range, or it throws. */
  read(key: string, options: { range: ByteRange; signal: AbortSignal }): AsyncIterable<Uint8Array>;
}

export interface ExternalPlaces {
  ofStore(alias: string): ExternalPlace;
  /** Keys are URLs as inputs have them. */
  readonly urls: ExternalPlace;
  /** The path of such a URL: its last part names the file. */
  pathOf(url: string): string;
}
