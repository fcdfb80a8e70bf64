// Files that somebody else wrote, to be read only: on a disk, or behind an http(s) URL. Both promise a range that is whole or
// throws. On a disk they have the names they have (a store's own keys are escaped, and these are not); links that somebody
// put there are followed, ".." is not. Behind a URL the pieces are of one file (the same length and etag throughout), and no
// URL gets into an error: it may hold a signature.

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FerryError, type ErrorCode } from '../model/errors.js';
import { fileFailure, isErrno, readFileRange, statedObject } from './disk.js';
import type { ByteRange, StoredObject } from './object-store.js';
import { resumed, retried } from './retry.js';

export class DiskFiles {
  readonly #root: string;

  constructor(url: string) {
    this.#root = fileURLToPath(url);
  }

  async *list(folder: string): AsyncGenerator<StoredObject> {
    const names = await readdir(this.#pathOf(folder), { recursive: true, withFileTypes: true }).catch(
      (error: unknown) => {
        if (isErrno(error, 'ENOENT')) return [];
        throw fileFailure(error, this.#root, folder);
      },
    );
    const root = this.#pathOf('');
    const keys = names.filter((one) => !one.isDirectory()).map((one) => join(one.parentPath, one.name));
    for (const key of keys.map((path) => path.slice(root.length).replace(/^\//, '')).sort()) {
      const found = await this.head(key);
      if (found) yield found;
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    try {
      const found = await stat(this.#pathOf(key), { bigint: true });
      return found.isFile() ? statedObject(key, found) : undefined;
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw fileFailure(error, this.#root, key);
    }
  }

  read(key: string, { range, signal }: { range: ByteRange; signal: AbortSignal }): AsyncIterable<Uint8Array> {
    return readFileRange(this.#pathOf(key), { root: this.#root, key }, { range, signal });
  }

  #pathOf(key: string): string {
    return join(this.#root, ...key.split('/').filter((part) => part !== '..'));
  }
}

interface Extent {
  answer: Response;
  total: number;
  etag: string;
}

interface Piece {
  key: string;
  from: number;
  /** Exclusive. */
  to: number;
  signal: AbortSignal | undefined;
}

export class HttpFiles {
  readonly #urlOf: (key: string) => string;

  /** From what an input names to the URL that is asked. */
  constructor(urlOf: (key: string) => string) {
    this.#urlOf = urlOf;
  }

  async *list(): AsyncGenerator<StoredObject> {
    // There is nothing beside a URL.
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    try {
      const { answer, total, etag } = await this.#first(key, signal);
      return { key, bytes: total, etag, modifiedAt: answer.headers.get('last-modified') ?? '' };
    } catch (error) {
      if (error instanceof FerryError && error.code === 'ObjectMissing') return undefined;
      throw error;
    }
  }

  async *read(
    key: string,
    { range, signal }: { range: ByteRange; signal: AbortSignal },
  ): AsyncGenerator<Uint8Array> {
    const { from, to = (await this.#first(key, signal)).total } = range;
    let etag: string | undefined;
    const checked = (opened: Extent): AsyncIterable<Uint8Array> => {
      etag ??= opened.etag;
      if (etag !== opened.etag || opened.total < to) throw failure('ObjectDamaged', key, REPLACED);
      return opened.answer.body as AsyncIterable<Uint8Array>;
    };
    const open = (at: number) => this.#open({ key, from: at, to, signal }, checked);
    if (from < to) yield* resumed(from, open, signal);
  }

  /** Its first byte, to hear how long the file is. */
  #first(key: string, signal: AbortSignal | undefined): Promise<Extent> {
    return retried(
      async () => {
        const extent = await this.#ask({ key, from: 0, to: 1, signal });
        await extent.answer.body?.cancel();
        return extent;
      },
      { signal },
    );
  }

  async *#open(
    piece: Piece,
    checked: (opened: Extent) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array> {
    const stream = checked(await this.#ask(piece));
    let at = piece.from;
    try {
      for await (const chunk of stream) {
        at += chunk.byteLength;
        yield chunk;
      }
    } catch {
      throw failure('StoreUnreachable', piece.key, 'The connection broke');
    }
    if (at < piece.to) throw failure('StoreUnreachable', piece.key, 'The stream of a file ended early');
  }

  /** The answer's body is not read yet. */
  async #ask({ key, from, to, signal }: Piece): Promise<Extent> {
    const headers = { range: `bytes=${from}-${to - 1}`, 'accept-encoding': 'identity' };
    const url = this.#urlOf(key);
    const answer = await fetch(url, { headers, ...(signal === undefined ? {} : { signal }) }).catch(() => {
      signal?.throwIfAborted();
      throw failure('StoreUnreachable', key, 'The server does not answer');
    });
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get('content-range') ?? '') ?? [];
    if (answer.status === 206 && Number(first) === from) {
      const { headers: said } = answer;
      return {
        answer,
        total: Number(total),
        etag: said.get('etag') ?? said.get('last-modified') ?? `${total}`,
      };
    }
    await answer.body?.cancel();
    throw refused(key, answer.status);
  }
}

const REPLACED = 'The file was replaced while it was read';

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'StoreAccessDenied',
  403: 'StoreAccessDenied',
  404: 'ObjectMissing',
  410: 'ObjectMissing',
  408: 'StoreUnreachable',
  416: 'ObjectDamaged',
  429: 'StoreThrottled',
};

function refused(key: string, status: number): FerryError {
  if (status < 300)
    return failure(
      'StoreRejected',
      key,
      'The server does not support ranges (no 206): put the file into a store',
    );
  const code = BY_STATUS[status] ?? (status >= 500 ? 'StoreUnreachable' : 'StoreRejected');
  return failure(code, key, `The server refused the file (status ${status})`);
}

function failure(code: ErrorCode, key: string, happened: string): FerryError {
  return new FerryError(code, happened, { context: { file: key } });
}
