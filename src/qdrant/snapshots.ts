// Snapshots of one node: streamed, or stored on it and downloaded. Promises that silence ends with an error (a second
// stream of one shard is answered 200 and then nothing), and that no answer is decompressed or asked for compressed.
// Does not promise that a stream which ended is whole: Qdrant sends no length; backup/tar-check.ts looks inside.

import type { Readable } from 'node:stream';
import type { Download, NodeFile, SnapshotNode, SnapshotSource } from '../backup/ports.js';
import { FerryError } from '../model/errors.js';
import { numberAt, textAt, type Json } from '../model/json.js';
import { list } from './control-layout.js';
import type { OpenAnswer, RestNode } from './rest.js';
import { transportFailure } from './rest-failures.js';

/** Longest silence of a node that streams. */
export const SILENCE_MS = 20_000;

export class QdrantSnapshots implements SnapshotNode {
  readonly peer?: string;
  readonly #node: RestNode;
  readonly #silenceMs: number;

  constructor(node: RestNode, peer: string | undefined, silenceMs = SILENCE_MS) {
    this.#node = node;
    if (peer !== undefined) this.peer = peer;
    this.#silenceMs = silenceMs;
  }

  get url(): string {
    return this.#node.url;
  }

  async *stream(source: SnapshotSource, signal: AbortSignal): AsyncIterable<Uint8Array> {
    if (source === 'storage') throw new FerryError('Internal', 'Qdrant streams no full storage snapshot');
    const path = `${shardPath(source)}/snapshot`;
    const answer = await this.#node.open(path, { signal, timeoutMs: this.#silenceMs });
    let bytes = 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw bytes === 0 && isSilence(error) ? this.#busy(source, error) : this.#broken(error);
    } finally {
      answer.body.destroy();
    }
  }

  async create(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile> {
    const path = `${storedPath(source)}?wait=true`;
    return fileOf((await this.#node.json('POST', path, { signal, timeoutMs: 0 })) as Json);
  }

  async list(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile[]> {
    return list((await this.#node.json('GET', storedPath(source), { signal })) as Json).map(fileOf);
  }

  async download(
    source: SnapshotSource,
    name: string,
    from: number,
    signal: AbortSignal,
  ): Promise<Download | undefined> {
    const answer = await this.#openFile(`${storedPath(source)}/${encodeURIComponent(name)}`, from, signal);
    if (answer === undefined) return undefined;
    const total = totalOf(answer, from);
    return {
      etag: String(answer.headers['etag'] ?? ''),
      bytes: total,
      body: this.#checked(answer.body, total - from, signal),
    };
  }

  async remove(source: SnapshotSource, name: string, signal: AbortSignal): Promise<void> {
    try {
      const path = `${storedPath(source)}/${encodeURIComponent(name)}?wait=true`;
      await this.#node.json('DELETE', path, { signal, timeoutMs: 300_000 });
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async #openFile(path: string, from: number, signal: AbortSignal): Promise<OpenAnswer | undefined> {
    try {
      const headers = { range: `bytes=${from}-` };
      return await this.#node.open(path, { signal, timeoutMs: this.#silenceMs, headers });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** In S3 mode a read error may end as a truncated object with 200 OK. */
  async *#checked(body: Readable, wanted: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw this.#broken(error);
    } finally {
      body.destroy();
    }
    if (bytes === wanted) return;
    const happened = `${this.url} sent ${bytes} of ${wanted} bytes of a snapshot`;
    throw new FerryError('SnapshotIncomplete', happened, { context: this.#where });
  }

  #busy({ collection, shard }: { collection: string; shard: number }, cause: unknown): FerryError {
    const happened =
      `${this.url} said it would stream shard ${shard} of "${collection}" and sent no byte in ` +
      `${this.#silenceMs / 1_000} s: another reader has it`;
    return new FerryError('ShardBusy', happened, { cause, context: { ...this.#where, shard } });
  }

  #broken(cause: unknown): FerryError {
    return cause instanceof FerryError ? cause : transportFailure(cause, this.#where);
  }

  get #where() {
    return { cluster: this.#node.connection.alias, node: this.url };
  }
}

function shardPath({ collection, shard }: { collection: string; shard: number }): string {
  return `/collections/${encodeURIComponent(collection)}/shards/${shard}`;
}

function storedPath(source: SnapshotSource): string {
  return source === 'storage' ? '/snapshots' : `${shardPath(source)}/snapshots`;
}

function fileOf(json: Json): NodeFile {
  const sha256 = textAt(json, 'checksum');
  const file = { name: textAt(json, 'name') ?? '', bytes: numberAt(json, 'size') ?? 0 };
  return sha256 === undefined ? file : { ...file, sha256 };
}

/** "bytes 512-1023/1024"; a server that ignores the range would send the file from its beginning. */
function totalOf({ statusCode, headers }: OpenAnswer, from: number): number {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'] ?? ''));
  if (range && Number(range[1]) === from) return Number(range[2]);
  const length = Number(headers['content-length']);
  if (statusCode === 200 && from === 0 && Number.isFinite(length)) return length;
  throw new FerryError('QdrantUnavailable', `The node did not send the snapshot from byte ${from} on`);
}

function isSilence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_BODY_TIMEOUT';
}

function isAbsent(error: unknown): boolean {
  return error instanceof FerryError && error.context['status'] === 404;
}
