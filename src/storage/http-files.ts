// A file behind an http(s) URL, read by ranges. Promises that its pieces are of one file (the same length and etag
// throughout), that a range is whole or throws, and that no URL gets into an error: it may hold a signature. A broken
// connection is opened again where it stopped. Reads only.

import { setTimeout as pause } from 'node:timers/promises';
import { FerryError, type ErrorCode } from '../model/errors.js';
import type { ByteRange, StoredObject } from './object-store.js';

const ATTEMPTS = 5;

interface Extent {
  answer: Response;
  total: number;
  etag: string;
}

export class HttpFiles {
  readonly #urlOf: (key: string) => string;
  readonly #waitMs: number;

  /** From what an input names to the URL that is asked. */
  constructor(urlOf: (key: string) => string, waitMs = 200) {
    this.#urlOf = urlOf;
    this.#waitMs = waitMs;
  }

  async *list(): AsyncGenerator<StoredObject> {
    // There is nothing beside a URL.
  }

  async head(key: string, signal?: AbortSignal): Promise<StoredObject | undefined> {
    try {
      const { answer, total, etag } = await this.#ask(key, 0, 1, signal);
      await answer.body?.cancel();
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
    let etag: string | undefined;
    const to = range.to ?? (await this.#ask(key, 0, 1, signal)).total;
    for (let [at, failures] = [range.from, 0]; at < to;) {
      try {
        const opened = await this.#ask(key, at, to, signal);
        etag ??= opened.etag;
        if (etag !== opened.etag || opened.total < to) throw failure('ObjectDamaged', key, REPLACED);
        for await (const chunk of opened.answer.body as AsyncIterable<Uint8Array>) {
          at += chunk.byteLength;
          failures = 0;
          yield chunk;
        }
        if (at < to) throw failure('StoreUnreachable', key, 'The stream of a file ended early');
      } catch (error) {
        signal.throwIfAborted();
        failures += 1;
        const known = error instanceof FerryError ? error : failure('StoreUnreachable', key, CUT);
        if (!known.retryable || failures === ATTEMPTS) throw known;
        await pause(this.#waitMs * 2 ** failures, undefined, { signal });
      }
    }
  }

  /** `[from, to)`; the answer's body is not read yet. */
  async #ask(key: string, from: number, to: number, signal: AbortSignal | undefined): Promise<Extent> {
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
const CUT = 'The connection broke';

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
