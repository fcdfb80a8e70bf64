// A store in memory that counts what it is asked, with pages of a thousand as S3 has them. For tests of how much a room
// reads; what it writes is tested on real stores.

import { createHash } from 'node:crypto';
import type { ObjectStore, StoredObject } from '../../src/storage/object-store.js';
import { FerryError } from '../../src/model/errors.js';

const PAGE = 1_000;

export class MemoryStore implements ObjectStore {
  readonly alias = 'memory';
  readonly limitations: readonly string[] = [];
  /** Requests by their kind. */
  readonly asked = { list: 0, get: 0, head: 0 };
  readonly #objects = new Map<string, { body: Uint8Array | string; modifiedAt: string; archived?: true }>();
  #sorted: string[] | undefined;

  /** `at`: the store's own time. */
  write(key: string, value: unknown, at = '2026-11-27T03:00:00.000Z'): string {
    const isPlain = typeof value === 'string' || value instanceof Uint8Array;
    const body = isPlain ? value : JSON.stringify(value);
    this.#objects.set(key, { body, modifiedAt: at });
    this.#sorted = undefined;
    return createHash('sha256').update(body).digest('hex');
  }

  /** Moves it into an archive tier. */
  archive(key: string): void {
    const found = this.#objects.get(key);
    if (found) this.#objects.set(key, { ...found, archived: true });
  }

  async probe(): Promise<void> {}

  put(key: string, body: Uint8Array, { ifAbsent = false } = {}): Promise<StoredObject> {
    if (ifAbsent && this.#objects.has(key))
      return Promise.reject(new FerryError('ObjectExists', 'another one', { context: { key } }));
    this.write(key, Buffer.from(body).toString());
    return Promise.resolve(this.#stored(key) as StoredObject);
  }

  head(key: string): Promise<StoredObject | undefined> {
    this.asked.head += 1;
    return Promise.resolve(this.#stored(key));
  }

  async *read(key: string): AsyncIterable<Uint8Array> {
    this.asked.get += 1;
    await Promise.resolve();
    const found = this.#objects.get(key);
    if (!found) throw new FerryError('ObjectMissing', 'none', { context: { key } });
    if (found.archived)
      throw new FerryError('ObjectArchived', 'The object is archived', { context: { key } });
    yield Buffer.from(found.body);
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    await Promise.resolve();
    this.asked.list += 1;
    let seen = 0;
    for (const key of this.#below(prefix)) {
      if (seen++ === PAGE) [this.asked.list, seen] = [this.asked.list + 1, 1];
      yield this.#stored(key) as StoredObject;
    }
  }

  async *folders(prefix: string): AsyncIterable<string> {
    await Promise.resolve();
    const names = new Set<string>();
    for (const key of this.#below(prefix)) {
      const end = key.indexOf('/', prefix.length);
      if (end > 0) names.add(key.slice(prefix.length, end));
    }
    this.asked.list += Math.max(1, Math.ceil(names.size / PAGE));
    yield* names;
  }

  async *uploads(): AsyncIterable<never> {
    await Promise.resolve();
  }
  delete(key: string): Promise<void> {
    this.#objects.delete(key);
    this.#sorted = undefined;
    return Promise.resolve();
  }
  upload(): Promise<never> {
    return Promise.reject(new Error('a store for reading'));
  }
  resumeUpload(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
  presignedUrl(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  #below(prefix: string): string[] {
    this.#sorted ??= [...this.#objects.keys()].sort();
    return this.#sorted.filter((key) => key.startsWith(prefix));
  }

  #stored(key: string): StoredObject | undefined {
    const found = this.#objects.get(key);
    if (!found) return undefined;
    const { body, modifiedAt, archived } = found;
    const stored = { key, bytes: Buffer.byteLength(body), etag: key, modifiedAt };
    return archived ? { ...stored, archived } : stored;
  }
}
