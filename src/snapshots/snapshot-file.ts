// A file that lies on a node, found by its own name, to be read from any byte on. Where Qdrant keeps snapshots in S3 it
// answers no ranges and tells no length: then the list says how long it is, and what comes is counted.

import { createHash } from 'node:crypto';
import { FerryError } from '../model/errors.js';
import type { SnapshotScope } from '../model/contracts/snapshot-activities.js';
import { COLLECTION_ENTRIES, SHARD_ENTRIES, STORAGE_ENTRIES, TarCheck } from '../shards/tar-check.js';
import type { SnapshotSource } from '../cluster/snapshots-port.js';
import { notFound, sourceOf, type ClusterNode } from './cluster-nodes.js';

export interface FileOnNode {
  name: string;
  bytes: number;
  etag: string;
  /** Qdrant's own checksum, where it gives one. */
  sha256?: string;
  /** Throws `SnapshotIncomplete` when it ends early, and when another file has the name by now. */
  from(position: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

export async function fileOnNode(
  cluster: string,
  node: ClusterNode,
  scope: SnapshotScope,
  name: string,
  signal: AbortSignal,
): Promise<FileOnNode> {
  const source = sourceOf(scope);
  const known =
    scope.collection === undefined || (await node.shardsOf(scope.collection, signal)) !== undefined;
  const listed = known
    ? (await node.snapshots.list(source, signal)).find((one) => one.name === name)
    : undefined;
  const first = known ? await node.snapshots.download(source, name, 0, signal) : undefined;
  await leave(first?.body);
  const bytes = first?.bytes ?? listed?.bytes;
  if (first === undefined || bytes === undefined) throw notFound(cluster, node, scope, name);
  const { etag } = first;
  const changed = (how: string) =>
    new FerryError('SnapshotIncomplete', `${name} on ${node.url} ${how}`, { context: { node: node.url } });
  async function* from(position: number, until: AbortSignal): AsyncIterable<Uint8Array> {
    const download = await node.snapshots.download(source, name, position, until);
    if (!download) throw changed('is gone');
    if (download.etag !== etag || (download.bytes ?? bytes) !== bytes) {
      await leave(download.body);
      throw changed('is another file by now');
    }
    let at = position;
    for await (const chunk of download.body) {
      at += chunk.length;
      yield chunk;
    }
    if (at !== bytes) throw changed(`ended after ${at} of ${bytes} bytes`);
  }
  return { name, bytes, etag, from, ...(listed?.sha256 === undefined ? {} : { sha256: listed.sha256 }) };
}

/** Closes the connection without reading on. */
async function leave(body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  const reading = body?.[Symbol.asyncIterator]();
  await reading?.next();
  await reading?.return?.();
}

/**
 * A whole snapshot file, checked while it passes: its hash, and whether the archive is whole and of the requested kind.
 * Throws `SnapshotDamaged`, which nobody retries: the same file would be damaged again.
 */
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
