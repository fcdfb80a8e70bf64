// Snapshots of one node: streamed, or stored on it and downloaded. Promises that silence ends with an error (a second
// stream of one shard is answered 200 and then nothing), and that no answer is decompressed or asked for compressed.
// Does not promise that a stream which ended is whole: Qdrant sends no length; shards/snapshot-check.ts looks inside.

import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  CreationSigns,
  Download,
  NodeFile,
  SnapshotNode,
  SnapshotSource,
} from '../cluster/snapshots-port.js';
import { FerryError } from '../model/errors.js';
import { objectAt, textAt, type Json } from '../model/json.js';
import { answersTo, snapshotCounts, startOf, telemetryOf } from './node-telemetry.js';
import { toList, toNumber, type Rest } from './openapi.js';
import type { OpenAnswer, RestNode } from './rest.js';
import { transportFailure } from './rest-failures.js';

/** Longest silence of a node that streams. */
export const SILENCE_MS = 20_000;

/** How often, and after what pause, a file is looked at again whose hash was not written yet: a moment, on a busy disk. */
const HASH_TRIES = 50;
const HASH_PAUSE_MS = 100;

type Description = Rest<'SnapshotDescription'>;

const SHA256 = /^[0-9a-f]{64}$/i;

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
    if (source === 'storage' || source.shard === undefined)
      throw new FerryError('Internal', 'Qdrant streams only shards');
    const { collection, shard } = source;
    const path = `${pathOf(source)}/snapshot`;
    const answer = await this.#node.open(path, { signal, timeoutMs: this.#silenceMs });
    let bytes = 0;
    try {
      for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw bytes === 0 && isSilence(error) ? this.#busy({ collection, shard }, error) : this.#broken(error);
    } finally {
      answer.body.destroy();
    }
  }

  async lastOperation(source: SnapshotSource, signal: AbortSignal): Promise<string | undefined> {
    if (source === 'storage' || source.shard === undefined) return undefined;
    try {
      const path = `${pathOf(source)}/snapshot/partial/manifest`;
      const segments = objectAt(await this.#node.json<Json>('GET', path, { signal }));
      const versions = Object.values(segments).map((one) => textAt(one, 'segment_version'));
      if (versions.length === 0 || versions.some((version) => version === undefined)) return undefined;
      return String(versions.map((version) => BigInt(version as string)).reduce((a, b) => (a > b ? a : b)));
    } catch (error) {
      if (error instanceof FerryError && !error.retryable) return undefined;
      throw error;
    }
  }

  async create(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile> {
    const path = `${storedPath(source)}?wait=true`;
    const answer = await this.#node.json<Description>('POST', path, { signal, timeoutMs: 0, goesOn: true });
    return isHashOnItsWay(answer) ? this.#withHash(source, fileOf(answer), signal) : fileOf(answer);
  }

  async list(source: SnapshotSource, signal: AbortSignal): Promise<NodeFile[]> {
    return toList(await this.#node.json<Description[]>('GET', storedPath(source), { signal })).map(fileOf);
  }

  async creations(source: SnapshotSource, signal: AbortSignal): Promise<CreationSigns | undefined> {
    const telemetry = await telemetryOf(this.#node, signal);
    if (telemetry === undefined) return undefined;
    const collection = source === 'storage' ? undefined : source.collection;
    return {
      running: snapshotCounts(telemetry, collection, 'running_snapshots'),
      begun: snapshotCounts(telemetry, collection, 'total_snapshot_creations'),
      answers: answersTo(telemetry, [creationCall(source)]),
      ...startOf(telemetry),
    };
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
    const etag = String(answer.headers['etag'] ?? '');
    if (total === undefined) return { etag, body: without(from, this.#checked(answer.body, signal)) };
    return { etag, bytes: total, body: this.#checked(answer.body, signal, total - from) };
  }

  locate(source: SnapshotSource, name: string): ReturnType<SnapshotNode['locate']> {
    const { apiKey, cert } = this.#node.connection;
    const url = `${this.#node.url}${storedPath(source)}/${encodeURIComponent(name)}`;
    return {
      url,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(cert === undefined ? {} : { asksForCertificate: true }),
    };
  }

  async remove(source: SnapshotSource, name: string, signal: AbortSignal): Promise<boolean> {
    try {
      const path = `${storedPath(source)}/${encodeURIComponent(name)}?wait=true`;
      await this.#node.json('DELETE', path, { signal, timeoutMs: 300_000 });
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#node.close();
  }

  async #withHash(source: SnapshotSource, made: NodeFile, signal: AbortSignal): Promise<NodeFile> {
    for (let tries = 0; tries < HASH_TRIES; tries++) {
      await sleep(HASH_PAUSE_MS, undefined, { signal });
      const found = (await this.list(source, signal)).find(({ name }) => name === made.name);
      if (found?.bytes === made.bytes && found.sha256 !== undefined) return found;
    }
    return made;
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
  async *#checked(body: Readable, signal: AbortSignal, wanted?: number): AsyncIterable<Uint8Array> {
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
    if (wanted === undefined || bytes === wanted) return;
    const happened = `${this.url} sent ${bytes} of ${wanted} bytes of a snapshot`;
    throw new FerryError('SnapshotIncomplete', happened, { context: this.#where });
  }

  #busy({ collection, shard }: { collection: string; shard: number }, cause: unknown): FerryError {
    const happened =
      `${this.url} accepted to stream shard ${shard} of "${collection}" and sent no byte in ` +
      `${this.#silenceMs / 1_000} s: another reader holds it`;
    return new FerryError('ShardBusy', happened, { cause, context: { ...this.#where, shard } });
  }

  #broken(cause: unknown): FerryError {
    return cause instanceof FerryError ? cause : transportFailure(cause, this.#where);
  }

  get #where() {
    return { cluster: this.#node.connection.alias, node: this.url };
  }
}

function pathOf({ collection, shard }: { collection: string; shard?: number }): string {
  const path = `/collections/${encodeURIComponent(collection)}`;
  return shard === undefined ? path : `${path}/shards/${shard}`;
}

export function storedPath(source: SnapshotSource): string {
  return source === 'storage' ? '/snapshots' : `${pathOf(source)}/snapshots`;
}

/** As telemetry names it. */
function creationCall(source: SnapshotSource): string {
  if (source === 'storage') return 'POST /snapshots';
  return `POST /collections/{}${source.shard === undefined ? '' : '/shards/{}'}/snapshots`;
}

/**
 * Up to 1.17.0 Qdrant answers without waiting for the write of the hash's file (`store_file` in snapshots_manager.rs drops
 * it unflushed): it reads it back empty then. None at all is another thing: out of S3 there is no such file.
 */
function isHashOnItsWay({ checksum }: Description): boolean {
  return typeof checksum === 'string' && !SHA256.test(checksum);
}

function fileOf({ checksum, name = '', creation_time, size }: Description): NodeFile {
  const time = creation_time ?? timeIn(name ?? '');
  return {
    name: name ?? '',
    bytes: toNumber(size) ?? 0,
    ...(typeof checksum === 'string' && SHA256.test(checksum) ? { sha256: checksum } : {}),
    ...(time === undefined ? {} : { createdAt: isoOf(time) }),
  };
}

/** Where the disk, or the build, knows no time of birth: "docs-123-2026-11-24-19-12-21.snapshot". */
function timeIn(name: string): string | undefined {
  const found = /-(\d{4}-\d\d-\d\d)-(\d\d)-(\d\d)-(\d\d)\.snapshot$/.exec(name);
  return found ? `${found[1]}T${found[2]}:${found[3]}:${found[4]}` : undefined;
}

/** Qdrant means UTC and leaves that out. */
function isoOf(time: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`;
}

/**
 * "bytes 512-1023/1024"; a server that ignores the range would send the file from its beginning. Out of S3 Qdrant sends
 * it so, in chunks, without a length.
 */
function totalOf({ statusCode, headers }: OpenAnswer, from: number): number | undefined {
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'] ?? ''));
  if (range && Number(range[1]) === from) return Number(range[2]);
  const length = headers['content-length'];
  if (statusCode === 200 && length === undefined) return undefined;
  if (statusCode === 200 && from === 0 && Number.isFinite(Number(length))) return Number(length);
  throw new FerryError('QdrantUnavailable', `The node did not send the snapshot from byte ${from} on`);
}

async function* without(first: number, body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let left = first;
  for await (const chunk of body) {
    if (left < chunk.length) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'UND_ERR_BODY_TIMEOUT';
}

function isAbsent(error: unknown): boolean {
  return error instanceof FerryError && error.context['status'] === 404;
}
