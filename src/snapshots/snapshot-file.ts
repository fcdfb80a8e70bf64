// A file that lies on a node, found by its own name, to be read from any byte on. Where Qdrant keeps snapshots in S3 it
// answers no ranges and tells no length: then the list says how long it is, and what comes is counted.

import { FerryError } from '../model/errors.js';
import type { SnapshotScope } from '../model/contracts/snapshot-activities.js';
import type { NamedSnapshot } from '../shards/download-to-file.js';
import { notFound, sourceOf, type ClusterNode } from './cluster-nodes.js';

export async function fileOnNode(
  cluster: string,
  node: ClusterNode,
  scope: SnapshotScope,
  name: string,
  signal: AbortSignal,
): Promise<NamedSnapshot> {
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
    if (!download) throw changed('no longer exists');
    if (download.etag !== etag || (download.bytes ?? bytes) !== bytes) {
      await leave(download.body);
      throw changed('was replaced by another file');
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
