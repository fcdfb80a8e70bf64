// The port to a place for backups. Promises to its callers, whatever lies behind it: memory flat in the size of objects;
// a key is either absent or whole, never half an object; what is written once stays as it was; absent is an answer
// (`undefined`), not an error. Keys are relative to the store's prefix and made by model/ alone.
//
// Errors are FerryErrors with [bucket=…, key=…]: StoreAccessDenied, StoreUnreachable (retryable), StoreThrottled
// (retryable), StoreRejected, StoreFull, ObjectMissing, ObjectDamaged, ObjectExists. Nobody reads messages; "retryable" is decided in the adapter.

import type { PartRules } from '../model/format/part-sizes.js';

export interface StoredObject {
  key: string;
  bytes: number;
  /** Of the store's own; changes when the object does. */
  etag: string;
  /** Where the store keeps versions. */
  versionId?: string;
  /** ISO 8601 */
  modifiedAt: string;
  /**
   * It lies in an archive tier and cannot be read until it is restored. A list does not know what was restored: ask `head`
   * of what it marks so.
   */
  archived?: true;
  /** Why it cannot be deleted (Object Lock), where the store says so. Of `head` only; a list does not know. */
  lockedBy?: string;
}

export interface StoredPart {
  /** From 1. */
  number: number;
  bytes: number;
  /** Of the part's content, 64 lower-case hex digits, computed by us and checked by the store where it can. */
  sha256: string;
  etag: string;
}

/** A large object on its way. Survives its process: open it again by its id. */
export interface Upload {
  readonly key: string;
  readonly id: string;
  /** What has arrived, ascending by number; may have gaps. Retryable. */
  parts(): Promise<StoredPart[]>;
  /**
   * Idempotent by number: the last one counts. Retryable. `body` must not change until it is answered. Where the caller
   * knows what it must hash to, another body is refused as `ObjectDamaged`.
   */
  putPart(number: number, body: Uint8Array, signal?: AbortSignal, sha256?: string): Promise<StoredPart>;
  /**
   * Makes the object appear, whole. With `ifAbsent` throws `ObjectExists` when another stands there (unless it is this
   * very upload's, completed by an attempt whose answer was lost). Retryable.
   */
  complete(parts: readonly StoredPart[], options?: { ifAbsent?: boolean }): Promise<StoredObject>;
  /** Leaves no part behind. An upload that is gone already is no error. */
  abort(): Promise<void>;
}

export interface UnfinishedUpload {
  key: string;
  id: string;
  /** ISO 8601 */
  startedAt: string;
}

export interface ByteRange {
  /** Inclusive. */
  from: number;
  /** Exclusive; absent: to the end. */
  to?: number;
}

export interface WriteOptions {
  /** Throws where nothing may be written any more: before every request, also one that is sent again. */
  beforeRequest?: () => void;
}

export interface ObjectStore {
  readonly alias: string;
  /** What the provider lacks, a sentence each; found by a probe, empty where everything is there. */
  readonly limitations: readonly string[];
  /** How an upload must be cut, where not as AWS takes it. */
  readonly partRules?: PartRules;
  /**
   * Writes and deletes a small object to find out what the store can do, and uses it that way from then on. Throws when
   * the store cannot be reached or written at all.
   */
  probe(): Promise<unknown>;
  /** A small object, in one go. With `ifAbsent` throws `ObjectExists` when there is one with other content. Retryable. */
  put(
    key: string,
    body: Uint8Array,
    options?: { ifAbsent?: boolean; contentType?: string } & WriteOptions,
  ): Promise<StoredObject>;
  /**
   * Begins an upload in parts, or opens the one with this id again. `undefined` when it is gone: aborted, or completed
   * by an attempt whose answer was lost, and then `head` finds the object.
   */
  upload(key: string): Promise<Upload>;
  resumeUpload(key: string, id: string): Promise<Upload | undefined>;
  /** Begun and neither completed nor aborted, with keys that begin with `prefix`: leftovers, or somebody's work. */
  uploads(prefix: string): AsyncIterable<UnfinishedUpload>;
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * Throws `ObjectMissing` when absent. A stream that ends early throws; it never ends as if whole. An object that is
   * shorter than `range.to`, or is replaced meanwhile, is `ObjectDamaged`: say how long it must be, and it is checked.
   */
  read(key: string, options?: { range?: ByteRange; signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /** Ascending by key. */
  list(prefix: string, options?: { after?: string }): AsyncIterable<StoredObject>;
  /** Names directly below a prefix that ends with "/": sub-folders only, without the slash. */
  folders(prefix: string): AsyncIterable<string>;
  /** With all its versions where the store keeps versions; absent is no error. `StoreRejected` when locked. */
  delete(key: string, options?: WriteOptions): Promise<void>;
  /** A URL that any HTTP client can GET for so many seconds, or undefined where there is none (file://). A secret. */
  presignedUrl(key: string, seconds: number): Promise<string | undefined>;
}
