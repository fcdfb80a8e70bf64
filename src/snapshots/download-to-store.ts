// A snapshot that lies on a node, into an object of a store: which node and which file; the bytes are moved by
// shards/download-to-store.ts.

import type { DownloadToStoreInput, DownloadToStoreResult } from '../model/contracts/snapshot-activities.js';
import { storeSnapshot, type DownloadAttempt } from '../shards/download-to-store.js';
import type { ObjectStore } from '../storage/object-store.js';
import { nodeNamed, refOf, scopeBehind, sourceOf, withNodes, type SnapshotDeps } from './cluster-nodes.js';
import { fileOnNode } from './snapshot-file.js';

export async function downloadToStore(
  { open, controls, store }: SnapshotDeps & { store: ObjectStore },
  input: DownloadToStoreInput,
  attempt: DownloadAttempt,
): Promise<DownloadToStoreResult> {
  const { cluster, node, name, object, maxMegabytesPerSecond } = input;
  const signal = AbortSignal.any([attempt.signal, attempt.stop]);
  const { collection, shard } = input;
  const asked = {
    ...(collection === undefined ? {} : { collection }),
    ...(shard === undefined ? {} : { shard }),
  };
  const scope = await scopeBehind(controls, cluster, asked, signal);
  return withNodes(open, cluster, signal, async (whole) => {
    const there = nodeNamed(cluster, whole, node);
    const file = await fileOnNode(cluster, there, scope, name, signal);
    const source = sourceOf(scope);
    const sha256 = await storeSnapshot({ file, source, store, object, maxMegabytesPerSecond }, attempt);
    return {
      ...{ cluster, ...scope, ...refOf(there), name, store: store.alias, object },
      ...{ bytes: file.bytes, sha256 },
      checksum: file.sha256 === undefined ? 'none' : 'equal',
    };
  });
}
