// A file that lies on a node, found by its own name, to be read from any byte on; and that file into an object of a store.
// Where Qdrant keeps snapshots in S3 it answers no ranges and tells no length: then the list says how long it is, and what
// comes is counted.

import type { ClusterNode } from '../cluster/snapshots-port.js';
import { FerryError } from '../model/errors.js';
import type {
  DownloadToStoreInput,
  DownloadToStoreResult,
  NodeRef,
  SnapshotScope,
} from '../model/contracts/snapshot-activities.js';
import { given, scopeOf } from '../model/contracts/snapshot-inputs.js';
import type { NamedSnapshot } from '../shards/download-to-file.js';
import { storeSnapshot, type DownloadAttempt } from '../shards/store-snapshot.js';
import type { ObjectStore } from '../storage/object-store.js';
import {
  nodeNamed,
  notFound,
  refOf,
  scopeBehind,
  sourceOf,
  withNodes,
  type SnapshotDeps,
} from './named-node.js';

export type NamedFile = SnapshotScope & { cluster: string; name: string };

/** What the result of a download says of where it came from. */
export type FoundFile = NamedFile & NodeRef;

/** On the node that is meant, or the only one; under the collection's own name. */
export async function withFile<T>(
  { open, controls }: SnapshotDeps,
  { cluster, node, name, ...asked }: NamedFile & { node?: string | undefined },
  signal: AbortSignal,
  use: (file: NamedSnapshot, found: FoundFile) => Promise<T>,
): Promise<T> {
  const scope = await scopeBehind(controls, cluster, scopeOf(asked), signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const found = { cluster, ...scope, name };
    return use(await fileOnNode(there, found, signal), { ...found, ...refOf(there) });
  });
}

export async function downloadToStore(
  deps: SnapshotDeps & { store: ObjectStore },
  input: DownloadToStoreInput,
  attempt: DownloadAttempt,
): Promise<DownloadToStoreResult> {
  const { store } = deps;
  const { object, maxMegabytesPerSecond } = input;
  const signal = AbortSignal.any([attempt.signal, attempt.stop]);
  return withFile(deps, input, signal, async (file, found) => {
    const download = { file, source: sourceOf(found), store, object, maxMegabytesPerSecond };
    const sha256 = await storeSnapshot(download, attempt);
    const checksum = file.sha256 === undefined ? 'none' : 'equal';
    return { ...found, store: store.alias, object, bytes: file.bytes, sha256, checksum };
  });
}

export async function fileOnNode(
  node: ClusterNode,
  { cluster, name, ...place }: NamedFile,
  signal: AbortSignal,
): Promise<NamedSnapshot> {
  const scope = scopeOf(place);
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
  return { name, bytes, etag, from, ...given({ sha256: listed?.sha256 }) };
}

/** Closes the connection without reading on. */
async function leave(body: AsyncIterable<Uint8Array> | undefined): Promise<void> {
  const reading = body?.[Symbol.asyncIterator]();
  await reading?.next();
  await reading?.return?.();
}
